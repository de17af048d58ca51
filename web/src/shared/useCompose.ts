import { computed, ref, type Ref } from 'vue'

const COUNTED_FROM = 0.8

/** Text under construction: its length in characters as the server counts them, and when a key press means "send". */
export function useCompose(limit: Ref<number>, send: (text: string) => void) {
  const text = ref('')
  let composing = false

  // Code points, so that an emoji counts once, here as in the server.
  const length = computed(() => [...text.value.trim()].length)
  const over = computed(() => Math.max(0, length.value - limit.value))
  const left = computed(() => (length.value >= limit.value * COUNTED_FROM ? limit.value - length.value : null))
  const sendable = computed(() => length.value > 0 && over.value === 0)

  function submit(): boolean {
    if (!sendable.value) return false
    send(text.value.trim())
    text.value = ''
    return true
  }

  /** Enter sends, Shift+Enter breaks the line; Enter that picks a candidate of an input method does neither. */
  function onKeydown(event: KeyboardEvent): boolean {
    if (event.key !== 'Enter' || event.shiftKey || event.altKey || event.ctrlKey || event.metaKey) return false
    // Safari ends the composition before this event; there only key code 229 tells.
    if (composing || event.isComposing || event.keyCode === 229) return false
    event.preventDefault()
    return submit()
  }

  return {
    text, over, left, sendable, submit, onKeydown,
    onCompositionstart: () => (composing = true),
    onCompositionend: () => (composing = false),
  }
}
