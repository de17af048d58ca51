import { effectScope, nextTick } from 'vue'
import { describe, expect, it, vi } from 'vitest'
import { useEmbed } from '@/chat/useEmbed'

const HOST = 'https://www.bank.example'

function embed(search: string) {
  const host = { postMessage: vi.fn() } as unknown as Window & { postMessage: ReturnType<typeof vi.fn> }
  const scope = effectScope()
  const result = scope.run(() => useEmbed(new URLSearchParams(search), host))
  if (!result) throw new Error('no scope')
  const say = (type: string, origin = HOST) =>
    window.dispatchEvent(new MessageEvent('message', { data: { source: 'teller-host', type }, origin, source: host }))
  return { ...result, host, say, stop: () => scope.stop() }
}

describe('useEmbed', () => {
  it('is always visible on its own page, and talks to nobody', () => {
    const page = embed('')
    expect(page.embedded).toBe(false)
    expect(page.visible.value).toBe(true)
    page.close()
    expect(page.host.postMessage).not.toHaveBeenCalled()
    page.stop()
  })

  it('posts to the named host only, and believes nobody else', async () => {
    const page = embed(`embed=1&host=${HOST}`)
    expect(page.host.postMessage).toHaveBeenCalledWith({ source: 'teller', type: 'ready' }, HOST)
    page.say('shown', 'https://evil.example')
    await nextTick()
    expect(page.visible.value).toBe(false)
    page.say('shown')
    await nextTick()
    expect(page.visible.value).toBe(true)
    page.stop()
  })

  it('closes on Escape and reports what is unread', async () => {
    const page = embed(`embed=1&host=${HOST}`)
    window.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' }))
    expect(page.host.postMessage).toHaveBeenCalledWith({ source: 'teller', type: 'close' }, HOST)
    page.unread.value = 2
    await nextTick()
    expect(page.host.postMessage).toHaveBeenCalledWith({ source: 'teller', type: 'unread', count: 2 }, HOST)
    page.stop()
  })
})
