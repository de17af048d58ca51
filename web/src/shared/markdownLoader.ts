import { readonly, shallowRef } from 'vue'

const render = shallowRef<((text: string) => string) | null>(null)
let asked = false

/** The Markdown renderer once its chunk is here; until then, and if it never comes, the text is shown as it is. */
export function useMarkdown() {
  if (!asked) {
    asked = true
    import('./markdown').then(
      (module) => (render.value = module.renderMarkdown),
      () => (asked = false),
    )
  }
  return readonly(render)
}
