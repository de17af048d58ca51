import { onScopeDispose, reactive } from 'vue'
import { AudioDevice, audioProblem } from './audio'
import { RATE, type VoiceFrame } from './frames'
import { VoiceLine } from './line'

/** `preparing` asks for the microphone; `finishing` waits for the final words. */
export type DictationPhase = 'idle' | 'preparing' | 'listening' | 'finishing'

const TAP = 350 // a press shorter than this goes on without being held, until the next one
const FINAL_WITHIN = 8_000

/** Press, speak, release: `onText` gets the words. A tap (or a screen reader's click) listens until the next tap. */
export function useDictation(onText: (text: string) => void) {
  const state = reactive({
    phase: 'idle' as DictationPhase,
    /** Listening goes on without a finger on the button. */
    latched: false,
    /** Releasing now throws away what was said. */
    cancelling: false,
    words: '',
    level: 0,
    problem: null as string | null,
  })
  let device: AudioDevice | null = null
  let line: VoiceLine | null = null
  let isReady = false
  let early: ArrayBuffer[] = [] // spoken before the line stood
  let pressedAt = 0
  let attempt = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  async function press(): Promise<void> {
    if (state.phase === 'listening' && state.latched) return void finish()
    if (state.phase !== 'idle') return
    Object.assign(state, { phase: 'preparing', latched: false, cancelling: false, words: '', problem: null })
    pressedAt = Date.now()
    const mine = ++attempt
    try {
      const opened = await AudioDevice.open(RATE)
      if (mine !== attempt) return opened.close()
      device = opened
    } catch (error) {
      if (mine === attempt) stop(audioProblem(error))
      return
    }
    listen()
  }

  function listen(): void {
    state.phase = 'listening'
    early = []
    isReady = false
    if (device) device.onLost = () => stop('microphone_lost')
    device?.record(hear)
    line = new VoiceLine({ type: 'hello', mode: 'dictate', token: null }, { onFrame: apply, onLost: lost })
  }

  function hear(pcm: ArrayBuffer, level: number): void {
    state.level = level
    if (isReady) line?.sendSound(pcm)
    else early.push(pcm)
  }

  function apply(frame: VoiceFrame): void {
    if (frame.type === 'ready') return ready()
    if (frame.type === 'partial') state.words = frame.text
    if (frame.type === 'error') stop(frame.code)
    if (frame.type === 'final') deliver(frame.text)
  }

  function ready(): void {
    isReady = true
    line?.send({ type: 'begin' })
    early.forEach((pcm) => line?.sendSound(pcm))
    early = []
    if (state.phase === 'finishing' && device === null) line?.send({ type: 'end' })
  }

  function release(): void {
    if (state.phase === 'idle' || state.phase === 'finishing' || state.latched) return
    if (state.cancelling) return cancel()
    if (state.phase === 'preparing' || Date.now() - pressedAt < TAP) state.latched = true
    else void finish()
  }

  async function finish(): Promise<void> {
    if (state.phase !== 'listening') return
    state.phase = 'finishing'
    const mine = attempt
    timer = setTimeout(() => stop('timeout'), FINAL_WITHIN)
    await device?.stopRecording()
    if (mine !== attempt) return
    device?.close()
    device = null
    if (isReady) line?.send({ type: 'end' })
  }

  function deliver(text: string): void {
    stop(text ? null : 'nothing_heard')
    if (text) onText(text)
  }

  function lost(): void {
    // What was understood so far is the customer's: it is not thrown away.
    const { words } = state
    stop('lost')
    if (words) onText(words)
  }

  function cancel(): void {
    if (state.phase !== 'idle') stop(null)
  }

  function stop(problem: string | null): void {
    attempt += 1
    clearTimeout(timer)
    line?.close()
    device?.close()
    line = device = null
    early = []
    Object.assign(state, { phase: 'idle', latched: false, cancelling: false, words: '', level: 0, problem })
  }

  onScopeDispose(cancel)
  return { state, press, release, finish: () => void finish(), cancel, aim: (away: boolean) => (state.cancelling = away), dismiss: () => (state.problem = null) }
}

export type Dictation = ReturnType<typeof useDictation>
