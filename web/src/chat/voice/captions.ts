import type { VoiceFrame } from './frames'

export interface Caption {
  id: number
  who: 'customer' | 'bot' | 'agent'
  text: string
  /** Still being spoken by the customer; the words may change. */
  partial: boolean
  /** The part of the text that came out before an interruption; null when nothing was cut off. */
  heard: string | null
  /** It could not be said aloud and is there to be read. */
  silent: boolean
}

const KEPT = 200

/** The captions after one more frame. A new list whenever something has changed. */
export function withFrame(captions: Caption[], frame: VoiceFrame, speaker: 'bot' | 'agent'): Caption[] {
  switch (frame.type) {
    case 'partial':
      return frame.text ? withOwnWords(captions, frame.text, true) : captions.filter((caption) => !caption.partial)
    case 'final':
      return frame.text ? withOwnWords(captions, frame.text, false) : captions.filter((caption) => !caption.partial)
    case 'caption':
      return added(captions, { who: speaker, text: frame.text, partial: false, heard: null, silent: !frame.spoken })
    case 'state':
      return frame.whole === false && frame.heard !== undefined ? cutOff(captions, frame.heard) : captions
    default:
      return captions
  }
}

function withOwnWords(captions: Caption[], text: string, partial: boolean): Caption[] {
  const open = captions.findLast((caption) => caption.partial)
  if (open) return captions.map((caption) => (caption === open ? { ...caption, text, partial } : caption))
  return added(captions, { who: 'customer', text, partial, heard: null, silent: false })
}

/** The interruption is told after the customer's first words, so the line that was cut off need not be the last one. */
function cutOff(captions: Caption[], heard: string): Caption[] {
  const spoken = captions.findLast((caption) => caption.who !== 'customer')
  return captions.map((caption) => (caption === spoken && caption.text.startsWith(heard) ? { ...caption, heard } : caption))
}

function added(captions: Caption[], caption: Omit<Caption, 'id'>): Caption[] {
  return [...captions.slice(-KEPT), { ...caption, id: (captions.at(-1)?.id ?? 0) + 1 }]
}
