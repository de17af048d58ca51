import { vi } from 'vitest'

/** Microphone and loudspeaker that do what the test says. */
export class FakeAudio {
  static last: FakeAudio
  static problem: string | null = null
  onLost = () => {}
  hear: (pcm: ArrayBuffer, level: number) => void = () => {}
  report: (seconds: number, level: number) => void = () => {}
  played: ArrayBuffer[] = []
  flushed: number[] = []
  muted = false
  closed = false

  static async open(): Promise<FakeAudio> {
    await Promise.resolve()
    if (FakeAudio.problem) throw Object.assign(new Error(FakeAudio.problem), { code: FakeAudio.problem })
    return (FakeAudio.last = new FakeAudio())
  }

  record(hear: FakeAudio['hear']): void {
    this.hear = hear
  }

  speak(report: FakeAudio['report']): void {
    this.report = report
  }

  /** The last part of a frame comes when recording stops. */
  async stopRecording(): Promise<void> {
    this.hear(new ArrayBuffer(2), 0.1)
  }

  play(pcm: ArrayBuffer): void {
    this.played.push(pcm)
  }

  flush(seconds: number): void {
    this.flushed.push(seconds)
  }

  mute(on: boolean): void {
    this.muted = on
  }

  close(): void {
    this.closed = true
  }
}

export const fakeAudioModule = () => ({
  AudioDevice: FakeAudio,
  audioProblem: (error: { code?: string }) => error.code ?? 'no_audio',
  missingSupport: vi.fn(() => null),
})
