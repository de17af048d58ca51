import { describe, expect, it } from 'vitest'
import { backoffDelay, DEFAULT_BACKOFF } from '@/shared/backoff'

describe('backoffDelay', () => {
  it('doubles from attempt to attempt', () => {
    expect([0, 1, 2, 3].map((attempt) => backoffDelay(attempt, () => 1))).toEqual([500, 1000, 2000, 4000])
  })

  it('never exceeds the upper bound, however often it fails', () => {
    expect(backoffDelay(50, () => 1)).toBe(DEFAULT_BACKOFF.most)
  })

  it('draws the second half of the delay, so that pages do not return together', () => {
    expect(backoffDelay(3, () => 0)).toBe(2000)
    expect(backoffDelay(3, () => 0.5)).toBe(3000)
  })
})
