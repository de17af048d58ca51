import { backoffDelay } from './backoff'

/** `connecting` first attempt; `open` usable; `waiting` lost, a retry is planned; `stopped` by us. */
export type ConnectionState = 'connecting' | 'open' | 'waiting' | 'stopped'

export interface ConnectionOptions<In> {
  url: string
  onFrame: (frame: In) => void
  onOpen?: () => void
  onState?: (state: ConnectionState) => void
  pingEvery?: number
  pongWithin?: number
  random?: () => number
  socket?: (url: string) => WebSocket
}

/** A WebSocket of JSON text frames that comes back by itself, and notices a dead line by unanswered pings. */
export class Connection<Out extends { type: string }, In extends { type: string }> {
  state: ConnectionState = 'stopped'
  private socket: WebSocket | null = null
  private attempt = 0
  private retryTimer: ReturnType<typeof setTimeout> | undefined
  private pingTimer: ReturnType<typeof setInterval> | undefined
  private pongTimer: ReturnType<typeof setTimeout> | undefined
  private readonly wake = () => this.retryNow()
  private readonly lost = () => this.drop()

  constructor(private readonly options: ConnectionOptions<In>) {}

  start(): void {
    if (this.state !== 'stopped') return
    window.addEventListener('online', this.wake)
    window.addEventListener('offline', this.lost)
    this.connect('connecting')
  }

  stop(): void {
    window.removeEventListener('online', this.wake)
    window.removeEventListener('offline', this.lost)
    clearTimeout(this.retryTimer)
    this.release()
    this.enter('stopped')
  }

  /** Leaves the present socket and opens a fresh one at once (a new session, a changed token). */
  restart(): void {
    this.stop()
    this.attempt = 0
    this.start()
  }

  /** Tries again now instead of when the back-off ends. */
  retryNow(): void {
    if (this.state !== 'waiting') return
    clearTimeout(this.retryTimer)
    this.connect('waiting')
  }

  /** Call when the server has accepted us: only then is the next loss a first loss again. */
  settled(): void {
    this.attempt = 0
  }

  /** False when the line is down; the caller keeps the frame and sends it after the next opening. */
  send(frame: Out): boolean {
    if (this.socket?.readyState !== 1) return false
    this.socket.send(JSON.stringify(frame))
    return true
  }

  private connect(state: ConnectionState): void {
    this.release()
    this.enter(state)
    const socket = (this.options.socket ?? ((url: string) => new WebSocket(url)))(this.options.url)
    this.socket = socket
    socket.onopen = () => this.opened(socket)
    socket.onmessage = (event: MessageEvent) => this.received(event.data)
    socket.onclose = () => {
      if (this.socket === socket) this.drop()
    }
  }

  private opened(socket: WebSocket): void {
    if (this.socket !== socket) return
    this.pingTimer = setInterval(() => this.ping(), this.options.pingEvery ?? 25_000)
    this.enter('open')
    this.options.onOpen?.()
  }

  private received(data: unknown): void {
    clearTimeout(this.pongTimer)
    this.pongTimer = undefined
    const frame = parse<In>(data)
    if (frame && frame.type !== 'pong') this.options.onFrame(frame)
  }

  private ping(): void {
    if (!this.send({ type: 'ping' } as Out) || this.pongTimer !== undefined) return
    this.pongTimer = setTimeout(() => this.drop(), this.options.pongWithin ?? 10_000)
  }

  private drop(): void {
    if (this.state === 'stopped') return
    this.release()
    clearTimeout(this.retryTimer)
    const delay = backoffDelay(this.attempt++, this.options.random)
    this.retryTimer = setTimeout(() => this.connect('waiting'), delay)
    this.enter('waiting')
  }

  private release(): void {
    clearInterval(this.pingTimer)
    clearTimeout(this.pongTimer)
    this.pongTimer = undefined
    const socket = this.socket
    this.socket = null
    if (!socket) return
    socket.onopen = socket.onmessage = socket.onclose = null
    socket.close()
  }

  private enter(state: ConnectionState): void {
    if (this.state === state) return
    this.state = state
    this.options.onState?.(state)
  }
}

/** A text frame as JSON; null for anything else. */
export function parse<T extends { type: string }>(data: unknown): T | null {
  if (typeof data !== 'string') return null
  try {
    const frame = JSON.parse(data) as T | null
    return frame && typeof frame.type === 'string' ? frame : null
  } catch {
    return null
  }
}

/** `ws://` or `wss://` address of a path on the host that served the page. */
export function socketUrl(path: string, base: Location = window.location): string {
  return `${base.protocol === 'https:' ? 'wss' : 'ws'}://${base.host}${path}`
}
