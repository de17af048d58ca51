import { randomUUID } from 'node:crypto'
import { ARTICLES, search } from './articles.mjs'
import { close } from './chat.mjs'

const NAMES = { agent: '李晓雯', agent2: '赵一鸣', supervisor: '周敏', admin: '系统管理员', trainer: '陈思', editor: '王可' }
const ROLES = { agent: 'agent', agent2: 'agent', supervisor: 'supervisor', admin: 'administrator', trainer: 'trainer', editor: 'kb_manager' }
export const PASSWORD = 'teller-demo-2024'

/** Console API of the fake. Returns [status, body, headers] or null when the path is not its own. */
export class Desk {
  sessions = new Map()
  failures = 0

  constructor(world) {
    this.world = world
  }

  user(cookie) {
    return this.sessions.get(/teller_session=([\w-]+)/.exec(cookie ?? '')?.[1]) ?? null
  }

  async call(method, url, body, request) {
    if (method !== 'GET' && request.headers['x-teller-csrf'] !== '1') return problem(403, 'forbidden')
    if (url.pathname === '/api/v1/auth/login') return this.login(body)
    const user = this.user(request.headers.cookie)
    if (!user) return problem(401, 'unauthenticated')
    const [, section, ...rest] = url.pathname.replace('/api/v1', '').split('/')
    if (section === 'auth') return this.account(rest[0], body, user, request)
    if (section === 'knowledge') return knowledge(rest, url)
    if (section === 'desk') return this.desk(method, rest, body, user)
    return problem(404, 'not_found')
  }

  login({ username, password }) {
    if (this.failures >= 4) return problem(429, 'too_many_attempts', { 'Retry-After': '48' })
    if (!ROLES[username] || password !== PASSWORD) {
      this.failures += 1
      return problem(401, 'invalid_credentials')
    }
    this.failures = 0
    const session = randomUUID()
    const user = { id: username, username, display_name: NAMES[username], role: ROLES[username] }
    this.sessions.set(session, user)
    return [200, user, { 'Set-Cookie': `teller_session=${session}; HttpOnly; SameSite=Strict; Path=/` }]
  }

  account(what, body, user, request) {
    if (what === 'me') return [200, user]
    if (what === 'password') return body.current === PASSWORD ? [204] : problem(401, 'invalid_credentials')
    this.sessions.delete(/teller_session=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1])
    return [204]
  }

  desk(method, [what, id, action], body, user) {
    const { world } = this
    if (['trainer', 'kb_manager'].includes(user.role)) return problem(403, 'forbidden')
    if (what === 'presence') {
      if (body.state === 'ready') world.ready.add(user.id)
      else world.ready.delete(user.id)
      world.pushLists()
      return [200, { state: body.state }]
    }
    if (what === 'overview') {
      return [200, {
        presence: world.ready.has(user.id) ? 'ready' : 'not_ready', queue: world.queue().map((c) => world.item(c)),
        mine: world.mine(user).map((c) => world.item(c)), agents_ready: world.ready.size,
      }]
    }
    const conversation = world.conversations.get(id)
    if (!conversation) return problem(404, 'not_found')
    if (method === 'GET') return [200, detail(conversation)]
    return this.act(conversation, action, body, user)
  }

  act(conversation, action, body, user) {
    const { world } = this
    if (action === 'take') {
      if (conversation.owner !== 'QUEUED') return problem(409, 'already_taken')
      world.own(conversation, 'HUMAN', { actor: user.id, agent: user, reason: 'operator' })
      world.say(conversation, 'system', `客服 ${user.display_name} 已接入，为您服务。`)
      return [200, {}]
    }
    if (conversation.agent?.id !== user.id) return problem(403, 'not_yours')
    switch (action) {
      case 'messages':
        return [201, world.say(conversation, 'agent', body.text, { name: user.display_name })]
      case 'articles': {
        const article = ARTICLES[body.key]
        const { key, version, question } = article
        return [201, world.say(conversation, 'agent', article.text, { name: user.display_name, format: 'markdown', article: { key, version, question } })]
      }
      case 'typing':
        world.toCustomer(conversation, { type: 'typing', who: 'agent' })
        return [204]
      case 'read':
        Object.assign(conversation, { readSeq: body.seq, agentReadSeq: body.seq })
        world.toCustomer(conversation, { type: 'read', seq: body.seq })
        world.pushLists()
        return [204]
      case 'return':
        world.own(conversation, 'BOT', { actor: user.id, reason: 'operator' })
        world.say(conversation, 'system', '人工服务已结束，小衡继续为您服务。')
        return [204]
      case 'close':
        close(world, conversation, 'agent')
        return [204]
      default:
        return problem(404, 'not_found')
    }
  }
}

export function attendAgent(world, socket, user) {
  socket.user = user
  socket.tell = (frame) => socket.readyState === 1 && socket.send(JSON.stringify(frame))
  world.deskSockets.add(socket)
  socket.on('message', () => socket.tell({ type: 'pong' }))
  socket.on('close', () => world.deskSockets.delete(socket))
}

function detail(conversation) {
  const { id, channel, owner, elder, created_at, agent, messages, turns, ownership } = conversation
  return { conversation: { id, channel, owner, elder, created_at, agent: agent?.display_name ?? null }, messages, turns, ownership }
}

function knowledge([what, key], url) {
  if (what === 'search') return [200, search(url.searchParams.get('q') ?? '', Number(url.searchParams.get('k') ?? 5))]
  return ARTICLES[key] ? [200, ARTICLES[key]] : problem(404, 'not_found')
}

function problem(status, code, headers = {}) {
  return [status, { type: 'about:blank', title: code, status, code }, { 'Content-Type': 'application/problem+json', ...headers }]
}
