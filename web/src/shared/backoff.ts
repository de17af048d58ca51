export interface BackoffOptions {
  /** Milliseconds before the first retry. */
  first: number
  /** Upper bound in milliseconds. */
  most: number
  factor: number
}

export const DEFAULT_BACKOFF: BackoffOptions = { first: 500, most: 20_000, factor: 2 }

/**
 * Milliseconds to wait before retry number `attempt` (0-based).
 * Half of the delay is fixed and half is drawn, so that many pages do not return in the same instant after a restart.
 */
export function backoffDelay(attempt: number, random: () => number = Math.random, options = DEFAULT_BACKOFF): number {
  const ceiling = Math.min(options.most, options.first * options.factor ** attempt)
  return Math.round(ceiling / 2 + (ceiling / 2) * random())
}
