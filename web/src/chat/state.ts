import { reactive } from 'vue'
import type { ConnectionState } from '@/shared/connection'
import type { CloseReason, Greeting, Owner } from '@/shared/types'

/** Everything the page shows beside the messages. */
export interface ChatState {
  line: ConnectionState
  /** The server has taken our hello on the present line. */
  welcomed: boolean
  session: string | null
  owner: Owner
  agent: string | null
  /** Place in the queue, 1 = next. */
  position: number | null
  agentsReady: number | null
  greeting: Greeting | null
  maxChars: number
  /** Seq of the last customer message seen by the agent. */
  readSeq: number
  elder: boolean
  typing: 'bot' | 'agent' | null
  closed: CloseReason | 'unknown' | null
  /** Error code to tell, until it is dismissed. */
  notice: string | null
  /** A person was asked for and the server has not answered yet. */
  askingHuman: boolean
  /** The server can listen and speak, as far as it has told. */
  voice: boolean
}

export function createChatState(elder: boolean): ChatState {
  return reactive<ChatState>({
    line: 'connecting',
    welcomed: false,
    session: null,
    owner: 'BOT',
    agent: null,
    position: null,
    agentsReady: null,
    greeting: null,
    maxChars: 500,
    readSeq: 0,
    elder,
    typing: null,
    closed: null,
    notice: null,
    askingHuman: false,
    voice: true,
  })
}
