import { ARTICLES, search } from './articles.mjs'

const RATE = 16_000
const FRAME = RATE / 10
const GREETING = '您好，我是衡川银行的智能客服小衡，请问您想办理什么业务？'
const SAID = '我的信用卡丢了怎么办'
const LOUD = 900 // of 32768: the browser's own fake microphone beeps far above it

/** The voice socket's stand-in: it hears one sentence in any sound, answers with a hum, and obeys interruptions. */
export function attendCaller(world, socket, options) {
  socket.tell = (frame) => socket.readyState === 1 && socket.send(JSON.stringify(frame))
  let session = null
  socket.on('message', (data, isBinary) => {
    if (isBinary) return session?.hear(data)
    const frame = JSON.parse(String(data))
    if (frame.type === 'ping') return socket.tell({ type: 'pong' })
    if (frame.type !== 'hello') return session?.obey(frame)
    if (options.deaf) return refuse(socket, 'no_recogniser')
    if (frame.mode === 'dictate') return (session = dictation(socket, options))
    const conversation = world.byToken.get(frame.token)
    if (!conversation) return refuse(socket, 'not_found')
    session = new FakeCall(world, socket, conversation, options)
  })
  socket.on('close', () => session?.end?.())
}

function refuse(socket, code) {
  socket.tell({ type: 'error', code, detail: '', retry: true })
  socket.close(1013)
}

function loud(data) {
  let most = 0
  for (let at = 0; at + 1 < data.length; at += 2) most = Math.max(most, Math.abs(data.readInt16LE(at)))
  return most > LOUD
}

function dictation(socket, options) {
  let bytes = null
  let shown = ''
  socket.tell({ type: 'ready', mode: 'dictate', rate: RATE, max_seconds: 60 })
  return {
    hear(data) {
      if (bytes === null) return
      bytes += data.length
      const words = SAID.slice(0, Math.floor(bytes / RATE / 2 * 6))
      if (words !== shown) socket.tell({ type: 'partial', text: (shown = words) })
    },
    obey({ type }) {
      if (type === 'begin') bytes = 0
      if (type === 'cancel') bytes = null
      if (type === 'end' && bytes !== null) setTimeout(() => socket.tell({ type: 'final', text: SAID, confidence: 0.93 }), options.delay)
    },
  }
}

class FakeCall {
  timers = new Set()
  heard = 0
  written = 0
  speaking = null
  words = 0

  constructor(world, socket, conversation, options) {
    Object.assign(this, { world, socket, conversation, options })
    socket.tell({ type: 'ready', mode: 'call', rate: RATE, session: conversation.id, owner: conversation.owner })
    this.later(200, () => this.say(GREETING, null))
  }

  later(wait, work) {
    const timer = setTimeout(work, wait)
    this.timers.add(timer)
  }

  hear(data) {
    if (this.options.quiet || this.busy || !loud(data)) return
    if (this.speaking && this.heard - this.speaking.from < 2.5) return
    if (this.speaking) this.interrupt()
    this.busy = true
    this.socket.tell({ type: 'state', state: 'hearing', interrupted: false })
    for (let count = 2; count <= SAID.length; count += 2) this.later(count * 90, () => this.socket.tell({ type: 'partial', text: SAID.slice(0, count) }))
    this.later(SAID.length * 90 + 500, () => this.answer(SAID))
  }

  answer(text) {
    const { socket, world, conversation } = this
    socket.tell({ type: 'final', text, confidence: 0.94 })
    socket.tell({ type: 'state', state: 'thinking' })
    const message = world.say(conversation, 'customer', text)
    const article = search(text).answer ?? ARTICLES['credit.lost']
    const turn = `spoken-${message.seq}`
    conversation.turns.push({
      id: turn, seq: message.seq, text, decision: 'answer', intent: 'report_loss', confidence: 0.91, ranking: [{ name: 'report_loss', confidence: 0.91 }],
      article: article.key, candidates: [], rating: null, audio: 'recording-1',
    })
    this.later(this.options.delay, () => {
      const { key, version, question } = article
      world.say(conversation, 'bot', article.text, { name: '小衡', format: 'markdown', turn, rateable: true, article: { key, version, question } })
      this.say('请您立即挂失，挂失后卡片不能再被使用。您可以在手机银行里点我的、信用卡、挂失补卡，也可以拨打客服热线。还要听补卡要多久吗？', turn)
      this.busy = false
    })
  }

