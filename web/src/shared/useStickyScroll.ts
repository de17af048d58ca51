import { nextTick, onMounted, onScopeDispose, ref, watch, type Ref } from 'vue'

const NEAR = 120

/**
 * Keeps a growing log at its end while the reader is there. An answer taller than the window is shown from its
 * beginning; a reader who has scrolled up is left alone and told that there is something new.
 */
export function useStickyScroll(box: Ref<HTMLElement | null>, growth: () => unknown, ownLast: () => boolean) {
  const missed = ref(false)
  let atEnd = true

  function toEnd(smooth = false): void {
    const element = box.value
    if (!element) return
    element.scrollTo({ top: element.scrollHeight, behavior: smooth ? 'smooth' : 'auto' })
    missed.value = false
    atEnd = true
  }

  function onScroll(): void {
    const element = box.value
    if (!element) return
    atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR
    if (atEnd) missed.value = false
  }

  function follow(): void {
    const element = box.value
    const last = element?.querySelector<HTMLElement>('[data-last]')
    // Without a message there is only the greeting, and that is read from its top.
    if (!element || !last) return
    if (!atEnd && !ownLast()) {
      missed.value = true
      return
    }
    if (!ownLast() && last.offsetHeight > element.clientHeight - 24) {
      element.scrollTo({ top: last.offsetTop - 12 })
    } else toEnd()
  }

  watch(growth, () => void nextTick(follow))
  onMounted(() => {
    follow()
    // jsdom has no ResizeObserver; every browser that we support does.
    if (typeof ResizeObserver === 'undefined' || !box.value) return
    const observer = new ResizeObserver(() => atEnd && box.value?.querySelector('[data-last]') && toEnd())
    observer.observe(box.value)
    onScopeDispose(() => observer.disconnect())
  })

  return { missed, onScroll, toEnd }
}
