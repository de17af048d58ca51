import { describe, expect, it } from 'vitest'
import { Thread } from '@/shared/thread'
import { message } from './samples'

const AT = '2024-05-01T08:00:00Z'
const texts = (thread: Thread) => thread.entries.map((entry) => entry.message.text)

describe('Thread', () => {
  it('orders by seq whatever the order of arrival', () => {
    const thread = new Thread('customer')
    for (const seq of [3, 1, 2]) thread.receive(message(seq))
    expect(texts(thread)).toEqual(['第 1 条', '第 2 条', '第 3 条'])
  })

  it('keeps a repeated message once, with its newest state', () => {
    const thread = new Thread('customer')
    expect(thread.receive(message(1))).toBe(true)
    expect(thread.receive(message(1, { rating: 'solved' }))).toBe(false)
    expect(thread.entries).toHaveLength(1)
    expect(thread.entries[0]?.message.rating).toBe('solved')
  })

  it.each([
    ['acknowledgement first', ['ack', 'echo']],
    ['echo first', ['echo', 'ack']],
  ])('merges our message with its echo: %s', (_name, order) => {
    const thread = new Thread('customer')
    thread.draft('mine', '你好', AT)
    for (const step of order) {
      if (step === 'ack') thread.acknowledge('mine', 1)
      else thread.receive(message(1, { sender: 'customer', text: '你好' }))
    }
    expect(thread.entries).toHaveLength(1)
    expect(thread.entries[0]).toMatchObject({ key: 'mine', delivery: 'sent', message: { id: 'server-1', seq: 1 } })
  })

  it('keeps two equal texts of ours apart', () => {
    const thread = new Thread('customer')
    thread.draft('one', '在吗', AT)
    thread.draft('two', '在吗', AT)
    thread.receive(message(1, { sender: 'customer', text: '在吗' }))
    expect(thread.entries.map((entry) => entry.key)).toEqual(['one', 'two'])
    expect(thread.pending.map((entry) => entry.key)).toEqual(['two'])
  })

  it('puts what is on its way at the end', () => {
    const thread = new Thread('customer')
    thread.draft('mine', '等等', AT)
    thread.receive(message(1))
    expect(texts(thread)).toEqual(['第 1 条', '等等'])
  })

  it('claims only what it has without a gap', () => {
    const thread = new Thread('customer')
    expect(thread.contiguousSeq).toBe(0)
    for (const seq of [1, 2, 4]) thread.receive(message(seq))
    expect(thread.contiguousSeq).toBe(2)
    expect(thread.lastSeq).toBe(4)
  })

  it('fails and resumes under the same id', () => {
    const thread = new Thread('customer')
    thread.draft('mine', '你好', AT)
    thread.fail('mine', 'timeout')
    expect(thread.entries[0]).toMatchObject({ delivery: 'failed', problem: 'timeout' })
    thread.resume('mine')
    expect(thread.pending).toHaveLength(1)
    thread.acknowledge('mine', 7)
    expect(thread.entries[0]).toMatchObject({ delivery: 'sent', message: { seq: 7 } })
  })

  it('rates every part of a turn that can be rated', () => {
    const thread = new Thread('customer')
    thread.receive(message(1, { turn: 't', rateable: false }))
    thread.receive(message(2, { turn: 't', rateable: true }))
    thread.rate('t', 'unsolved')
    expect(thread.entries.map((entry) => entry.message.rating)).toEqual([null, 'unsolved'])
  })
})
