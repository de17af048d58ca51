import { watch } from 'vue'
import type { Embed } from './useEmbed'
import type { useChat } from './store'

/** Tells the server what the customer has seen, and counts what arrived unseen (badge of the widget, title of the tab). */
export function useReading(chat: ReturnType<typeof useChat>, embed: Embed, title: () => string): void {
  let told = 0
  let counted = 0

  function lastSeq(of: 'all' | 'others'): number {
    const seqs = chat.entries.filter(({ message }) => of === 'all' || message.sender !== 'customer').map(({ message }) => message.seq)
    return Math.max(0, ...seqs)
  }

  function report(): void {
    const seq = lastSeq('others')
    if (!embed.visible.value || !chat.ready || seq === told) return
    if (chat.tellRead(seq)) told = seq
  }

  function count(): void {
    const last = lastSeq('all')
    // A new conversation begins to count anew.
    if (last < counted) counted = told = 0
    const first = counted === 0
    const arrived = chat.entries.filter(({ message }) => message.seq > counted && message.sender !== 'customer')
    counted = last
    // What was there when the page opened is history, not news.
    if (!embed.visible.value && !first) embed.unread.value += arrived.length
  }

  watch([() => chat.entries, embed.visible, () => chat.ready], () => {
    count()
    report()
  })
  watch([embed.unread, title], ([unread, words]) => {
    document.title = unread > 0 ? `(${unread}) ${words}` : words
  }, { immediate: true })
}
