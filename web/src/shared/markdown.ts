import DOMPurify from 'dompurify'
import MarkdownIt from 'markdown-it'

const ALLOWED_TAGS = [
  'p', 'br', 'hr', 'strong', 'em', 's', 'code', 'pre', 'blockquote', 'ul', 'ol', 'li', 'a',
  'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'table', 'thead', 'tbody', 'tr', 'th', 'td', 'div',
]
const ALLOWED_ATTR = ['href', 'title', 'target', 'rel', 'start', 'class']
const SAFE_LINK = /^(https?:|mailto:|tel:)/i

const parser = new MarkdownIt({ html: false, linkify: true, breaks: true })
// An image would be fetched from wherever the text says, and tell that host who is reading.
parser.disable('image')
parser.linkify.set({ fuzzyLink: false, fuzzyEmail: false })
parser.validateLink = (url: string) => SAFE_LINK.test(url.trim())
parser.renderer.rules.table_open = () => '<div class="table-scroll"><table>'
parser.renderer.rules.table_close = () => '</table></div>'
parser.renderer.rules.link_open = (tokens, index, options, _env, self) => {
  tokens[index]?.attrSet('target', '_blank')
  tokens[index]?.attrSet('rel', 'noopener noreferrer nofollow')
  return self.renderToken(tokens, index, options)
}

/** HTML of a Markdown text, safe to put into the page: raw HTML is shown as text, then everything is sanitised again. */
export function renderMarkdown(text: string): string {
  return DOMPurify.sanitize(parser.render(text), {
    ALLOWED_TAGS,
    ALLOWED_ATTR,
    ALLOWED_URI_REGEXP: SAFE_LINK,
    // Otherwise their values too would have to look like a safe link.
    ADD_URI_SAFE_ATTR: ['target', 'rel', 'start'],
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
  })
}
