import { defineStore } from 'pinia'
import { computed, reactive } from 'vue'
import type { Owner } from '@/shared/types'
import { tokenKeeper } from '../session'
import { AudioDevice, audioProblem } from './audio'
import { withFrame, type Caption } from './captions'
import { RATE, type EndReason, type VoiceFrame } from './frames'
import { VoiceLine } from './line'

/** `asking` for the microphone; `lost` while we try to come back; `ended` with what is to be told about it. */
export type CallPhase = 'idle' | 'asking' | 'connecting' | 'live' | 'lost' | 'ended'
export type Activity = 'listening' | 'hearing' | 'thinking' | 'speaking'

const REDIALS = [700, 1_500, 3_000, 6_000, 12_000] // the server may hold the old call for half a minute
const PLAYED_EVERY = 1_000 // where nothing is played

const fresh = () => ({
  phase: 'idle' as CallPhase,
  activity: 'listening' as Activity,
  captions: [] as Caption[],
  muted: false,
  askedPerson: false,
  owner: 'BOT' as Owner,
  /** 0 … 1, the customer's and the robot's loudness. */
  level: 0,
  voiceLevel: 0,
  startedAt: null as number | null,
  endedAt: null as number | null,
  reason: null as EndReason | null,
  problem: null as string | null,
})

/** A spoken conversation with the robot: microphone, line, loudspeaker, captions. */
export const useCall = defineStore('call', () => {
  const state = reactive(fresh())
  let device: AudioDevice | null = null
  let line: VoiceLine | null = null
  let redial: ReturnType<typeof setTimeout> | undefined
  let tries = 0
  let attempt = 0
  let told = { seconds: 0, at: 0 }

  const active = computed(() => state.phase !== 'idle' && state.phase !== 'ended')
  const open = computed(() => state.phase !== 'idle')

  /** Call it in the handler of a click: browsers play no sound otherwise. */
  async function start(): Promise<void> {
    if (active.value) return
    Object.assign(state, fresh(), { phase: 'asking' })
    const mine = ++attempt
    try {
      const opened = await AudioDevice.open(RATE)
      if (mine !== attempt) return opened.close()
      device = opened
    } catch (error) {
      if (mine === attempt) finish(null, audioProblem(error))
      return
    }
    tries = 0
    device.onLost = () => finish(null, 'microphone_lost')
    device.speak(played)
    device.record(hear)
    dial()
  }

  function dial(): void {
    if (state.phase === 'asking') state.phase = 'connecting'
    line = new VoiceLine(
      { type: 'hello', mode: 'call', token: tokenKeeper.read() },
      { onFrame: apply, onSound: (pcm) => device?.play(pcm), onLost: lost },
    )
  }

  function apply(frame: VoiceFrame): void {
    state.captions = withFrame(state.captions, frame, state.owner === 'HUMAN' ? 'agent' : 'bot')
    switch (frame.type) {
      case 'ready':
        return ready(frame.mode === 'call' ? frame.owner : 'BOT')
      case 'state':
        state.activity = frame.state
        return
      case 'caption':
        if (frame.spoken) state.activity = 'speaking'
        return
      case 'owner':
        state.owner = frame.owner
        return
      case 'flush':
        told = { seconds: frame.position, at: Date.now() }
        return device?.flush(frame.position)
      case 'ended':
        return finish(frame.reason, null)
      case 'error':
        // After a lost line the server may not have noticed yet that the old call is over.
        if (frame.code === 'too_many_calls' && tries > 0) return lost()
        return finish(null, frame.code)
    }
  }

  function ready(owner: Owner): void {
    tries = 0
    told = { seconds: 0, at: 0 }
    device?.flush(0)
    Object.assign(state, { phase: 'live', activity: 'listening', owner, startedAt: state.startedAt ?? Date.now() })
    if (state.muted) line?.send({ type: 'mute', on: true })
  }

  function hear(pcm: ArrayBuffer, level: number): void {
    state.level = state.muted ? 0 : level
    if (state.phase === 'live' && !state.muted) line?.sendSound(pcm)
  }

  function played(seconds: number, level: number): void {
    state.voiceLevel = level
    const now = Date.now()
    if (state.phase !== 'live' || (seconds === told.seconds && now - told.at < PLAYED_EVERY)) return
    told = { seconds, at: now }
    line?.send({ type: 'played', seconds: Math.round(seconds * 1000) / 1000 })
  }

  function lost(): void {
    line?.close()
    line = null
    device?.flush(0)
    const wait = REDIALS[tries++]
    // A line that never stood is not dialled again and again.
    if (wait === undefined || state.startedAt === null) return finish(null, 'lost')
    state.captions = state.captions.filter((caption) => !caption.partial)
    state.phase = 'lost'
    clearTimeout(redial)
    redial = setTimeout(dial, wait)
  }

  function finish(reason: EndReason | null, problem: string | null): void {
    attempt += 1
    clearTimeout(redial)
    line?.close()
    device?.close()
    line = device = null
    Object.assign(state, { phase: 'ended', reason, problem, endedAt: Date.now(), level: 0, voiceLevel: 0 })
    state.captions = state.captions.filter((caption) => !caption.partial)
  }

  function hangUp(): void {
    if (!active.value) return
    line?.send({ type: 'hangup' })
    finish('caller', null)
  }

  function mute(on: boolean): void {
    state.muted = on
    device?.mute(on)
    line?.send({ type: 'mute', on })
  }

  function askPerson(): void {
    if (state.phase !== 'live' || state.owner !== 'BOT' || state.askedPerson) return
    state.askedPerson = true
    line?.send({ type: 'person' })
  }

  function dismiss(): void {
    hangUp()
    Object.assign(state, fresh())
  }

  return { state, active, open, start, hangUp, mute, askPerson, dismiss }
})
