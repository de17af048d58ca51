import { flushPromises, mount } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import App from '@/chat/App.vue'
import en from '@/chat/locales/en.json'
import zh from '@/chat/locales/zh-CN.json'
import { tokenKeeper } from '@/chat/session'
import { createPageI18n } from '@/shared/i18n'
import sharedEn from '@/shared/locales/en.json'
import sharedZh from '@/shared/locales/zh-CN.json'
import type { Welcome } from '@/shared/types'
import { FakeAudio } from './fakeAudio'
import { FakeSocket } from './fakeSocket'
import { welcome } from './samples'

vi.mock('@/chat/voice/audio', async () => (await import('./fakeAudio')).fakeAudioModule())

let wrapper: ReturnType<typeof mount>

async function open(part: Partial<Welcome> = {}) {
  const pinia = createPinia()
  setActivePinia(pinia)
  const i18n = createPageI18n({ 'zh-CN': { ...sharedZh, ...zh }, en: { ...sharedEn, ...en } })
  wrapper = mount(App, { global: { plugins: [pinia, i18n] }, attachTo: document.body })
  FakeSocket.last.accept()
  await tell(welcome(part))
}

async function tell(frame: unknown) {
  FakeSocket.last.tell(frame)
  await flushPromises()
}

async function call() {
  await wrapper.find('[data-call]').trigger('click')
  await flushPromises()
  FakeSocket.last.accept()
  await tell({ type: 'ready', mode: 'call', rate: 16000, session: 's1', owner: 'BOT' })
}

async function press(key: string) {
  document.body.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))
  await flushPromises()
}

const focused = () => (document.activeElement as HTMLElement).dataset.action
const button = (action: string) => wrapper.find(`[data-action=${action}]`)

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('WebSocket', FakeSocket)
  Element.prototype.scrollTo = () => {}
  FakeSocket.opened = []
  FakeAudio.problem = null
  localStorage.clear()
  tokenKeeper.write(null)
})
afterEach(() => {
  wrapper.unmount()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('dictation in the text box', () => {
  it('puts the words behind what is there, unsent, with the caret at the end', async () => {
    await open()
    const area = wrapper.find('textarea')
    await area.setValue('您好，')
    const chatSocket = FakeSocket.last
    await wrapper.find('.dictate').trigger('keydown', { key: ' ' })
    await flushPromises()
    FakeSocket.last.accept()
    await tell({ type: 'ready', mode: 'dictate', rate: 16000, max_seconds: 60 })
    await tell({ type: 'partial', text: '信用卡' })
    expect(wrapper.find('.strip').text()).toContain('信用卡')
    vi.advanceTimersByTime(800)
    await wrapper.find('.dictate').trigger('keyup', { key: ' ' })
    await flushPromises()
    await tell({ type: 'final', text: '信用卡丢了', confidence: 0.9 })
    expect(area.element.value).toBe('您好，信用卡丢了')
    expect(document.activeElement).toBe(area.element)
    expect(area.element.selectionStart).toBe('您好，信用卡丢了'.length)
    expect(chatSocket.sent.some(({ type }) => type === 'message')).toBe(false)
  })

  it('can be used without holding, by the click of a screen reader, and is cancelled by Esc', async () => {
    await open()
    await wrapper.find('.dictate').trigger('click')
    await flushPromises()
    expect(wrapper.find('.strip').text()).toContain('完成')
    await press('Escape')
    expect(wrapper.find('.strip').exists()).toBe(false)
    expect(FakeAudio.last.closed).toBe(true)
  })

  it('says in plain words that the microphone was refused', async () => {
    FakeAudio.problem = 'refused'
    await open()
    await wrapper.find('.dictate').trigger('keydown', { key: 'Enter' })
    await flushPromises()
    expect(wrapper.find('.strip[role=alert]').text()).toContain('麦克风没有被允许')
  })
})

describe('the call panel', () => {
  it('covers the conversation, shows the captions and gives the focus back in the end', async () => {
    await open()
    await call()
    expect(wrapper.find('.talk').attributes('inert')).toBeDefined()
    await tell({ type: 'caption', text: '您好，请讲', turn: null, spoken: true })
    await tell({ type: 'partial', text: '我的卡' })
    expect(wrapper.find('.captions').text()).toContain('您好，请讲')
    expect(wrapper.find('.line.partial').attributes('aria-hidden')).toBe('true')
    await button('hangup').trigger('click')
    await flushPromises()
    expect(wrapper.find('.call').text()).toContain('感谢您的来电')
    expect(focused()).toBe('back')
    await button('back').trigger('click')
    await flushPromises()
    expect(wrapper.find('.call').exists()).toBe(false)
    expect(document.activeElement).toBe(wrapper.find('[data-call]').element)
  })

  it('asks before Esc hangs up', async () => {
    await open()
    await call()
    await press('Escape')
    expect(focused()).toBe('stay')
    await press('Escape')
    expect(focused()).toBe('hangup')
    await press('Escape')
    await button('yes').trigger('click')
    expect(FakeSocket.last.sent.at(-1)).toEqual({ type: 'hangup' })
  })

  it('mutes, and calls a person once', async () => {
    await open()
    await call()
    await button('mute').trigger('click')
    expect(button('mute').attributes('aria-pressed')).toBe('true')
    expect(wrapper.find('.call [role=status]').text()).toBe('您已静音，对方听不到您说话')
    await button('person').trigger('click')
    expect(button('person').attributes('disabled')).toBeDefined()
    await tell({ type: 'owner', owner: 'QUEUED' })
    expect(wrapper.find('.transfer').text()).toContain('正在转接人工客服')
  })

  it('explains a server without speech and offers to dial again', async () => {
    await open()
    await wrapper.find('[data-call]').trigger('click')
    await flushPromises()
    FakeSocket.last.accept()
    await tell({ type: 'error', code: 'no_recogniser', detail: '', retry: true })
    expect(wrapper.find('.over [role=alert]').text()).toContain('语音服务暂时不可用')
    await button('again').trigger('click')
    await flushPromises()
    FakeSocket.last.accept()
    await tell({ type: 'ready', mode: 'call', rate: 16000, session: 's1', owner: 'BOT' })
    expect(wrapper.find('.timer').exists()).toBe(true)
  })
})

describe('the buttons of speech', () => {
  it('are hidden where the server says that it has none', async () => {
    await open({ voice: false })
    expect(wrapper.find('.dictate').exists()).toBe(false)
    expect(wrapper.find('[data-call]').exists()).toBe(false)
  })

  it('are large and carry their words in the mode for elders', async () => {
    await open({ elder: true })
    expect(wrapper.find('.dictate').text()).toBe('按住说话')
    expect(wrapper.find('[data-call]').text()).toBe('语音通话')
  })
})
