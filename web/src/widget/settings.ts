import strings from './strings.json'

export interface WidgetSettings {
  /** Origin of the chat page: the one that served this script. */
  origin: string
  position: 'left' | 'right'
  title: string
  words: typeof strings.zh
}

/** Reads the settings from the script tag; null when the script does not know where it came from. */
export function readSettings(script: HTMLScriptElement | null, page: Document = document): WidgetSettings | null {
  if (!script?.src) return null
  // Chinese first: English only where the page around says so and no title was given.
  const english = page.documentElement.lang.toLowerCase().startsWith('en')
  const words = english ? strings.en : strings.zh
  return {
    origin: new URL(script.src, page.baseURI).origin,
    position: script.dataset.position === 'left' ? 'left' : 'right',
    title: script.dataset.title?.trim() || words.title,
    words,
  }
}

export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ''))
}
