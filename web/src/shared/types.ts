/** What the server sends and takes: the chat frames, the desk's API and its frames. */

export type Owner = 'BOT' | 'QUEUED' | 'HUMAN' | 'CLOSED'
export type Sender = 'customer' | 'bot' | 'agent' | 'system'
export type Rating = 'solved' | 'unsolved'
export type CloseReason = 'idle' | 'agent' | 'customer'
export type Role = 'administrator' | 'supervisor' | 'agent' | 'trainer' | 'kb_manager'
export type Presence = 'ready' | 'not_ready'

export interface Topic {
  key: string
  question: string
}

export interface ArticleRef extends Topic {
  version?: number | null
}

export interface Button {
  title: string
  /** The text that a tap sends. */
  send?: string | null
  action?: 'human' | null
}

export interface Message {
  id: string
  seq: number
  sender: Sender
  name: string | null
  text: string
  format: 'plain' | 'markdown'
  buttons: Button[]
  article: ArticleRef | null
  candidates: Topic[]
  related: Topic[]
  rateable: boolean
  rating: Rating | null
  turn: string | null
  /** ISO 8601, UTC. */
  at: string
}

export interface Greeting {
  text: string
  topics: Topic[]
}

export interface Welcome {
  type: 'welcome'
  session: string
  token: string
  owner: Owner
  elder: boolean
  agent: string | null
  queue: { position: number } | null
  messages: Message[]
  greeting: Greeting
  max_chars: number
  /** Seq of the last customer message that the agent has seen. */
  read_seq: number
  /** False where the server has no speech; a server that does not say is asked when the customer wants to speak. */
  voice?: boolean
}

export type ChatFrame =
  | Welcome
  | { type: 'ack'; id: string; seq: number }
  | { type: 'message'; message: Message }
  | { type: 'typing'; who: 'bot' | 'agent' }
  | { type: 'owner'; owner: Owner; agent: string | null }
  | { type: 'queue'; position: number; agents_ready: number }
  | { type: 'rated'; turn: string; rating: Rating }
  | { type: 'read'; seq: number }
  | { type: 'elder'; on: boolean }
  | { type: 'closed'; reason: CloseReason }
  | { type: 'error'; code: string; detail?: string; id?: string | null }
  | { type: 'pong' }

export type ChatRequest =
  | { type: 'hello'; token: string | null; channel: 'web'; last_seq: number; elder: boolean | null }
  | { type: 'message'; id: string; text: string }
  | { type: 'pick'; id: string; key: string; turn: string | null }
  | { type: 'rate'; turn: string; rating: Rating }
  | { type: 'human'; id: string }
  | { type: 'leave_queue'; id: string }
  | { type: 'elder'; on: boolean }
  | { type: 'read'; seq: number }
  | { type: 'typing' }
  | { type: 'close' }
  | { type: 'ping' }

export interface User {
  id: string
  username: string
  display_name: string
  role: Role
}

export interface QueueItem {
  conversation: string
  channel: string
  elder: boolean
  reason: string | null
  priority: number
  queued_at: string | null
  waiting_seconds: number
  last_text: string
  agent: string | null
  unread: number
}

export interface Overview {
  presence: Presence
  queue: QueueItem[]
  mine: QueueItem[]
  agents_ready: number
}

export interface TurnGuess {
  id: string
  /** Of the customer's message that the bot took. */
  seq: number
  text: string
  decision: string
  intent: string | null
  confidence: number | null
  ranking: { name: string; confidence: number }[]
  article: ArticleRef | string | null
  candidates: { key: string; question?: string; score: number }[]
  rating: Rating | null
  /** Id of the recording of a spoken turn. */
  audio?: string | null
}

export interface OwnershipChange {
  from: Owner
  to: Owner
  reason: string
  actor: string
  note?: string
  at: string
}

export interface ConversationSummary {
  id: string
  channel: string
  owner: Owner
  elder: boolean
  created_at: string
  agent: string | null
}

export interface ConversationDetail {
  conversation: ConversationSummary
  messages: Message[]
  turns: TurnGuess[]
  ownership: OwnershipChange[]
}

export interface SearchCandidate extends Topic {
  matched: string
  score: number
  version: number
}

export interface SearchReply {
  decision: 'answer' | 'clarify' | 'unrecognised'
  confidence: number
  candidates: SearchCandidate[]
}

export interface Article extends Topic {
  version: number
  category: string
  text: string
  spoken: string
  tags: string[]
  related: Topic[]
}

export type DeskFrame =
  | { type: 'queue'; queue: QueueItem[]; agents_ready: number }
  | { type: 'mine'; mine: QueueItem[] }
  | { type: 'message'; conversation: string; message: Message }
  | { type: 'typing'; conversation: string }
  | { type: 'owner'; conversation: string; owner: Owner; agent: string | null }
  | { type: 'rated'; conversation: string; turn: string; rating: Rating }
  | { type: 'read'; conversation: string; seq: number }
  | { type: 'pong' }
