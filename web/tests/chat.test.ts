import { flushPromises, mount } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import App from '@/chat/App.vue'
import en from '@/chat/locales/en.json'
import zh from '@/chat/locales/zh-CN.json'
import { tokenKeeper } from '@/chat/session'
import { useChat } from '@/chat/store'
import { createPageI18n } from '@/shared/i18n'
import sharedEn from '@/shared/locales/en.json'
import sharedZh from '@/shared/locales/zh-CN.json'
import { FakeSocket } from './fakeSocket'
import { message, welcome } from './samples'

let wrapper: ReturnType<typeof mount>

async function open(frame = welcome()) {
  const pinia = createPinia()
  setActivePinia(pinia)
  const i18n = createPageI18n({ 'zh-CN': { ...sharedZh, ...zh }, en: { ...sharedEn, ...en } })
  wrapper = mount(App, { global: { plugins: [pinia, i18n] }, attachTo: document.body })
  FakeSocket.last.accept()
  await tell(frame)
  return useChat()
}

async function tell(frame: unknown) {
  FakeSocket.last.tell(frame)
  await flushPromises()
}

async function write(text: string) {
  await wrapper.find('textarea').setValue(text)
  await wrapper.find('textarea').trigger('keydown', { key: 'Enter' })
}

const sent = (type: string) => FakeSocket.last.sent.filter((frame) => frame.type === type)

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('WebSocket', FakeSocket)
  Element.prototype.scrollTo = () => {}
  FakeSocket.opened = []
  localStorage.clear()
  tokenKeeper.write(null)
})
afterEach(() => {
  wrapper.unmount()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('the chat page', () => {
  it('says hello with the token that it has kept', async () => {
    tokenKeeper.write('t1')
    await open()
    expect(FakeSocket.last.sent[0]).toEqual({ type: 'hello', token: 't1', channel: 'web', last_seq: 0, elder: null })
    expect(localStorage.getItem('teller.token')).toBe('t1')
  })

  it('shows a message at once, and sends it again with the same id when the line was lost', async () => {
    await open()
    await write('信用卡丢了')
    const first = sent('message')[0]
    expect(wrapper.text()).toContain('发送中')
    FakeSocket.last.lose()
    await vi.advanceTimersByTimeAsync(1_000)
    FakeSocket.last.accept()
    await tell(welcome({ messages: [message(1)] }))
    expect(sent('hello')[0]).toMatchObject({ token: 't1', last_seq: 0 })
    expect(sent('message')).toEqual([first])
    await tell({ type: 'ack', id: (first as { id: string }).id, seq: 2 })
    await tell({ type: 'message', message: message(2, { sender: 'customer', text: '信用卡丢了' }) })
    expect(wrapper.findAll('article.customer')).toHaveLength(1)
  })

  it('reports an unacknowledged message as failed and retries it on demand', async () => {
    await open()
    await write('你好')
    await vi.advanceTimersByTimeAsync(12_000)
    expect(wrapper.find('.state.failed').exists()).toBe(true)
    await wrapper.find('.state.failed button').trigger('click')
    expect(sent('message')).toHaveLength(2)
    expect(new Set(sent('message').map((frame) => (frame as { id: string }).id)).size).toBe(1)
  })

  it('tells a refused message in calm words by its code', async () => {
    await open()
    await write('x')
    const { id } = sent('message')[0] as { id: string }
    await tell({ type: 'error', code: 'message_too_long', detail: 'Traceback', id })
    expect(wrapper.find('.state.failed').text()).toContain('内容太长了')
    await tell({ type: 'error', code: 'never_heard_of', detail: 'Traceback', id: null })
    expect(wrapper.find('.notice').text()).toContain('刚才没有办成')
    expect(wrapper.text()).not.toContain('Traceback')
  })

  it('begins anew, once, when the server does not know the token', async () => {
    tokenKeeper.write('stale')
    await open({ type: 'error', code: 'unknown_session' } as never)
    expect(FakeSocket.opened).toHaveLength(2)
    FakeSocket.last.accept()
    expect(sent('hello')[0]).toMatchObject({ token: null })
    await tell({ type: 'error', code: 'unknown_session' })
    expect(FakeSocket.opened).toHaveLength(2)
  })

  it('offers the person from the bot, and takes the queue and the agent as they come', async () => {
    await open()
    await wrapper.find('header .human').trigger('click')
    expect(sent('human')).toHaveLength(1)
    await tell({ type: 'owner', owner: 'QUEUED', agent: null })
    await tell({ type: 'queue', position: 3, agents_ready: 0 })
    expect(wrapper.find('.banner').text()).toContain('第 3 位')
    await tell({ type: 'owner', owner: 'HUMAN', agent: '李晓雯' })
    expect(wrapper.find('.banner').text()).toContain('李晓雯')
    await vi.advanceTimersByTimeAsync(20_000)
    expect(wrapper.find('.notice').exists()).toBe(false)
  })

  it('marks what the agent has seen', async () => {
    await open(welcome({ owner: 'HUMAN', agent: '李', messages: [message(1, { sender: 'customer' }), message(2, { sender: 'customer' })] }))
    expect(wrapper.text()).toContain('已送达')
    await tell({ type: 'read', seq: 2 })
    expect(wrapper.text()).toContain('已读')
    expect(wrapper.text()).not.toContain('已送达')
  })

  it('thanks for a rating', async () => {
    await open(welcome({ messages: [message(1, { turn: 'turn', rateable: true })] }))
    await wrapper.findAll('.rating button')[1]?.trigger('click')
    expect(sent('rate')).toEqual([{ type: 'rate', turn: 'turn', rating: 'unsolved' }])
    expect(wrapper.find('.rating').text()).toContain('抱歉没有帮到您')
  })

  it('picks a candidate with its turn', async () => {
    await open(welcome({ messages: [message(1, { turn: 'turn', candidates: [{ key: 'k', question: '怎么挂失' }] })] }))
    await wrapper.find('.candidates button').trigger('click')
    expect(sent('pick')[0]).toMatchObject({ key: 'k', turn: 'turn' })
    expect(wrapper.find('article.customer').text()).toContain('怎么挂失')
  })

  it('ends with a word and a way to begin again', async () => {
    await open(welcome({ messages: [message(1)] }))
    await tell({ type: 'closed', reason: 'idle' })
    expect(wrapper.find('textarea').exists()).toBe(false)
    await wrapper.find('.closed button').trigger('click')
    FakeSocket.last.accept()
    expect(sent('hello')[0]).toMatchObject({ token: null, last_seq: 0 })
    await tell(welcome({ session: 's2', token: 't2' }))
    expect(wrapper.find('textarea').exists()).toBe(true)
    expect(wrapper.findAll('article')).toHaveLength(0)
  })
})

describe('长辈模式', () => {
  it('is told to the server, kept, and shows three topics and no chips', async () => {
    const related = [{ key: 'r', question: '相关' }]
    const chat = await open(welcome({ messages: [message(1, { related })] }))
    expect(wrapper.findAll('.topics li')).toHaveLength(6)
    expect(wrapper.find('.related').exists()).toBe(true)
    await wrapper.find('button.elder').trigger('click')
    expect(sent('elder')).toEqual([{ type: 'elder', on: true }])
    expect(document.documentElement.hasAttribute('data-elder')).toBe(true)
    expect(wrapper.findAll('.topics li')).toHaveLength(3)
    expect(wrapper.find('.related').exists()).toBe(false)
    expect(chat.state.elder).toBe(true)
    wrapper.unmount()
    await open(welcome({ elder: true }))
    expect(FakeSocket.last.sent[0]).toMatchObject({ type: 'hello', elder: true })
    expect(wrapper.find('button.elder').attributes('aria-checked')).toBe('true')
  })

  it('puts the person before the other choices', async () => {
    const buttons = [{ title: '常见问题', send: '常见问题' }, { title: '转人工', action: 'human' as const }]
    await open(welcome({ elder: true, messages: [message(1, { buttons })] }))
    expect(wrapper.findAll('.buttons button').map((button) => button.text())).toEqual(['转人工', '常见问题'])
  })

  it('follows the bot when the customer asks for it in words', async () => {
    await open()
    await tell({ type: 'elder', on: true })
    expect(wrapper.find('button.elder').attributes('aria-checked')).toBe('true')
  })
})
