import type { Thread } from '@/shared/thread'
import type { ChatFrame, Message, Owner, Welcome } from '@/shared/types'
import type { Outbox } from './outbox'
import { elderKeeper, tokenKeeper } from './session'
import type { ChatState } from './state'
import type { TypingIndicator } from './typing'

export interface FrameContext {
  state: ChatState
  thread: Thread
  outbox: Outbox
  typing: TypingIndicator
  /** The thread has changed. */
  publish: () => void
  /** The server does not know our token any more: begin anew. */
  forget: () => void
  settled: () => void
}

const AGENT_TYPING = 6_000
const BOT_TYPING = 15_000
const UNKNOWN_SESSION = new Set(['unknown_session', 'conversation_not_found'])

/** Applies one server frame to the page's state. */
export function applyFrame(frame: ChatFrame, context: FrameContext): void {
  const { state } = context
  switch (frame.type) {
    case 'welcome':
      return welcome(frame, context)
    case 'ack':
      context.outbox.settle(frame.id)
      context.thread.acknowledge(frame.id, frame.seq)
      return context.publish()
    case 'message':
      return receive(frame.message, context)
    case 'typing':
      return context.typing.start(frame.who, frame.who === 'bot' ? BOT_TYPING : AGENT_TYPING)
    case 'owner':
      return changeOwner(frame.owner, frame.agent, context)
    case 'queue':
      state.position = frame.position
      state.agentsReady = frame.agents_ready
      return
    case 'rated':
      context.thread.rate(frame.turn, frame.rating)
      return context.publish()
    case 'read':
      state.readSeq = Math.max(state.readSeq, frame.seq)
      return
    case 'elder':
      state.elder = frame.on
      elderKeeper.write(frame.on)
      return
    case 'closed':
      changeOwner('CLOSED', null, context)
      state.closed = frame.reason
      return
    case 'error':
      return refuse(frame.code, frame.id ?? null, context)
  }
}

function welcome(frame: Welcome, context: FrameContext): void {
  const { state, thread } = context
  if (state.session !== null && state.session !== frame.session) thread.clear()
  tokenKeeper.write(frame.token)
  Object.assign(state, {
    session: frame.session,
    greeting: frame.greeting,
    maxChars: frame.max_chars,
    readSeq: frame.read_seq,
    elder: frame.elder,
    position: frame.queue?.position ?? null,
    voice: frame.voice ?? true,
    welcomed: true,
  })
  frame.messages.forEach((message) => thread.receive(message))
  changeOwner(frame.owner, frame.agent ?? lastAgent(thread), context)
  context.settled()
  if (frame.owner !== 'CLOSED') context.outbox.flush()
  context.publish()
}

/** Who spoke last as an agent: a welcome that brings only the newest messages may not name him. */
function lastAgent(thread: Thread): string | null {
  return thread.entries.findLast((entry) => entry.message.sender === 'agent')?.message.name ?? null
}

function receive(message: Message, context: FrameContext): void {
  context.thread.receive(message)
  if (message.sender !== 'customer') context.typing.stop()
  context.publish()
}

function changeOwner(owner: Owner, agent: string | null, { state, outbox, typing }: FrameContext): void {
  state.owner = owner
  state.agent = owner === 'HUMAN' ? agent : null
  if (owner !== 'QUEUED') state.position = null
  if (owner !== 'BOT') {
    state.askingHuman = false
    outbox.settleType('human')
    typing.stop()
  }
  if (owner !== 'QUEUED') outbox.settleType('leave_queue')
  if (owner !== 'CLOSED') state.closed = null
  else state.closed ??= 'unknown'
}

function refuse(code: string, id: string | null, context: FrameContext): void {
  // Only once: a server that refuses a hello without token would otherwise be asked without end.
  if (UNKNOWN_SESSION.has(code) && tokenKeeper.read() !== null) return context.forget()
  context.typing.stop()
  context.state.askingHuman = false
  if (id !== null && context.thread.find(id)) {
    context.outbox.fail(id)
    context.thread.fail(id, code)
    return context.publish()
  }
  if (id !== null) context.outbox.settle(id)
  context.state.notice = code
}
