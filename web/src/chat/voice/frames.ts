import type { Owner } from '@/shared/types'

export const RATE = 16_000

export type EndReason = 'caller' | 'silence' | 'closed' | 'failed' | 'too_long'
export type CallState = 'listening' | 'hearing' | 'thinking'

/** Text frames of `WS /ws/voice` from the server; binary ones are 16-bit mono PCM of 16 kHz. */
export type VoiceFrame =
  | { type: 'ready'; mode: 'dictate'; rate: number; max_seconds: number }
  | { type: 'ready'; mode: 'call'; rate: number; session: string; owner: Owner }
  | { type: 'partial'; text: string }
  | { type: 'final'; text: string; confidence: number | null }
  | { type: 'state'; state: CallState; interrupted?: boolean; heard?: string; turn?: string | null; whole?: boolean }
  | { type: 'caption'; text: string; turn: string | null; spoken: boolean }
  | { type: 'owner'; owner: Owner }
  | { type: 'flush'; position: number }
  | { type: 'muted'; on: boolean }
  | { type: 'timing'; turn: string | null; ms: Record<string, number> }
  | { type: 'ended'; reason: EndReason }
  | { type: 'error'; code: string; detail?: string; retry?: boolean }
  | { type: 'pong' }

export type VoiceRequest =
  | { type: 'hello'; mode: 'call' | 'dictate'; token: string | null }
  | { type: 'begin' | 'end' | 'cancel' | 'person' | 'hangup' | 'ping' }
  | { type: 'played'; seconds: number }
  | { type: 'mute'; on: boolean }
