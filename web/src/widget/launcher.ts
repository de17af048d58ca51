import { fill, type WidgetSettings } from './settings'
import { STYLES } from './styles'

export const HOST_ID = 'teller-widget'
const ICON = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 5.500h16v11H9l-5 4v-15Z"/><path d="M8.500 11h.01M12 11h.01M15.500 11h.01"/></svg>'

export interface Widget {
  open: () => void
  close: () => void
  remove: () => void
}

/** Puts the launcher into the page, once; a second call gives null and changes nothing. */
export function mountWidget(settings: WidgetSettings, page: Document = document): Widget | null {
  if (page.getElementById(HOST_ID)) return null
  const view = page.defaultView ?? window
  const host = page.createElement('div')
  host.id = HOST_ID
  const root = host.attachShadow({ mode: 'open' })
  const style = page.createElement('style')
  style.textContent = STYLES
  const launcher = buildLauncher(page, settings)
  const panel = page.createElement('div')
  panel.className = `window ${settings.position}`
  panel.hidden = true
  root.append(style, launcher, panel)
  page.body.append(host)
  let frame: HTMLIFrameElement | null = null

  function open(): void {
    if (!frame) panel.append((frame = buildFrame(page, settings, view.location.origin)))
    panel.hidden = false
    launcher.hidden = true
    launcher.setAttribute('aria-expanded', 'true')
    showUnread(0)
    tell('shown')
    frame.focus()
  }

  function close(): void {
    if (panel.hidden) return
    panel.hidden = true
    launcher.hidden = false
    launcher.setAttribute('aria-expanded', 'false')
    tell('hidden')
    launcher.focus()
  }

  function tell(type: 'shown' | 'hidden'): void {
    frame?.contentWindow?.postMessage({ source: 'teller-host', type }, settings.origin)
  }

  function showUnread(count: number): void {
    launcher.querySelector('.badge')?.remove()
    const open = fill(settings.words.open, { title: settings.title })
    launcher.setAttribute('aria-label', count > 0 ? `${open}，${fill(settings.words.unread, { count })}` : open)
    if (count <= 0) return
    const badge = page.createElement('span')
    badge.className = 'badge'
    badge.textContent = count > 99 ? '99+' : String(count)
    launcher.append(badge)
  }

  function onMessage(event: MessageEvent): void {
    if (event.origin !== settings.origin || !frame || event.source !== frame.contentWindow) return
    const data = event.data as { source?: unknown; type?: unknown; count?: unknown } | null
    if (data?.source !== 'teller') return
    if (data.type === 'ready') tell(panel.hidden ? 'hidden' : 'shown')
    if (data.type === 'close') close()
    if (data.type === 'unread' && typeof data.count === 'number') showUnread(panel.hidden ? data.count : 0)
  }

  function onKeydown(event: KeyboardEvent): void {
    if (event.key === 'Escape') close()
  }

  launcher.addEventListener('click', open)
  view.addEventListener('message', onMessage)
  view.addEventListener('keydown', onKeydown)
  showUnread(0)

  return {
    open,
    close,
    remove() {
      view.removeEventListener('message', onMessage)
      view.removeEventListener('keydown', onKeydown)
      host.remove()
    },
  }
}

function buildLauncher(page: Document, { position, title }: WidgetSettings): HTMLButtonElement {
  const button = page.createElement('button')
  button.type = 'button'
  button.className = `launcher ${position}`
  button.innerHTML = ICON
  button.append(title)
  button.setAttribute('aria-haspopup', 'dialog')
  button.setAttribute('aria-expanded', 'false')
  return button
}

function buildFrame(page: Document, { origin, title }: WidgetSettings, host: string): HTMLIFrameElement {
  const frame = page.createElement('iframe')
  // The page inside answers to this origin only.
  frame.src = `${origin}/?${new URLSearchParams({ embed: '1', host })}`
  frame.title = title
  // A frame of another origin hears and speaks only with the page's leave.
  frame.allow = 'microphone; autoplay; clipboard-write'
  return frame
}
