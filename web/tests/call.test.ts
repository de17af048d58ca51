import { flushPromises } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { tokenKeeper } from '@/chat/session'
import { useCall } from '@/chat/voice/call'
import { FakeAudio } from './fakeAudio'
import { FakeSocket } from './fakeSocket'

vi.mock('@/chat/voice/audio', async () => (await import('./fakeAudio')).fakeAudioModule())

const READY = { type: 'ready', mode: 'call', rate: 16000, session: 's1', owner: 'BOT' }
const sent = (type: string) => FakeSocket.last.sent.filter((frame) => (frame.type as string) === type)
const tell = (frame: unknown) => FakeSocket.last.tell(frame)

async function connected() {
  const call = useCall()
  await call.start()
  FakeSocket.last.accept()
  tell(READY)
  return call
}

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('WebSocket', FakeSocket)
  FakeSocket.opened = []
  FakeAudio.problem = null
  tokenKeeper.write('t1')
  setActivePinia(createPinia())
})
afterEach(() => {
  useCall().dismiss()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('a call', () => {
  it('says hello with the token of the conversation and sends sound once the server is ready', async () => {
    const call = useCall()
    await call.start()
    FakeSocket.last.accept()
    expect(FakeSocket.last.sent[0]).toEqual({ type: 'hello', mode: 'call', token: 't1' })
    FakeAudio.last.hear(new ArrayBuffer(8), 0.4)
    expect(FakeSocket.last.sounds).toHaveLength(0)
    tell(READY)
    FakeAudio.last.hear(new ArrayBuffer(8), 0.4)
    expect(FakeSocket.last.sounds).toHaveLength(1)
    expect(call.state).toMatchObject({ phase: 'live', level: 0.4 })
  })

  it('plays what comes, tells how far, and obeys a flush', async () => {
    await connected()
    tell(new ArrayBuffer(640))
    expect(FakeAudio.last.played).toHaveLength(1)
    FakeAudio.last.report(0.5, 0.2)
    FakeAudio.last.report(0.5, 0.2)
    expect(sent('played')).toEqual([{ type: 'played', seconds: 0.5 }])
    vi.advanceTimersByTime(1_000)
    FakeAudio.last.report(0.5, 0)
    expect(sent('played')).toHaveLength(2)
    tell({ type: 'flush', position: 0.44 })
    expect(FakeAudio.last.flushed.at(-1)).toBe(0.44)
  })

  it('shows both sides, what was corrected, and what an interruption cut off', async () => {
    const call = await connected()
    tell({ type: 'caption', text: '您好，请问您想办什么', turn: null, spoken: true })
    expect(call.state.activity).toBe('speaking')
    tell({ type: 'state', state: 'hearing', interrupted: true })
    tell({ type: 'partial', text: '信用' })
    tell({ type: 'state', state: 'listening', heard: '您好，', turn: null, whole: false })
    tell({ type: 'partial', text: '信用卡' })
    tell({ type: 'final', text: '信用卡丢了', confidence: 0.9 })
    tell({ type: 'caption', text: '请立即挂失', turn: 'x', spoken: false })
    expect(call.state.captions.map(({ who, text, partial, heard, silent }) => [who, text, partial, heard, silent])).toEqual([
      ['bot', '您好，请问您想办什么', false, '您好，', false],
      ['customer', '信用卡丢了', false, null, false],
      ['bot', '请立即挂失', false, null, true],
    ])
  })

  it('takes back words that turned out to be none', async () => {
    const call = await connected()
    tell({ type: 'partial', text: '嗯' })
    tell({ type: 'partial', text: '' })
    expect(call.state.captions).toEqual([])
  })

  it('sends nothing while muted', async () => {
    const call = await connected()
    call.mute(true)
    FakeAudio.last.hear(new ArrayBuffer(8), 0.4)
    expect(FakeSocket.last.sounds).toHaveLength(0)
    expect(sent('mute')).toEqual([{ type: 'mute', on: true }])
    expect(FakeAudio.last.muted).toBe(true)
    expect(call.state.level).toBe(0)
  })

  it('asks for a person once, and names the agent as the one who speaks then', async () => {
    const call = await connected()
    call.askPerson()
    call.askPerson()
    expect(sent('person')).toHaveLength(1)
    tell({ type: 'owner', owner: 'HUMAN' })
    tell({ type: 'caption', text: '您好', turn: null, spoken: true })
    expect(call.state.captions[0]?.who).toBe('agent')
  })

  it('ends by the customer, and gives the microphone back', async () => {
    const call = await connected()
    call.hangUp()
    expect(sent('hangup')).toHaveLength(1)
    expect(FakeAudio.last.closed).toBe(true)
    expect(call.state).toMatchObject({ phase: 'ended', reason: 'caller', problem: null })
  })

  it('ends by the server with its reason, or with its refusal', async () => {
    const call = await connected()
    tell({ type: 'ended', reason: 'silence' })
    expect(call.state).toMatchObject({ phase: 'ended', reason: 'silence' })
    await connected()
    tell({ type: 'error', code: 'no_recogniser', detail: '', retry: true })
    expect(call.state).toMatchObject({ phase: 'ended', problem: 'no_recogniser' })
  })

  it('dials again when the line is lost, keeps the captions, and waits for the old call to be let go', async () => {
    const call = await connected()
    call.mute(true)
    tell({ type: 'caption', text: '您好', turn: null, spoken: true })
    FakeSocket.last.lose()
    expect(call.state.phase).toBe('lost')
    vi.advanceTimersByTime(700)
    FakeSocket.last.accept()
    tell({ type: 'error', code: 'too_many_calls', detail: '', retry: true })
    expect(call.state.phase).toBe('lost')
    vi.advanceTimersByTime(1_500)
    FakeSocket.last.accept()
    tell(READY)
    expect(call.state.phase).toBe('live')
    expect(call.state.captions).toHaveLength(1)
    expect(FakeAudio.last.flushed.at(-1)).toBe(0)
    expect(sent('mute')).toEqual([{ type: 'mute', on: true }])
    expect(FakeSocket.opened).toHaveLength(3)
  })

  it('gives up in the end, and at once where the line never stood', async () => {
    const call = await connected()
    for (const wait of [700, 1_500, 3_000, 6_000, 12_000]) {
      FakeSocket.last.lose()
      vi.advanceTimersByTime(wait)
    }
    FakeSocket.last.lose()
    expect(call.state).toMatchObject({ phase: 'ended', problem: 'lost' })
    await call.start()
    FakeSocket.last.lose()
    expect(call.state).toMatchObject({ phase: 'ended', problem: 'lost' })
  })

  it('notices a dead line by the pongs that stay away', async () => {
    const call = await connected()
    vi.advanceTimersByTime(8_000)
    expect(sent('ping')).toHaveLength(2)
    tell({ type: 'pong' })
    vi.advanceTimersByTime(8_000)
    expect(call.state.phase).toBe('live')
    vi.advanceTimersByTime(5_000)
    expect(call.state.phase).toBe('lost')
  })

  it('tells what is wrong with the microphone and opens no line', async () => {
    FakeAudio.problem = 'refused'
    const call = useCall()
    await call.start()
    expect(call.state).toMatchObject({ phase: 'ended', problem: 'refused' })
    expect(FakeSocket.opened).toHaveLength(0)
  })

  it('does not go on when the customer hung up while the browser asked for the microphone', async () => {
    const call = useCall()
    const starting = call.start()
    call.hangUp()
    await starting
    await flushPromises()
    expect(FakeSocket.opened).toHaveLength(0)
    expect(FakeAudio.last.closed).toBe(true)
  })

  it('ends when the microphone is unplugged', async () => {
    const call = await connected()
    FakeAudio.last.onLost()
    expect(call.state).toMatchObject({ phase: 'ended', problem: 'microphone_lost' })
  })
})
