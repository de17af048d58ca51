/** `call` at most once in `every` milliseconds. */
export function throttled(call: () => void, every: number, now: () => number = Date.now): () => void {
  let last = -Infinity
  return () => {
    if (now() - last < every) return
    last = now()
    call()
  }
}
