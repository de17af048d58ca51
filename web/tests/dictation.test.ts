import { flushPromises } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope } from 'vue'
import { useDictation, type Dictation } from '@/chat/voice/useDictation'
import { FakeAudio } from './fakeAudio'
import { FakeSocket } from './fakeSocket'

vi.mock('@/chat/voice/audio', async () => (await import('./fakeAudio')).fakeAudioModule())

const READY = { type: 'ready', mode: 'dictate', rate: 16000, max_seconds: 60 }
const types = () => FakeSocket.last.sent.map((frame) => frame.type as string)
let scope: ReturnType<typeof effectScope>
let dictation: Dictation
let texts: string[]

async function pressed() {
  await dictation.press()
  FakeSocket.last.accept()
  FakeSocket.last.tell(READY)
}

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('WebSocket', FakeSocket)
  FakeSocket.opened = []
  FakeAudio.problem = null
  texts = []
  scope = effectScope()
  dictation = scope.run(() => useDictation((text) => texts.push(text)))!
})
afterEach(() => {
  scope.stop()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('dictation', () => {
  it('sends what is said while the button is held, shows it, and gives the text when it is released', async () => {
    await pressed()
    FakeAudio.last.hear(new ArrayBuffer(8), 0.3)
    FakeSocket.last.tell({ type: 'partial', text: '信用卡' })
    expect(dictation.state.words).toBe('信用卡')
    vi.advanceTimersByTime(1_000)
    dictation.release()
    await flushPromises()
    expect(types()).toEqual(['hello', 'begin', 'end'])
    expect(FakeSocket.last.sounds).toHaveLength(2)
    FakeSocket.last.tell({ type: 'final', text: '信用卡丢了', confidence: 0.9 })
    expect(texts).toEqual(['信用卡丢了'])
    expect(dictation.state).toMatchObject({ phase: 'idle', problem: null, words: '' })
    expect(FakeAudio.last.closed).toBe(true)
  })

  it('keeps what was said before the line stood, even when all of it was', async () => {
    await dictation.press()
    FakeAudio.last.hear(new ArrayBuffer(8), 0.3)
    vi.advanceTimersByTime(1_000)
    dictation.release()
    await flushPromises()
    FakeSocket.last.accept()
    FakeSocket.last.tell(READY)
    expect(types()).toEqual(['hello', 'begin', 'end'])
    expect(FakeSocket.last.sounds).toHaveLength(2)
  })

  it('goes on after a tap until the next one', async () => {
    await pressed()
    dictation.release()
    expect(dictation.state).toMatchObject({ phase: 'listening', latched: true })
    vi.advanceTimersByTime(2_000)
    await dictation.press()
    dictation.release()
    await flushPromises()
    expect(types()).toEqual(['hello', 'begin', 'end'])
  })

  it('throws everything away when the finger leaves upwards', async () => {
    await pressed()
    vi.advanceTimersByTime(1_000)
    dictation.aim(true)
    dictation.release()
    expect(dictation.state.phase).toBe('idle')
    expect(FakeAudio.last.closed).toBe(true)
    expect(texts).toEqual([])
  })

  it('says so when nothing was heard, nothing comes, or the server cannot hear', async () => {
    await pressed()
    vi.advanceTimersByTime(1_000)
    dictation.release()
    await flushPromises()
    FakeSocket.last.tell({ type: 'final', text: '', confidence: null })
    expect(dictation.state.problem).toBe('nothing_heard')
    await pressed()
    vi.advanceTimersByTime(1_000)
    dictation.release()
    await flushPromises()
    vi.advanceTimersByTime(8_000)
    expect(dictation.state.problem).toBe('timeout')
    await pressed()
    FakeSocket.last.tell({ type: 'error', code: 'no_recogniser', retry: true })
    expect(dictation.state).toMatchObject({ phase: 'idle', problem: 'no_recogniser' })
  })

  it('keeps the words of a line that was lost', async () => {
    await pressed()
    FakeSocket.last.tell({ type: 'partial', text: '信用卡' })
    FakeSocket.last.lose()
    expect(dictation.state.problem).toBe('lost')
    expect(texts).toEqual(['信用卡'])
  })

  it('tells what is wrong with the microphone', async () => {
    FakeAudio.problem = 'no_microphone'
    await dictation.press()
    expect(dictation.state).toMatchObject({ phase: 'idle', problem: 'no_microphone' })
    expect(FakeSocket.opened).toHaveLength(0)
  })

  it('is over when the page is left', async () => {
    await pressed()
    scope.stop()
    expect(FakeAudio.last.closed).toBe(true)
  })
})
