import workletUrl from './audio.worklet?worker&url'
import { fromPcm } from './pcm'
import { Resampler } from './resampler'

/** Why the microphone or the loudspeaker cannot be used; the words are in `voice.problems`. */
export type AudioProblem = 'insecure' | 'old_browser' | 'refused' | 'no_microphone' | 'microphone_busy' | 'no_audio'

export class AudioFailed extends Error {
  constructor(readonly code: AudioProblem) {
    super(code)
  }
}

/** What is missing in this browser before anybody is asked for anything. */
export function missingSupport(): AudioProblem | null {
  if (window.isSecureContext === false) return 'insecure'
  const able = 'AudioWorkletNode' in window && typeof navigator.mediaDevices?.getUserMedia === 'function'
  return able ? null : 'old_browser'
}

const REFUSALS: Record<string, AudioProblem> = {
  NotAllowedError: 'refused', SecurityError: 'refused', NotFoundError: 'no_microphone', OverconstrainedError: 'no_microphone',
  NotReadableError: 'microphone_busy', AbortError: 'microphone_busy',
}

export function audioProblem(error: unknown): AudioProblem {
  if (error instanceof AudioFailed) return error.code
  return REFUSALS[(error as { name?: string } | null)?.name ?? ''] ?? 'no_audio'
}

/** Microphone and loudspeaker of one dictation or call. */
export class AudioDevice {
  private microphone: MediaStream | null = null
  private capture: AudioWorkletNode | null = null
  private playback: AudioWorkletNode | null = null
  private readonly upsampler: Resampler
  /** The microphone was unplugged, or taken away by the system. */
  onLost: () => void = () => {}

  private constructor(private readonly context: AudioContext, private readonly rate: number) {
    this.upsampler = new Resampler(rate, context.sampleRate)
  }

  /** Call it in the handler of a click or key, or browsers keep it silent. @throws AudioFailed */
  static async open(rate: number): Promise<AudioDevice> {
    const missing = missingSupport()
    if (missing) throw new AudioFailed(missing)
    const context = new AudioContext({ latencyHint: 'interactive' })
    const device = new AudioDevice(context, rate)
    try {
      void context.resume().catch(() => undefined)
      await Promise.all([device.listen(), context.audioWorklet.addModule(workletUrl)])
    } catch (error) {
      device.close()
      throw new AudioFailed(audioProblem(error))
    }
    return device
  }

  /** `onFrame` gets PCM of the wanted rate and its loudness. */
  record(onFrame: (pcm: ArrayBuffer, level: number) => void): void {
    if (!this.microphone) return
    this.capture = new AudioWorkletNode(this.context, 'capture', { numberOfOutputs: 0, channelCount: 1, channelCountMode: 'explicit', processorOptions: { rate: this.rate } })
    this.capture.port.onmessage = ({ data }: MessageEvent<{ pcm?: ArrayBuffer; level?: number }>) => data.pcm && onFrame(data.pcm, data.level ?? 0)
    this.context.createMediaStreamSource(this.microphone).connect(this.capture)
  }

  /** Resolves when the last frame has been given out. */
  stopRecording(): Promise<void> {
    const port = this.capture?.port
    if (!port) return Promise.resolve()
    const give = port.onmessage
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, 200)
      port.onmessage = (event: MessageEvent<{ last?: boolean }>) => {
        if (!event.data.last) return give?.call(port, event)
        clearTimeout(timer)
        resolve()
      }
      port.postMessage('finish')
    })
  }

  /** `onPlayed` hears several times a second how many seconds have come out. */
  speak(onPlayed: (seconds: number, level: number) => void): void {
    this.playback = new AudioWorkletNode(this.context, 'playback', { numberOfInputs: 0, outputChannelCount: [1] })
    this.playback.port.onmessage = ({ data }: MessageEvent<{ played: number; level: number }>) => onPlayed(data.played, data.level)
    this.playback.connect(this.context.destination)
  }

  play(pcm: ArrayBuffer): void {
    const samples = this.upsampler.push(fromPcm(pcm))
    this.playback?.port.postMessage({ samples }, [samples.buffer])
  }

  flush(seconds: number): void {
    this.upsampler.restart() // or the last milliseconds of what was dropped click before the next word
    this.playback?.port.postMessage({ flush: seconds })
  }

  mute(on: boolean): void {
    this.microphone?.getTracks().forEach((track) => (track.enabled = !on))
  }

  close(): void {
    this.onLost = () => {}
    this.microphone?.getTracks().forEach((track) => track.stop())
    if (this.context.state !== 'closed') void this.context.close().catch(() => undefined)
  }

  private async listen(): Promise<void> {
    const wanted = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true }
    const stream = await navigator.mediaDevices.getUserMedia({ audio: wanted })
    if (this.context.state === 'closed') return stream.getTracks().forEach((track) => track.stop())
    this.microphone = stream
    stream.getTracks().forEach((track) => track.addEventListener('ended', () => this.onLost()))
  }
}
