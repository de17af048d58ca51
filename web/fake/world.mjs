import { randomUUID } from 'node:crypto'

/** All conversations of the fake, and everyone who listens to them. */
export class World {
  conversations = new Map()
  byToken = new Map()
  chatSockets = new Map()
  deskSockets = new Set()
  ready = new Set()

  create(elder) {
    const conversation = {
      id: randomUUID(), token: randomUUID(), channel: 'web', owner: 'BOT', elder, agent: null, created_at: now(), messages: [],
      turns: [], ownership: [], seen: new Map(), readSeq: 0, agentReadSeq: 0, queuedAt: null, reason: 'asked', priority: 0, failures: 0,
    }
    this.conversations.set(conversation.id, conversation)
    this.byToken.set(conversation.token, conversation)
    return conversation
  }

  say(conversation, sender, text, rest = {}) {
    const message = {
      id: randomUUID(), seq: conversation.messages.length + 1, sender, name: null, text, format: 'plain', buttons: [], article: null,
      candidates: [], related: [], rateable: false, rating: null, turn: null, at: now(), ...rest,
    }
    conversation.messages.push(message)
    this.toCustomer(conversation, { type: 'message', message })
    this.toDesk({ type: 'message', conversation: conversation.id, message })
    if (sender === 'customer' && conversation.owner === 'QUEUED') this.pushLists()
    return message
  }

  own(conversation, owner, { reason = 'asked', actor = 'customer', agent = null, priority = 0 } = {}) {
    conversation.ownership.push({ from: conversation.owner, to: owner, reason, actor, at: now() })
    Object.assign(conversation, { owner, agent })
    if (owner === 'QUEUED') Object.assign(conversation, { reason, priority, queuedAt: Date.now() })
    const frame = { owner, agent: agent?.display_name ?? null }
    this.toCustomer(conversation, { type: 'owner', ...frame })
    this.toDesk({ type: 'owner', conversation: conversation.id, ...frame })
    this.pushLists()
  }

  queue() {
    return [...this.conversations.values()]
      .filter((conversation) => conversation.owner === 'QUEUED')
      .sort((a, b) => b.priority - a.priority || a.queuedAt - b.queuedAt)
  }

  mine(user) {
    return [...this.conversations.values()].filter((conversation) => conversation.owner === 'HUMAN' && conversation.agent?.id === user.id)
  }

  item(conversation) {
    const customer = conversation.messages.filter((message) => message.sender === 'customer')
    return {
      conversation: conversation.id, channel: conversation.channel, elder: conversation.elder, reason: conversation.reason,
      priority: conversation.priority, queued_at: conversation.queuedAt ? new Date(conversation.queuedAt).toISOString() : null,
      waiting_seconds: conversation.queuedAt ? Math.round((Date.now() - conversation.queuedAt) / 1000) : 0,
      last_text: customer.at(-1)?.text ?? '', agent: conversation.agent?.display_name ?? null,
      unread: customer.filter((message) => message.seq > conversation.agentReadSeq).length,
    }
  }

  pushLists() {
    const queue = this.queue()
    queue.forEach((conversation, index) =>
      this.toCustomer(conversation, { type: 'queue', position: index + 1, agents_ready: this.ready.size }))
    for (const socket of this.deskSockets) {
      socket.tell({ type: 'queue', queue: queue.map((c) => this.item(c)), agents_ready: this.ready.size })
      socket.tell({ type: 'mine', mine: this.mine(socket.user).map((c) => this.item(c)) })
    }
  }

  toCustomer(conversation, frame) {
    for (const socket of this.chatSockets.get(conversation.id) ?? []) socket.tell(frame)
  }

  toDesk(frame) {
    for (const socket of this.deskSockets) socket.tell(frame)
  }
}

export const now = () => new Date().toISOString()
