import { flushPromises, mount } from '@vue/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import TurnAudio from '@/console/components/TurnAudio.vue'
import en from '@/console/locales/en.json'
import zh from '@/console/locales/zh-CN.json'
import { createPageI18n } from '@/shared/i18n'

const open = () =>
  mount(TurnAudio, { props: { conversation: 'c1', turn: 't1' }, global: { plugins: [createPageI18n({ 'zh-CN': zh, en })] } })

beforeEach(() => {
  HTMLMediaElement.prototype.play = vi.fn(() => Promise.resolve())
  HTMLMediaElement.prototype.pause = vi.fn()
})
afterEach(() => vi.restoreAllMocks())

describe('the recording of a turn', () => {
  it('is fetched only when it is played, and can be paused', async () => {
    const wrapper = open()
    const audio = wrapper.find('audio')
    expect(audio.attributes()).toMatchObject({ src: '/api/v1/conversations/c1/turns/t1/audio', preload: 'none' })
    await wrapper.find('button').trigger('click')
    await audio.trigger('play')
    expect(wrapper.find('button').attributes('aria-label')).toBe('暂停')
    await wrapper.find('button').trigger('click')
    expect(HTMLMediaElement.prototype.pause).toHaveBeenCalledOnce()
  })

  it('says so when it is gone', async () => {
    HTMLMediaElement.prototype.play = vi.fn(() => Promise.reject(new Error()))
    const wrapper = open()
    await wrapper.find('button').trigger('click')
    await flushPromises()
    expect(wrapper.find('[role=alert]').text()).toContain('录音没能播放')
  })
})
