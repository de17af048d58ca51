import { defineStore } from 'pinia'
import { computed, ref, watch } from 'vue'
import { request } from '@/shared/api'
import { Connection, socketUrl, type ConnectionState } from '@/shared/connection'
import type { DeskFrame, Overview, Presence, QueueItem } from '@/shared/types'
import { useConversation } from './conversation'

export interface Waiting extends QueueItem {
  /** Milliseconds since the epoch by this machine's clock, so that a wrong clock shows no wrong waiting time. */
  since: number
}

/** Presence, the queue, my conversations, and the line over which they change. */
export const useDesk = defineStore('desk', () => {
  const presence = ref<Presence>('not_ready')
  const queue = ref<Waiting[]>([])
  const mine = ref<Waiting[]>([])
  const agentsReady = ref(0)
  const loaded = ref(false)
  const problem = ref<unknown>(null)
  const line = ref<ConnectionState>('connecting')
  const conversation = useConversation()
  const unread = computed(() => mine.value.reduce((sum, item) => sum + unreadOf(item), 0))

  const connection = new Connection<{ type: 'ping' }, DeskFrame>({
    url: socketUrl('/ws/desk'),
    onOpen: () => void resume(),
    onFrame: apply,
    onState: (state) => (line.value = state),
  })

  function unreadOf(item: QueueItem): number {
    return item.conversation === conversation.id && !document.hidden ? 0 : item.unread
  }

  async function resume(): Promise<void> {
    await refresh()
    if (problem.value === null) connection.settled()
    if (conversation.id) await conversation.refresh()
  }

  async function refresh(): Promise<void> {
    try {
      const overview = await request<Overview>('GET', '/api/v1/desk/overview')
      presence.value = overview.presence
      agentsReady.value = overview.agents_ready
      queue.value = overview.queue.map(dated)
      mine.value = overview.mine.map(dated)
      problem.value = null
    } catch (error) {
      problem.value = error
    } finally {
      loaded.value = true
    }
  }

  function apply(frame: DeskFrame): void {
    switch (frame.type) {
      case 'queue':
        queue.value = frame.queue.map(dated)
        agentsReady.value = frame.agents_ready
        // Messages are pushed to whoever holds a conversation; one that is only looked at must be asked for.
        if (queue.value.some((item) => item.conversation === conversation.id)) conversation.refreshSoon()
        return
      case 'mine':
        mine.value = frame.mine.map(dated)
        return
      case 'message':
        if (frame.message.sender === 'customer') count(frame.conversation, frame.message.text)
        return conversation.apply(frame)
      case 'typing':
      case 'owner':
      case 'rated':
      case 'read':
        return conversation.apply(frame)
    }
  }

  /** The list of my conversations is pushed when it changes, not for every message in one of them. */
  function count(id: string, text: string): void {
    mine.value = mine.value.map((item) =>
      item.conversation === id ? { ...item, last_text: text, unread: item.unread + 1 } : item,
    )
  }

  watch(() => [conversation.id, conversation.toldRead] as const, ([id, told]) => {
    if (told > 0) mine.value = mine.value.map((item) => (item.conversation === id ? { ...item, unread: 0 } : item))
  })

  async function setPresence(state: Presence): Promise<void> {
    await request('PUT', '/api/v1/desk/presence', { body: { state } })
    await refresh()
  }

  /** Takes a waiting conversation. @throws ApiProblem `already_taken` when someone was faster; the lists are fresh then. */
  async function take(id: string): Promise<void> {
    try {
      await request('POST', `/api/v1/desk/conversations/${id}/take`, { body: {} })
    } finally {
      await refresh()
    }
    await conversation.open(id)
  }

  function start(): void {
    void refresh()
    connection.start()
  }

  function stop(): void {
    connection.stop()
    conversation.close()
    loaded.value = false
  }

  return {
    presence, queue, mine, agentsReady, loaded, problem, line, unread, unreadOf,
    start, stop, refresh, setPresence, take, retryLine: () => connection.retryNow(),
  }
})

function dated(item: QueueItem): Waiting {
  return { ...item, since: Date.now() - item.waiting_seconds * 1000 }
}
