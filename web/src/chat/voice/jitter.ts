/** Sound on its way to the loudspeaker. It waits until a little has gathered, so that late packets do not tear it. */
export class JitterBuffer {
  /** Samples that have come out, in the server's count: a flush sets it to what the server believes. */
  played = 0
  private blocks: Float32Array[] = []
  private offset = 0
  private waiting = 0
  private flowing = false

  /** `gather` samples are kept back at the start, at most for `patience` samples of silence. */
  constructor(private readonly gather: number, private readonly patience: number) {}

  private silent = 0

  get buffered(): number {
    return this.waiting
  }

  get isFlowing(): boolean {
    return this.flowing
  }

  push(block: Float32Array): void {
    if (block.length === 0) return
    this.blocks.push(block)
    this.waiting += block.length
  }

  /** Fills `out`, with silence where nothing is there. */
  pull(out: Float32Array): void {
    out.fill(0)
    if (!this.mayFlow(out.length)) return
    let filled = 0
    while (filled < out.length && this.blocks.length > 0) filled += this.take(out, filled)
    this.played += filled
    this.waiting -= filled
    if (this.waiting === 0) this.flowing = false
  }

  /** Drops what has not been heard. */
  flush(position: number): void {
    this.blocks = []
    this.offset = this.waiting = this.silent = 0
    this.flowing = false
    this.played = position
  }

  private mayFlow(samples: number): boolean {
    if (this.flowing || this.waiting === 0) return this.flowing
    this.silent += samples
    // A short last word never gathers enough: it goes out all the same.
    this.flowing = this.waiting >= this.gather || this.silent >= this.patience
    if (this.flowing) this.silent = 0
    return this.flowing
  }

  private take(out: Float32Array, at: number): number {
    const block = this.blocks[0]!
    const part = block.subarray(this.offset, this.offset + out.length - at)
    out.set(part, at)
    this.offset += part.length
    if (this.offset === block.length) {
      this.blocks.shift()
      this.offset = 0
    }
    return part.length
  }
}