  say(text, turn) {
    const seconds = text.length / 5
    this.speaking = { text, turn, from: this.written, seconds }
    this.socket.tell({ type: 'caption', text, turn, spoken: true })
    this.write(seconds * RATE, 0)
  }

  /** A hum that rises and falls as speech does, a second ahead of its time. */
  write(samples, done) {
    const pcm = Buffer.alloc(FRAME * 2)
    for (let index = 0; index < FRAME; index += 1) {
      const time = (done + index) / RATE
      pcm.writeInt16LE(Math.round(2500 * Math.sin(time * 1100) * Math.abs(Math.sin(time * 9))), index * 2)
    }
    this.socket.send(pcm)
    this.written += FRAME / RATE
    if (done + FRAME < samples) this.writing = setTimeout(() => this.write(samples, done + FRAME), done > RATE ? 100 : 10)
    else this.writing = null
  }

  interrupt() {
    clearTimeout(this.writing)
    const { text, turn, from, seconds } = this.speaking
    const heard = text.slice(0, Math.round(text.length * Math.min(1, Math.max(0, this.heard - from) / seconds)))
    this.written = this.heard
    this.socket.tell({ type: 'flush', position: this.heard })
    this.socket.tell({ type: 'state', state: 'listening', heard, turn, whole: false })
    this.speaking = null
  }

  obey(frame) {
    const { socket, world, conversation } = this
    if (frame.type === 'played') this.played(Math.min(frame.seconds, this.written))
    if (frame.type === 'mute') socket.tell({ type: 'muted', on: frame.on })
    if (frame.type === 'hangup') this.bye('caller')
    if (frame.type !== 'person') return
    if (this.speaking) this.interrupt()
    world.own(conversation, 'QUEUED', { reason: 'asked' })
    world.say(conversation, 'system', '正在为您转接人工客服，请稍候。')
    socket.tell({ type: 'owner', owner: 'QUEUED' })
    this.say('正在为您转接人工客服，请稍候。', null)
  }

  played(seconds) {
    this.heard = seconds
    if (!this.speaking || this.writing || seconds < this.speaking.from + this.speaking.seconds - 0.2) return
    const { text, turn } = this.speaking
    this.speaking = null
    this.socket.tell({ type: 'state', state: 'listening', heard: text, turn, whole: true })
  }

  bye(reason) {
    this.socket.tell({ type: 'ended', reason })
    this.socket.close(1000)
  }

  end() {
    clearTimeout(this.writing)
    this.timers.forEach(clearTimeout)
  }
}

/** A few seconds of hum as a WAV file: what the desk plays of a spoken turn. */
export function recording() {
  const samples = RATE * 3
  const wav = Buffer.alloc(44 + samples * 2)
  wav.write('RIFF', 0)
  wav.writeUInt32LE(36 + samples * 2, 4)
  wav.write('WAVEfmt ', 8)
  wav.writeUInt32LE(16, 16)
  wav.writeUInt16LE(1, 20)
  wav.writeUInt16LE(1, 22)
  wav.writeUInt32LE(RATE, 24)
  wav.writeUInt32LE(RATE * 2, 28)
  wav.writeUInt16LE(2, 32)
  wav.writeUInt16LE(16, 34)
  wav.write('data', 36)
  wav.writeUInt32LE(samples * 2, 40)
  for (let index = 0; index < samples; index += 1) wav.writeInt16LE(Math.round(4000 * Math.sin(index / 12)), 44 + index * 2)
  return wav
}
