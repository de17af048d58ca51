import { randomUUID } from 'node:crypto'
import { ARTICLES, search, TOPICS } from './articles.mjs'

const GREETING = { text: '您好，我是衡川银行的智能客服小衡。\n您可以直接用平常的话问我，也可以点下面的常见问题。', topics: TOPICS }
const BOT = '小衡'
const HUMAN = /人工|真人|客服人员/
const FRAUD = /被骗|盗刷|诈骗/

/** One customer's socket: hello first, then the frames of the contract. */
export function attendCustomer(world, socket, options) {
  let conversation = null
  socket.tell = (frame) => socket.readyState === 1 && socket.send(JSON.stringify(frame))
  socket.on('message', (data) => {
    const frame = JSON.parse(String(data))
    if (frame.type === 'ping') return socket.tell({ type: 'pong' })
    if (frame.type === 'hello') return (conversation = hello(world, socket, frame))
    if (conversation) handle(world, socket, conversation, frame, options)
  })
  socket.on('close', () => world.chatSockets.get(conversation?.id)?.delete(socket))
}

function hello(world, socket, frame) {
  const known = world.byToken.get(frame.token)
  const conversation = known ?? world.create(frame.elder ?? false)
  if (frame.elder !== null) conversation.elder = frame.elder
  if (!world.chatSockets.has(conversation.id)) world.chatSockets.set(conversation.id, new Set())
  world.chatSockets.get(conversation.id).add(socket)
  const position = world.queue().indexOf(conversation) + 1
  socket.tell({
    type: 'welcome', session: conversation.id, token: conversation.token, owner: conversation.owner, elder: conversation.elder,
    agent: conversation.agent?.display_name ?? null, queue: position ? { position } : null,
    messages: conversation.messages.filter((message) => message.seq > (frame.last_seq ?? 0)),
    greeting: GREETING, max_chars: 500, read_seq: conversation.readSeq,
  })
  return conversation
}

function handle(world, socket, conversation, frame, options) {
  if (options.mute) return
  const refuse = (code) => socket.tell({ type: 'error', code, detail: '', id: frame.id ?? null })
  if (conversation.owner === 'CLOSED') return refuse('conversation_closed')
  switch (frame.type) {
    case 'message':
    case 'pick': {
      if (conversation.seen.has(frame.id)) return socket.tell({ type: 'ack', id: frame.id, seq: conversation.seen.get(frame.id) })
      const article = frame.type === 'pick' ? ARTICLES[frame.key] : null
      if (frame.type === 'pick' && !article) return refuse('article_not_found')
      const text = article ? article.question : frame.text.trim()
      if (!text) return refuse('empty_message')
      if ([...text].length > 500) return refuse('message_too_long')
      const message = world.say(conversation, 'customer', text)
      conversation.seen.set(frame.id, message.seq)
      socket.tell({ type: 'ack', id: frame.id, seq: message.seq })
      return conversation.owner === 'BOT' && answer(world, conversation, message, article, options)
    }
    case 'rate':
      return rate(world, conversation, frame)
    case 'human':
      return toPerson(world, conversation, 'asked')
    case 'leave_queue':
      if (conversation.owner !== 'QUEUED') return
      world.own(conversation, 'BOT')
      return world.say(conversation, 'bot', '好的，您已离开排队，我继续为您服务。', { name: BOT })
    case 'elder':
      conversation.elder = frame.on
      return world.toCustomer(conversation, { type: 'elder', on: frame.on })
    case 'typing':
      return world.toDesk({ type: 'typing', conversation: conversation.id })
    case 'read':
      return world.toDesk({ type: 'read', conversation: conversation.id, seq: frame.seq })
    case 'close':
      return close(world, conversation, 'customer')
  }
}

export function close(world, conversation, reason) {
  world.own(conversation, 'CLOSED', { reason, actor: reason })
  world.toCustomer(conversation, { type: 'closed', reason })
}

function answer(world, conversation, message, article, { delay }) {
  world.toCustomer(conversation, { type: 'typing', who: 'bot' })
  setTimeout(() => conversation.owner === 'BOT' && reply(world, conversation, message, article), delay)
}

function reply(world, conversation, message, article) {
  const found = article ? { decision: 'answer', confidence: 1, candidates: [], answer: article } : search(message.text)
  const turn = {
    id: randomUUID(), seq: message.seq, text: message.text, decision: found.decision, intent: 'ask_faq', confidence: found.confidence,
    ranking: [{ name: 'ask_faq', confidence: 0.86 }, { name: 'report_loss', confidence: 0.09 }, { name: 'ask_human', confidence: 0.02 }],
    article: found.answer?.key ?? null, candidates: found.candidates.slice(0, 3), rating: null,
  }
  conversation.turns.push(turn)
  if (FRAUD.test(message.text)) return person(world, conversation, turn, 'report_fraud', 'fraud', 1)
  if (HUMAN.test(message.text)) return person(world, conversation, turn, 'ask_human', 'asked', 0)
  if (found.decision === 'answer') return sayArticle(world, conversation, turn, found.answer)
  if (found.decision === 'clarify') {
    return world.say(conversation, 'bot', '我找到了几个相近的问题，请点一下您想问的那个：', {
      name: BOT, turn: turn.id, candidates: found.candidates.slice(0, 3).map(({ key, question }) => ({ key, question })),
      buttons: [{ title: '都不是，转人工', send: null, action: 'human' }],
    })
  }
  conversation.failures += 1
  if (conversation.failures >= 2) return toPerson(world, conversation, 'unrecognised')
  world.say(conversation, 'bot', '抱歉，这个问题我还没有学会。您可以换一种说法，或者请人工客服帮您。', {
    name: BOT, turn: turn.id, buttons: [{ title: '转人工客服', send: null, action: 'human' }, { title: '看看常见问题', send: '常见问题', action: null }],
  })
}

function person(world, conversation, turn, intent, reason, priority) {
  Object.assign(turn, { decision: 'handoff', intent, confidence: 0.97, article: null })
  toPerson(world, conversation, reason, priority)
}

function sayArticle(world, conversation, turn, article) {
  conversation.failures = 0
  world.say(conversation, 'bot', article.text, {
    name: BOT, format: 'markdown', turn: turn.id, rateable: true, related: article.related,
    article: { key: article.key, version: article.version, question: article.question },
  })
}

function rate(world, conversation, { turn, rating }) {
  const record = conversation.turns.find((candidate) => candidate.id === turn)
  if (!record) return
  record.rating = rating
  conversation.messages.filter((message) => message.turn === turn).forEach((message) => (message.rating = rating))
  world.toCustomer(conversation, { type: 'rated', turn, rating })
  world.toDesk({ type: 'rated', conversation: conversation.id, turn, rating })
  conversation.failures = rating === 'unsolved' ? conversation.failures + 1 : 0
  if (conversation.failures >= 2) toPerson(world, conversation, 'unresolved')
}

export function toPerson(world, conversation, reason, priority = 0) {
  if (conversation.owner !== 'BOT') return
  world.own(conversation, 'QUEUED', { reason, priority })
  world.say(conversation, 'system', '正在为您转接人工客服，请稍候。')
}
