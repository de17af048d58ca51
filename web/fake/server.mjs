/**
 * A small complete stand-in for the app: the built pages under the strict CSP, the chat socket, the desk API.
 * `npm run fake [port]`; sign in as agent, agent2, supervisor, admin, trainer or editor with the password in desk.mjs.
 * POST /fake/{drop|down|up|mute|unmute|deaf|idle|seed} plays misfortunes and customers.
 */
import { createReadStream, existsSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { WebSocketServer } from 'ws'
import { attendCustomer, close, toPerson } from './chat.mjs'
import { attendAgent, Desk } from './desk.mjs'
import { attendCaller, recording } from './voice.mjs'
import { World } from './world.mjs'

const DIST = fileURLToPath(new URL('../dist', import.meta.url))
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' }
const CSP = "default-src 'self'; style-src 'self' 'unsafe-inline'"

export function startFake(port, { delay = 700 } = {}) {
  const world = new World()
  const desk = new Desk(world)
  const options = { delay, mute: false, down: false, deaf: false, quiet: false }
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 16_384 })
  const drop = () => sockets.clients.forEach((client) => client.terminate())
  const control = {
    drop, mute: () => (options.mute = true), unmute: () => (options.mute = false), up: () => (options.down = false),
    down: () => { options.down = true; drop() },
    deaf: () => (options.deaf = true),
    idle: () => world.conversations.forEach((c) => c.owner !== 'CLOSED' && close(world, c, 'idle')),
    seed: () => seed(world),
  }

  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://fake')
    if (url.pathname.startsWith('/fake/')) return reply(response, [200, control[url.pathname.slice(6)]?.() ?? {}])
    if (url.pathname.endsWith('/audio')) return response.writeHead(200, { 'Content-Type': 'audio/wav', 'Content-Security-Policy': CSP }).end(recording())
    if (url.pathname.startsWith('/api/')) {
      const body = await read(request)
      return reply(response, await desk.call(request.method, url, body, request))
    }
    page(url.pathname, response)
  })
  server.on('upgrade', (request, socket, head) => {
    const user = desk.user(request.headers.cookie)
    if (options.down || (request.url === '/ws/desk' && !user)) return socket.destroy()
    sockets.handleUpgrade(request, socket, head, (client) => {
      if (request.url === '/ws/desk') attendAgent(world, client, user)
      else if (request.url === '/ws/voice') attendCaller(world, client, options)
      else attendCustomer(world, client, options)
    })
  })
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve({ server, world, control, options, desk })))
}

function page(path, response) {
  const wanted = normalize(path.endsWith('/') ? `${path}index.html` : path)
  const file = join(DIST, wanted)
  if (!file.startsWith(DIST) || !existsSync(file) || !statSync(file).isFile()) return reply(response, [404, {}])
  response.writeHead(200, { 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream', 'Content-Security-Policy': CSP })
  createReadStream(file).pipe(response)
}

async function read(request) {
  const parts = []
  for await (const part of request) parts.push(part)
  return parts.length ? JSON.parse(Buffer.concat(parts).toString()) : {}
}

function reply(response, [status, body, headers = {}]) {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers })
  response.end(body === undefined || status === 204 ? undefined : JSON.stringify(body))
}

function seed(world) {
  const people = [
    ['刚才有人冒充客服让我转账，我被骗了，怎么办', 'fraud', 1, true, 35],
    ['我想问一下我的贷款提前还款违约金怎么算', 'unrecognised', 0, false, 312],
    ['转人工', 'asked', 0, false, 128],
    ['你们柜台排了两个小时队，我要投诉', 'complaint', 0, false, 64],
  ]
  for (const [text, reason, priority, elder, waited] of people) {
    const conversation = world.create(elder)
    const message = world.say(conversation, 'customer', text)
    conversation.turns.push({
      id: `${conversation.id}-1`, seq: message.seq, text, decision: 'handoff', intent: reason === 'fraud' ? 'report_fraud' : 'ask_faq',
      confidence: 0.94, ranking: [{ name: 'report_fraud', confidence: 0.94 }, { name: 'file_complaint', confidence: 0.03 }, { name: 'ask_human', confidence: 0.01 }],
      article: null, candidates: [], rating: null,
    })
    toPerson(world, conversation, reason, priority)
    conversation.queuedAt -= waited * 1000
  }
  world.pushLists()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const port = Number(process.argv[2] ?? 8000)
  await startFake(port)
  console.log(`fake app on http://127.0.0.1:${port}/ and /console/`)
}
