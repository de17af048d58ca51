import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Connection, socketUrl } from '@/shared/connection'
import { FakeSocket } from './fakeSocket'

type Frame = { type: string }
const frames: Frame[] = []
const states: string[] = []
let connection: Connection<Frame, Frame>

beforeEach(() => {
  vi.useFakeTimers()
  FakeSocket.opened = []
  frames.length = states.length = 0
  connection = new Connection<Frame, Frame>({
    url: 'ws://test/ws', onFrame: (frame) => frames.push(frame), onState: (state) => states.push(state), random: () => 1,
    socket: (url) => new FakeSocket(url) as unknown as WebSocket,
  })
})
afterEach(() => {
  connection.stop()
  vi.useRealTimers()
})

describe('Connection', () => {
  it('comes back after a loss, later each time until the server has accepted', () => {
    connection.start()
    FakeSocket.last.lose()
    vi.advanceTimersByTime(499)
    expect(FakeSocket.opened).toHaveLength(1)
    vi.advanceTimersByTime(1)
    expect(FakeSocket.opened).toHaveLength(2)
    FakeSocket.last.accept()
    FakeSocket.last.lose()
    vi.advanceTimersByTime(999)
    expect(FakeSocket.opened).toHaveLength(2)
    vi.advanceTimersByTime(1)
    expect(FakeSocket.opened).toHaveLength(3)
  })

  it('starts the back-off anew once settled', () => {
    connection.start()
    FakeSocket.last.lose()
    vi.advanceTimersByTime(500)
    FakeSocket.last.accept()
    connection.settled()
    FakeSocket.last.lose()
    vi.advanceTimersByTime(500)
    expect(FakeSocket.opened).toHaveLength(3)
  })

  it('notices a dead line by an unanswered ping', () => {
    connection.start()
    FakeSocket.last.accept()
    vi.advanceTimersByTime(25_000)
    expect(FakeSocket.last.sent).toEqual([{ type: 'ping' }])
    vi.advanceTimersByTime(10_000)
    expect(connection.state).toBe('waiting')
  })

  it('stays when the ping is answered, and keeps the pong to itself', () => {
    connection.start()
    FakeSocket.last.accept()
    vi.advanceTimersByTime(25_000)
    FakeSocket.last.tell({ type: 'pong' })
    vi.advanceTimersByTime(10_000)
    expect(connection.state).toBe('open')
    expect(frames).toEqual([])
  })

  it('ignores frames that are no JSON object with a type', () => {
    connection.start()
    FakeSocket.last.accept()
    for (const bad of ['nonsense', 'null', '[]', '{"a":1}', '"text"']) FakeSocket.last.tell(bad)
    FakeSocket.last.tell({ type: 'queue' })
    expect(frames).toEqual([{ type: 'queue' }])
  })

  it('tries at once when the network is back', () => {
    connection.start()
    FakeSocket.last.lose()
    window.dispatchEvent(new Event('online'))
    expect(FakeSocket.opened).toHaveLength(2)
    vi.advanceTimersByTime(60_000)
    expect(FakeSocket.opened).toHaveLength(2)
  })

  it('refuses to send on a line that is down, and does not come back after stop', () => {
    connection.start()
    expect(connection.send({ type: 'hello' })).toBe(false)
    FakeSocket.last.lose()
    connection.stop()
    vi.advanceTimersByTime(60_000)
    expect(FakeSocket.opened).toHaveLength(1)
    expect(states).toEqual(['connecting', 'waiting', 'stopped'])
  })
})

describe('socketUrl', () => {
  it('follows the scheme of the page', () => {
    expect(socketUrl('/ws/chat', { protocol: 'https:', host: 'bank.example' } as Location)).toBe('wss://bank.example/ws/chat')
    expect(socketUrl('/ws/chat', { protocol: 'http:', host: 'localhost:8000' } as Location)).toBe('ws://localhost:8000/ws/chat')
  })
})
