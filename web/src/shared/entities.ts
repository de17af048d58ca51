/**
 * Stands in for the `entities` package that markdown-it asks for: the browser already has the table of
 * character references, so a page need not bring 15 kB of it along. A textarea parses no tags and runs nothing.
 */
let area: HTMLTextAreaElement | undefined

export function decodeHTML(text: string): string {
  if (!text.includes('&')) return text
  area ??= document.createElement('textarea')
  area.innerHTML = text.replaceAll('<', '&lt;')
  return area.value
}

export { decodeHTML as decodeHTMLStrict }
