import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import { ApiProblem, request } from '@/shared/api'
import { Thread, type Entry } from '@/shared/thread'
import type { ConversationDetail, ConversationSummary, DeskFrame, OwnershipChange, TurnGuess } from '@/shared/types'
import { uuid } from '@/shared/uuid'

type OwnFrame = Extract<DeskFrame, { conversation: string }>

const TYPING_LASTS = 6_000
const TURNS_FOLLOW = 600

/** The conversation that is open at the desk. */
export const useConversation = defineStore('conversation', () => {
  const id = ref<string | null>(null)
  const summary = ref<ConversationSummary | null>(null)
  const turns = shallowRef<TurnGuess[]>([])
  const ownership = shallowRef<OwnershipChange[]>([])
  const entries = shallowRef<Entry[]>([])
  const problem = ref<unknown>(null)
  const customerTyping = ref(false)
  /** Seq up to which the customer has seen the conversation, as far as told since it was opened. */
  const customerReadSeq = ref(0)
  /** Seq up to which we have told the server that we have read. */
  const toldRead = ref(0)
  const thread = new Thread('agent')
  let typingTimer: ReturnType<typeof setTimeout> | undefined
  let refreshTimer: ReturnType<typeof setTimeout> | undefined

  const loading = computed(() => id.value !== null && summary.value === null && problem.value === null)
  const path = () => `/api/v1/desk/conversations/${id.value}`

  function publish(): void {
    entries.value = thread.entries
  }

  function close(): void {
    id.value = null
    clear()
  }

  function clear(): void {
    clearTimeout(refreshTimer)
    summary.value = null
    turns.value = []
    ownership.value = []
    problem.value = null
    customerTyping.value = false
    customerReadSeq.value = 0
    toldRead.value = 0
    thread.clear()
    publish()
  }

  async function open(conversation: string): Promise<void> {
    if (id.value !== conversation) {
      id.value = conversation
      clear()
    }
    await refresh()
  }

  async function refresh(): Promise<void> {
    const asked = id.value
    if (asked === null) return
    try {
      const detail = await request<ConversationDetail>('GET', path())
      if (id.value !== asked) return
      summary.value = detail.conversation
      turns.value = detail.turns
      ownership.value = detail.ownership
      detail.messages.forEach((message) => thread.receive(message))
      problem.value = null
      publish()
    } catch (error) {
      if (id.value === asked) problem.value = error
    }
  }

  function apply(frame: OwnFrame): void {
    if (frame.conversation !== id.value) return
    switch (frame.type) {
      case 'message':
        thread.receive(frame.message)
        if (frame.message.sender === 'customer') customerTyping.value = false
        publish()
        // The frame brings the words; what the bot made of them comes with the detail.
        if (frame.message.sender !== 'agent') refreshSoon()
        return
      case 'typing':
        customerTyping.value = true
        clearTimeout(typingTimer)
        typingTimer = setTimeout(() => (customerTyping.value = false), TYPING_LASTS)
        return
      case 'owner':
        if (summary.value) summary.value = { ...summary.value, owner: frame.owner, agent: frame.agent }
        return refreshSoon()
      case 'rated':
        thread.rate(frame.turn, frame.rating)
        turns.value = turns.value.map((turn) => (turn.id === frame.turn ? { ...turn, rating: frame.rating } : turn))
        return publish()
      case 'read':
        customerReadSeq.value = Math.max(customerReadSeq.value, frame.seq)
        return
    }
  }

  function refreshSoon(): void {
    clearTimeout(refreshTimer)
    refreshTimer = setTimeout(() => void refresh(), TURNS_FOLLOW)
  }

  async function send(text: string): Promise<void> {
    const entry = thread.draft(uuid(), text, new Date().toISOString())
    publish()
    await deliver(entry.message.id, text)
  }

  async function retry(entry: Entry): Promise<void> {
    thread.resume(entry.message.id)
    publish()
    await deliver(entry.message.id, entry.message.text)
  }

  async function deliver(message: string, text: string): Promise<void> {
    const asked = id.value
    try {
      const reply = await request<{ seq?: unknown } | undefined>('POST', `${path()}/messages`, { body: { id: message, text } })
      if (id.value !== asked) return
      if (typeof reply?.seq === 'number') thread.acknowledge(message, reply.seq)
      else await refresh()
    } catch (error) {
      if (id.value !== asked) return
      thread.fail(message, error instanceof ApiProblem ? error.code : 'fallback')
    }
    publish()
  }

  async function sendArticle(key: string): Promise<void> {
    await request('POST', `${path()}/articles`, { body: { id: uuid(), key } })
    refreshSoon()
  }

  async function giveBack(note: string): Promise<void> {
    await request('POST', `${path()}/return`, { body: { note } })
    await refresh()
  }

  async function end(): Promise<void> {
    await request('POST', `${path()}/close`, { body: {} })
    await refresh()
  }

  /** Tells the customer that everything up to now was seen; silent on failure, the next message tells it again. */
  async function markRead(): Promise<void> {
    const seq = thread.lastSeq
    if (id.value === null || seq <= toldRead.value) return
    toldRead.value = seq
    await request('POST', `${path()}/read`, { body: { seq } }).catch(() => (toldRead.value = 0))
  }

  function tellTyping(): void {
    if (id.value !== null) void request('POST', `${path()}/typing`, { body: {} }).catch(() => undefined)
  }

  return {
    id, summary, turns, ownership, entries, problem, customerTyping, customerReadSeq, toldRead, loading,
    open, close, refresh, refreshSoon, apply, send, retry, sendArticle, giveBack, end, markRead, tellTyping,
  }
})
