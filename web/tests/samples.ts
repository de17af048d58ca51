import type { Message, Welcome } from '@/shared/types'

export function message(seq: number, part: Partial<Message> = {}): Message {
  return {
    id: `server-${seq}`, seq, sender: 'bot', name: null, text: `第 ${seq} 条`, format: 'plain', buttons: [], article: null, candidates: [],
    related: [], rateable: false, rating: null, turn: null, at: '2024-05-01T08:00:00Z', ...part,
  }
}

export function welcome(part: Partial<Welcome> = {}): Welcome {
  return {
    type: 'welcome', session: 's1', token: 't1', owner: 'BOT', elder: false, agent: null, queue: null, messages: [],
    greeting: { text: '您好', topics: ['a', 'b', 'c', 'd', 'e', 'f'].map((key) => ({ key, question: `问题 ${key}` })) },
    max_chars: 500, read_seq: 0, ...part,
  }
}
