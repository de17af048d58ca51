import { parse, socketUrl } from '@/shared/connection'
import type { VoiceFrame, VoiceRequest } from './frames'

const PING_EVERY = 4_000
const SILENT_FOR = 10_000 // no frame for so long, though every ping is answered: the line is dead

export interface LineEvents {
  onFrame: (frame: VoiceFrame) => void
  onSound?: (pcm: ArrayBuffer) => void
  /** Once, when the line is gone and we have not closed it. */
  onLost: () => void
}

/** One dictation or call on `WS /ws/voice`. It does not come back by itself: whoever speaks must know that he is heard. */
export class VoiceLine {
  private readonly socket: WebSocket
  private timer: ReturnType<typeof setInterval> | undefined
  private heardAt = Date.now()
  private isOver = false
  private readonly offline = () => this.lose()

  constructor(hello: Extract<VoiceRequest, { type: 'hello' }>, private readonly events: LineEvents) {
    this.socket = new WebSocket(socketUrl('/ws/voice'))
    this.socket.binaryType = 'arraybuffer'
    this.socket.onopen = () => this.send(hello)
    this.socket.onmessage = (event: MessageEvent) => this.receive(event.data)
    this.socket.onclose = () => this.lose()
    this.timer = setInterval(() => this.check(), PING_EVERY)
    window.addEventListener('offline', this.offline)
  }

  send(frame: VoiceRequest): void {
    if (this.socket.readyState === 1) this.socket.send(JSON.stringify(frame))
  }

  sendSound(pcm: ArrayBuffer): void {
    if (this.socket.readyState === 1) this.socket.send(pcm)
  }

  close(): void {
    this.isOver = true
    clearInterval(this.timer)
    window.removeEventListener('offline', this.offline)
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null
    this.socket.close()
  }

  private receive(data: unknown): void {
    this.heardAt = Date.now()
    if (data instanceof ArrayBuffer) return this.events.onSound?.(data)
    const frame = parse<VoiceFrame>(data)
    if (frame && frame.type !== 'pong') this.events.onFrame(frame)
  }

  private check(): void {
    if (Date.now() - this.heardAt > SILENT_FOR) this.lose()
    else this.send({ type: 'ping' })
  }

  private lose(): void {
    if (this.isOver) return
    this.close()
    this.events.onLost()
  }
}
