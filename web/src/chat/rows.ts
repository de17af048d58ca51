import type { Entry } from '@/shared/thread'

export interface Row {
  entry: Entry
  /** A time is shown above: the first message, or the first after a pause. */
  timed: boolean
  /** First of several in a row by the same sender: carries the name. */
  leads: boolean
}

const PAUSE = 5 * 60_000

/** Groups messages by sender and separates them by pauses of more than five minutes. */
export function toRows(entries: Entry[]): Row[] {
  return entries.map((entry, index) => {
    const previous = entries[index - 1]
    const pause = previous ? Date.parse(entry.message.at) - Date.parse(previous.message.at) : Infinity
    const timed = pause > PAUSE
    const same = previous?.message.sender === entry.message.sender && previous.message.name === entry.message.name
    return { entry, timed, leads: timed || !same }
  })
}

export type Receipt = 'delivered' | 'read'

/** Which customer message says 已读, and which later one 已送达: one of each at most, as people know it from messengers. */
export function receipts(entries: Entry[], readSeq: number, withPerson: boolean): Map<string, Receipt> {
  const marks = new Map<string, Receipt>()
  const own = entries.filter((entry) => entry.message.sender === 'customer' && entry.delivery === 'sent')
  const read = own.findLast((entry) => entry.message.seq <= readSeq)
  const last = own.at(-1)
  if (last && last !== read && withPerson) marks.set(last.key, 'delivered')
  if (read) marks.set(read.key, 'read')
  return marks
}
