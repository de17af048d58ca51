import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import { Connection, socketUrl } from '@/shared/connection'
import { Thread, type Entry } from '@/shared/thread'
import { throttled } from '@/shared/throttled'
import type { ChatFrame, ChatRequest, Rating, Topic } from '@/shared/types'
import { uuid } from '@/shared/uuid'
import { applyFrame, type FrameContext } from './frames'
import { Outbox, type Identified } from './outbox'
import { elderKeeper, tokenKeeper } from './session'
import { createChatState } from './state'
import { TypingIndicator } from './typing'

const LOCAL_TYPING = 15_000

/** The customer's conversation: what is shown, and what the customer can do. */
export const useChat = defineStore('chat', () => {
  const state = createChatState(elderKeeper.read() ?? false)
  const entries = shallowRef<Entry[]>([])
  const thread = new Thread('customer')
  const typing = new TypingIndicator((who) => (state.typing = who))
  const connection = new Connection<ChatRequest, ChatFrame>({
    url: socketUrl('/ws/chat'),
    onOpen: hello,
    onFrame: (frame) => applyFrame(frame, context),
    onState: lineChanged,
  })
  const outbox = new Outbox((request) => state.welcomed && connection.send(request), timedOut)
  const context: FrameContext = { state, thread, outbox, typing, publish, forget: startNew, settled: () => connection.settled() }

  const ready = computed(() => state.line === 'open' && state.welcomed)
  const open = computed(() => state.closed === null)
  const lastTurn = computed(() => entries.value.findLast((entry) => entry.message.turn)?.message.turn ?? null)

  function publish(): void {
    entries.value = thread.entries
  }

  function hello(): void {
    const elder = elderKeeper.read()
    connection.send({ type: 'hello', token: tokenKeeper.read(), channel: 'web', last_seq: thread.contiguousSeq, elder })
  }

  function lineChanged(line: typeof state.line): void {
    state.line = line
    if (line === 'open') return
    state.welcomed = false
    outbox.lineLost()
    typing.stop()
  }

  function timedOut(request: Identified): void {
    state.askingHuman = false
    typing.stop()
    if (thread.find(request.id)) {
      thread.fail(request.id, 'timeout')
      publish()
    } else {
      outbox.settle(request.id)
      state.notice = 'timeout'
    }
  }

  function start(): () => void {
    connection.start()
    const unwatch = tokenKeeper.watch((token) => token !== null && reset())
    return () => {
      unwatch()
      connection.stop()
    }
  }

  function reset(): void {
    thread.clear()
    outbox.clear()
    state.session = null
    state.closed = null
    state.owner = 'BOT'
    state.readSeq = 0
    publish()
    connection.restart()
  }

  function startNew(): void {
    tokenKeeper.write(null)
    reset()
  }

  function submit(request: Identified, text: string): void {
    thread.draft(request.id, text, new Date().toISOString())
    publish()
    outbox.put(request)
    if (state.owner === 'BOT' && ready.value) typing.start('bot', LOCAL_TYPING)
  }

  function sendText(text: string): void {
    const words = text.trim()
    if (words && open.value) submit({ type: 'message', id: uuid(), text: words }, words)
  }

  function pick(topic: Topic, turn: string | null): void {
    if (open.value) submit({ type: 'pick', id: uuid(), key: topic.key, turn }, topic.question)
  }

  function retry(id: string): void {
    if (!thread.find(id)) return
    thread.resume(id)
    publish()
    outbox.retry(id)
  }

  function discard(id: string): void {
    outbox.settle(id)
    thread.discard(id)
    publish()
  }

  function rate(turn: string, rating: Rating): void {
    if (!connection.send({ type: 'rate', turn, rating })) {
      state.notice = 'offline'
      return
    }
    thread.rate(turn, rating)
    publish()
  }

  function askHuman(): void {
    if (state.owner !== 'BOT' || state.askingHuman || !open.value) return
    state.askingHuman = true
    outbox.put({ type: 'human', id: uuid() })
  }

  function leaveQueue(): void {
    if (state.owner === 'QUEUED') outbox.put({ type: 'leave_queue', id: uuid() })
  }

  function setElder(on: boolean): void {
    state.elder = on
    elderKeeper.write(on)
    connection.send({ type: 'elder', on })
  }

  function endConversation(): void {
    if (!connection.send({ type: 'close' })) state.notice = 'offline'
  }

  const tellTyping = throttled(() => connection.send({ type: 'typing' }), 3_000)

  return {
    state, entries, ready, open, lastTurn,
    start, startNew, sendText, pick, retry, discard, rate, askHuman, leaveQueue, setElder, endConversation,
    retryLine: () => connection.retryNow(),
    tellRead: (seq: number) => connection.send({ type: 'read', seq }),
    tellTyping: () => state.owner === 'HUMAN' && tellTyping(),
    dismissNotice: () => (state.notice = null),
  }
})
