import type { Message, Rating } from './types'

export type Delivery = 'sending' | 'sent' | 'failed'

/** A message as the page shows it: the server's own, or ours on its way there. */
export interface Entry {
  /** Stable over sending, acknowledgement and echo, so that the list does not flicker. */
  key: string
  message: Message
  delivery: Delivery
  /** Error code when the delivery failed. */
  problem: string | null
}

/**
 * The messages of one conversation: ordered by seq, each once, with our unacknowledged ones at the end.
 * The same message may arrive as acknowledgement, as echo and again in the history, in any order.
 */
export class Thread {
  private readonly placed = new Map<number, Entry>()
  private outgoing: Entry[] = []

  constructor(private readonly own: 'customer' | 'agent') {}

  get entries(): Entry[] {
    return [...[...this.placed.values()].sort((a, b) => a.message.seq - b.message.seq), ...this.outgoing]
  }

  get pending(): Entry[] {
    return this.outgoing.filter((entry) => entry.delivery === 'sending')
  }

  /** Last seq before the first gap: what `hello` may claim to have. */
  get contiguousSeq(): number {
    const seqs = [...this.placed.keys()].sort((a, b) => a - b)
    let last = 0
    for (const seq of seqs) {
      if (last !== 0 && seq !== last + 1) break
      last = seq
    }
    return last
  }

  get lastSeq(): number {
    return Math.max(0, ...this.placed.keys())
  }

  clear(): void {
    this.placed.clear()
    this.outgoing = []
  }

  /** Shows our own message before the server has it. */
  draft(id: string, text: string, at: string): Entry {
    const entry: Entry = { key: id, message: blank(id, this.own, text, at), delivery: 'sending', problem: null }
    this.outgoing.push(entry)
    return entry
  }

  acknowledge(id: string, seq: number): void {
    const entry = this.take((candidate) => candidate.message.id === id)
    if (!entry) return
    const known = this.placed.get(seq)
    this.placed.set(seq, {
      ...entry,
      message: known ? known.message : { ...entry.message, seq },
      delivery: 'sent',
      problem: null,
    })
  }

  fail(id: string, problem: string): void {
    this.change(id, { delivery: 'failed', problem })
  }

  resume(id: string): void {
    this.change(id, { delivery: 'sending', problem: null })
  }

  discard(id: string): void {
    this.take((entry) => entry.message.id === id)
  }

  /** Takes a message of the server; true when it was not there before. */
  receive(message: Message): boolean {
    const known = this.placed.get(message.seq)
    const local = known ?? this.localOf(message)
    this.placed.set(message.seq, { key: local?.key ?? message.id, message, delivery: 'sent', problem: null })
    return !known
  }

  rate(turn: string, rating: Rating | null): void {
    for (const [seq, entry] of this.placed) {
      if (entry.message.turn === turn && entry.message.rateable) {
        this.placed.set(seq, { ...entry, message: { ...entry.message, rating } })
      }
    }
  }

  find(id: string): Entry | undefined {
    return this.outgoing.find((entry) => entry.message.id === id)
  }

  // The server gives messages its own ids, so an echo that overtakes its acknowledgement is known by its words.
  private localOf(message: Message): Entry | undefined {
    if (message.sender !== this.own) return undefined
    return (
      this.take((entry) => entry.message.id === message.id) ??
      this.take((entry) => entry.message.text.trim() === message.text.trim())
    )
  }

  private take(matches: (entry: Entry) => boolean): Entry | undefined {
    const index = this.outgoing.findIndex(matches)
    return index < 0 ? undefined : this.outgoing.splice(index, 1)[0]
  }

  private change(id: string, part: Partial<Entry>): void {
    this.outgoing = this.outgoing.map((entry) => (entry.message.id === id ? { ...entry, ...part } : entry))
  }
}

function blank(id: string, sender: Message['sender'], text: string, at: string): Message {
  return {
    id, seq: 0, sender, name: null, text, format: 'plain', buttons: [], article: null,
    candidates: [], related: [], rateable: false, rating: null, turn: null, at,
  }
}
