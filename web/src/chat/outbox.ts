import type { ChatRequest } from '@/shared/types'

export type Identified = Extract<ChatRequest, { id: string }>

interface Parcel {
  request: Identified
  timer: ReturnType<typeof setTimeout> | undefined
  failed: boolean
}

/**
 * Requests that the server must acknowledge. They survive a lost line and go out again with the same id,
 * by which the server recognises repeats. The clock of a request runs only while the line is up.
 */
export class Outbox {
  private readonly parcels = new Map<string, Parcel>()

  constructor(
    private readonly send: (request: ChatRequest) => boolean,
    private readonly onTimeout: (request: Identified) => void,
    private readonly patience = 12_000,
  ) {}

  put(request: Identified): void {
    const parcel: Parcel = { request, timer: undefined, failed: false }
    this.parcels.set(request.id, parcel)
    this.dispatch(parcel)
  }

  /** Sends a failed request again; false when it is unknown. */
  retry(id: string): boolean {
    const parcel = this.parcels.get(id)
    if (!parcel) return false
    parcel.failed = false
    this.dispatch(parcel)
    return true
  }

  settle(id: string): void {
    clearTimeout(this.parcels.get(id)?.timer)
    this.parcels.delete(id)
  }

  settleType(type: Identified['type']): void {
    for (const [id, parcel] of this.parcels) if (parcel.request.type === type) this.settle(id)
  }

  /** Stops the clock but keeps the request, so that it can be retried. */
  fail(id: string): void {
    const parcel = this.parcels.get(id)
    if (!parcel) return
    clearTimeout(parcel.timer)
    parcel.failed = true
  }

  lineLost(): void {
    for (const parcel of this.parcels.values()) clearTimeout(parcel.timer)
  }

  /** After the welcome: everything that is still on its way, in the order in which it was written. */
  flush(): void {
    for (const parcel of this.parcels.values()) if (!parcel.failed) this.dispatch(parcel)
  }

  clear(): void {
    this.lineLost()
    this.parcels.clear()
  }

  private dispatch(parcel: Parcel): void {
    clearTimeout(parcel.timer)
    if (!this.send(parcel.request)) return
    parcel.timer = setTimeout(() => {
      parcel.failed = true
      this.onTimeout(parcel.request)
    }, this.patience)
  }
}
