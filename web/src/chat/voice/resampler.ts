const CROSSINGS = 16 // of the sinc on either side
const ROLL_OFF = 0.94 // of the lower Nyquist frequency, so that what folds back lies outside the band

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))
const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x))
const hann = (x: number) => (Math.abs(x) >= 1 ? 0 : 0.5 + 0.5 * Math.cos(Math.PI * x))

/** Changes the rate of a stream of mono samples, block by block without a seam (windowed sinc, one filter a phase). */
export class Resampler {
  private readonly phases: number
  private readonly step: number
  private readonly half: number
  private readonly filters: Float32Array[]
  private rest: Float32Array
  private phase = 0

  constructor(from: number, to: number) {
    const common = gcd(from, to)
    this.phases = to / common
    this.step = from / common
    const cutoff = Math.min(1, to / from) * (from === to ? 1 : ROLL_OFF)
    this.half = Math.ceil(CROSSINGS / cutoff)
    this.filters = Array.from({ length: this.phases }, (_, phase) => this.filter(phase / this.phases, cutoff))
    this.rest = new Float32Array(this.half - 1)
  }

  /** What can be computed of the stream so far; the last fraction of a millisecond waits for the next block. */
  push(block: Float32Array): Float32Array {
    const input = new Float32Array(this.rest.length + block.length)
    input.set(this.rest)
    input.set(block, this.rest.length)
    const output: number[] = []
    let start = 0
    while (start + this.half * 2 <= input.length) {
      output.push(this.at(input, start))
      this.phase += this.step
      start += Math.floor(this.phase / this.phases)
      this.phase %= this.phases
    }
    this.rest = input.slice(Math.min(start, input.length))
    return Float32Array.from(output)
  }

  /** What comes next does not follow on what came before. */
  restart(): void {
    this.rest = new Float32Array(this.half - 1)
    this.phase = 0
  }

  private at(input: Float32Array, start: number): number {
    const filter = this.filters[this.phase]!
    let sum = 0
    for (let tap = 0; tap < filter.length; tap += 1) sum += filter[tap]! * input[start + tap]!
    return sum
  }

  private filter(offset: number, cutoff: number): Float32Array {
    const taps = Float32Array.from({ length: this.half * 2 }, (_, tap) => {
      const x = tap - (this.half - 1) - offset
      return sinc(x * cutoff) * hann(x / this.half)
    })
    const sum = taps.reduce((total, tap) => total + tap, 0)
    return taps.map((tap) => tap / sum)
  }
}
