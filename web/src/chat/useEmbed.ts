import { onScopeDispose, ref, watch, type Ref } from 'vue'

/** Messages between this page in the widget's iframe and the script on the bank's page. */
export type ToHost = { source: 'teller'; type: 'ready' | 'close' } | { source: 'teller'; type: 'unread'; count: number }
export type FromHost = { source: 'teller-host'; type: 'shown' | 'hidden' }

export interface Embed {
  embedded: boolean
  /** Whether the customer can see the page: its tab is in front and the widget is open. */
  visible: Ref<boolean>
  /** False while the widget that holds the page is closed. */
  shown: Ref<boolean>
  unread: Ref<number>
  close: () => void
}

export function useEmbed(query = new URLSearchParams(window.location.search), host: Window = window.parent): Embed {
  const embedded = query.get('embed') === '1'
  const origin = embedded && host !== window ? hostOrigin(query.get('host')) : null
  const shown = ref(!embedded || origin === null)
  const front = ref(!document.hidden)
  const visible = ref(shown.value && front.value)
  const unread = ref(0)

  const post = (message: ToHost) => origin !== null && host.postMessage(message, origin)
  const listen = (event: MessageEvent<FromHost | undefined>) => {
    if (origin === null || event.source !== host || event.origin !== origin) return
    if (event.data?.source !== 'teller-host') return
    shown.value = event.data.type === 'shown'
  }
  const turned = () => (front.value = !document.hidden)
  const escape = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && !event.isComposing) post({ source: 'teller', type: 'close' })
  }

  watch([shown, front], () => (visible.value = shown.value && front.value))
  watch(visible, (now) => now && (unread.value = 0))
  watch(unread, (count) => post({ source: 'teller', type: 'unread', count }))
  window.addEventListener('message', listen)
  window.addEventListener('keydown', escape)
  document.addEventListener('visibilitychange', turned)
  onScopeDispose(() => {
    window.removeEventListener('message', listen)
    window.removeEventListener('keydown', escape)
    document.removeEventListener('visibilitychange', turned)
  })
  post({ source: 'teller', type: 'ready' })

  return { embedded, visible, shown, unread, close: () => post({ source: 'teller', type: 'close' }) }
}

function hostOrigin(text: string | null): string | null {
  try {
    const { origin } = new URL(text ?? '')
    return origin === 'null' ? null : origin
  } catch {
    return null
  }
}
