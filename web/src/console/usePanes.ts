import { nextTick, onBeforeUnmount, onMounted, ref, type Ref } from 'vue'

export type Pane = 'list' | 'talk' | 'knowledge'
const BY_KEY: Record<string, Pane> = { Digit1: 'list', Digit2: 'talk', Digit3: 'knowledge' }

/** Moves between the panes: Alt+1/2/3, Ctrl+K (or ⌘K) into the search; on a phone also which one is shown. */
export function usePanes(panes: Record<Pane, Ref<HTMLElement | null>>, focusSearch: () => void) {
  const active = ref<Pane>('list')

  function show(pane: Pane): void {
    active.value = pane
    void nextTick(() => focusFirst(panes[pane].value))
  }

  function onKeydown(event: KeyboardEvent): void {
    const pane = BY_KEY[event.code]
    if (event.altKey && !event.ctrlKey && !event.metaKey && pane) {
      event.preventDefault()
      show(pane)
    } else if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'k') {
      event.preventDefault()
      active.value = 'knowledge'
      void nextTick(focusSearch)
    }
  }

  onMounted(() => window.addEventListener('keydown', onKeydown))
  onBeforeUnmount(() => window.removeEventListener('keydown', onKeydown))
  return { active, show }
}

function focusFirst(pane: HTMLElement | null): void {
  // What one most likely wants there: the field to write in, else the first entry, else the pane itself.
  const target = pane?.querySelector<HTMLElement>('textarea, input, [data-conversation], [data-action=take]')
  ;(target ?? pane)?.focus()
}
