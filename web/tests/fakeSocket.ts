import type { ChatRequest } from '@/shared/types'

/** A WebSocket that does what the test says; every one that was opened is kept in `opened`. */
export class FakeSocket {
  static opened: FakeSocket[] = []
  static get last(): FakeSocket {
    const socket = FakeSocket.opened.at(-1)
    if (!socket) throw new Error('no socket was opened')
    return socket
  }

  readyState = 0
  sent: ChatRequest[] = []
  sounds: ArrayBuffer[] = []
  onopen: (() => void) | null = null
  onmessage: ((event: { data: unknown }) => void) | null = null
  onclose: (() => void) | null = null

  constructor(readonly url: string) {
    FakeSocket.opened.push(this)
  }

  send(data: string | ArrayBuffer): void {
    if (typeof data === 'string') this.sent.push(JSON.parse(data) as ChatRequest)
    else this.sounds.push(data)
  }

  close(): void {
    this.readyState = 3
  }

  accept(): void {
    this.readyState = 1
    this.onopen?.()
  }

  lose(): void {
    this.readyState = 3
    this.onclose?.()
  }

  /** What is no sound and no text is sent as JSON. */
  tell(frame: unknown): void {
    if (frame instanceof ArrayBuffer) return this.onmessage?.({ data: frame })
    this.onmessage?.({ data: typeof frame === 'string' ? frame : JSON.stringify(frame) })
  }
}
