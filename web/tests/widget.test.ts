import { afterEach, describe, expect, it } from 'vitest'
import { HOST_ID, mountWidget, type Widget } from '@/widget/launcher'
import { readSettings, type WidgetSettings } from '@/widget/settings'

const ORIGIN = 'https://chat.bank.example'
let widget: Widget | null = null

function settings(part: Record<string, string> = {}): WidgetSettings {
  const script = document.createElement('script')
  script.src = `${ORIGIN}/widget.js`
  Object.assign(script.dataset, part)
  const read = readSettings(script)
  if (!read) throw new Error('no settings')
  return read
}

function inside(selector: string): HTMLElement {
  const element = document.getElementById(HOST_ID)?.shadowRoot?.querySelector<HTMLElement>(selector)
  if (!element) throw new Error(`${selector} is not in the widget`)
  return element
}

function fromFrame(data: unknown, origin = ORIGIN, source: unknown = (inside('iframe') as HTMLIFrameElement).contentWindow) {
  window.dispatchEvent(new MessageEvent('message', { data, origin, source: source as Window }))
}

afterEach(() => {
  widget?.remove()
  widget = null
})

describe('the widget', () => {
  it('is there once however often its script is included', () => {
    widget = mountWidget(settings())
    expect(mountWidget(settings())).toBeNull()
    expect(document.querySelectorAll(`#${HOST_ID}`)).toHaveLength(1)
  })

  it('loads the chat page only when it is opened, and keeps it afterwards', () => {
    widget = mountWidget(settings())
    expect(document.getElementById(HOST_ID)?.shadowRoot?.querySelector('iframe')).toBeNull()
    inside('.launcher').click()
    const frame = inside('iframe') as HTMLIFrameElement
    expect(frame.src).toBe(`${ORIGIN}/?embed=1&host=${encodeURIComponent(window.location.origin)}`)
    expect(frame.allow).toContain('microphone')
    expect(frame.allow).toContain('autoplay')
    window.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' }))
    expect(inside('.window').hidden).toBe(true)
    expect(inside('.launcher').hidden).toBe(false)
    inside('.launcher').click()
    expect(inside('iframe')).toBe(frame)
  })

  it('takes position and title from the script tag', () => {
    widget = mountWidget(settings({ position: 'left', title: '联系我们' }))
    expect(inside('.launcher').classList).toContain('left')
    expect(inside('.launcher').textContent).toContain('联系我们')
    expect(inside('.launcher').getAttribute('aria-label')).toBe('打开联系我们')
  })

  it('shows unread messages and forgets them when opened', () => {
    widget = mountWidget(settings())
    inside('.launcher').click()
    fromFrame({ source: 'teller', type: 'close' })
    fromFrame({ source: 'teller', type: 'unread', count: 3 })
    expect(inside('.badge').textContent).toBe('3')
    expect(inside('.launcher').getAttribute('aria-label')).toContain('3 条未读消息')
    inside('.launcher').click()
    expect(() => inside('.badge')).toThrow()
  })

  it('listens to nobody but its own frame', () => {
    widget = mountWidget(settings())
    inside('.launcher').click()
    fromFrame({ source: 'teller', type: 'close' }, 'https://evil.example')
    fromFrame({ source: 'teller', type: 'close' }, ORIGIN, window)
    fromFrame('close')
    fromFrame({ source: 'someone', type: 'close' })
    expect(inside('.window').hidden).toBe(false)
  })

  it('has no settings without the address of its script', () => {
    expect(readSettings(null)).toBeNull()
    expect(readSettings(document.createElement('script'))).toBeNull()
  })
})
