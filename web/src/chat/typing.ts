/** Shows who is typing, and stops by itself: the end of typing is never announced. */
export class TypingIndicator {
  private timer: ReturnType<typeof setTimeout> | undefined

  constructor(private readonly show: (who: 'bot' | 'agent' | null) => void) {}

  start(who: 'bot' | 'agent', lasting: number): void {
    clearTimeout(this.timer)
    this.show(who)
    this.timer = setTimeout(() => this.show(null), lasting)
  }

  stop(): void {
    clearTimeout(this.timer)
    this.show(null)
  }
}

/** `call` at most once in `every` milliseconds. */
export function throttled(call: () => void, every: number, now: () => number = Date.now): () => void {
  let last = -Infinity
  return () => {
    if (now() - last < every) return
    last = now()
    call()
  }
}
