/** Runs in the browser's audio thread: the microphone's samples out to the page, the page's samples to the loudspeaker. */
import { JitterBuffer } from './jitter'
import { level, toPcm } from './pcm'
import { Resampler } from './resampler'

declare const sampleRate: number
declare class AudioWorkletProcessor {
  readonly port: MessagePort
}
declare function registerProcessor(name: string, processor: new (options: { processorOptions: { rate: number } }) => AudioWorkletProcessor): void

const FRAME_SECONDS = 0.032 // what the server judges voice activity by
const GATHER_SECONDS = 0.08
const PATIENCE_SECONDS = 0.12
const REPORTS_A_SECOND = 5

/** Posts `{ pcm, level }` of FRAME_SECONDS each. */
class Capture extends AudioWorkletProcessor {
  private readonly resampler: Resampler
  private readonly frame: Float32Array
  private filled = 0

  constructor({ processorOptions: { rate } }: { processorOptions: { rate: number } }) {
    super()
    this.resampler = new Resampler(sampleRate, rate)
    this.frame = new Float32Array(Math.round(rate * FRAME_SECONDS))
    this.port.onmessage = () => this.finish()
  }

  process(inputs: Float32Array[][]): boolean {
    const input = inputs[0]?.[0]
    if (input) for (const sample of this.resampler.push(input)) this.add(sample)
    return true
  }

  private add(sample: number): void {
    this.frame[this.filled++] = sample
    if (this.filled === this.frame.length) this.post()
  }

  /** The page asks for what is left, and learns by `last` that it has everything. */
  private finish(): void {
    if (this.filled > 0) this.post()
    this.port.postMessage({ last: true })
  }

  private post(): void {
    const part = this.frame.subarray(0, this.filled)
    const pcm = toPcm(part)
    this.port.postMessage({ pcm, level: level(part) }, [pcm])
    this.filled = 0
  }
}

/** Takes `{ samples }` at the context's rate or `{ flush: seconds }`, posts `{ played, level }`. */
class Playback extends AudioWorkletProcessor {
  private readonly buffer = new JitterBuffer(sampleRate * GATHER_SECONDS, sampleRate * PATIENCE_SECONDS)
  private sinceReport = 0
  private loudest = 0

  constructor() {
    super()
    this.port.onmessage = ({ data }: MessageEvent<{ samples?: Float32Array; flush?: number }>) => {
      if (data.samples) this.buffer.push(data.samples)
      if (data.flush !== undefined) this.buffer.flush(data.flush * sampleRate)
    }
  }

  process(_: Float32Array[][], outputs: Float32Array[][]): boolean {
    const output = outputs[0]?.[0]
    if (!output) return true
    this.buffer.pull(output)
    this.loudest = Math.max(this.loudest, level(output))
    this.sinceReport += output.length
    if (this.sinceReport >= sampleRate / REPORTS_A_SECOND) this.report()
    return true
  }

  private report(): void {
    this.port.postMessage({ played: this.buffer.played / sampleRate, level: this.loudest })
    this.sinceReport = this.loudest = 0
  }
}

registerProcessor('capture', Capture)
registerProcessor('playback', Playback)
