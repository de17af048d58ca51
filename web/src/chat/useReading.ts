import { watch } from 'vue'
import type { Embed } from './useEmbed'
import type { useChat } from './store'

/** Tells the server what the customer has seen, and counts what arrived unseen (badge of the widget, title of the tab). */
export function useReading(chat: ReturnType<typeof useChat>, embed: Embed, title: () => string): void {
  let told = 0
  let counted = 0

  function lastSeq(): number {
    return chat.entries.reduce((last, entry) => Math.max(last, entry.message.seq), 0)
  }

  function report(): void {
    const seq = lastSeq()
    if (seq < told) told = counted = 0
    if (!embed.visible.value || !chat.ready || seq === told) return
    if (chat.tellRead(seq)) told = counted = seq
  }

  function count(): void {
    const first = counted === 0
    const arrived = chat.entries.filter(({ message }) => message.seq > counted && message.sender !== 'customer')
    counted = Math.max(counted, lastSeq())
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
