import { baseCompile } from '@intlify/message-compiler'
import type { Plugin } from 'vite'

type Tree = { [key: string]: string | Tree }

function compile(tree: Tree): unknown {
  return Object.fromEntries(
    Object.entries(tree).map(([key, value]) => [
      key,
      typeof value === 'string' ? baseCompile(value, { jit: true, minify: true, location: false }).ast : compile(value),
    ]),
  )
}

/**
 * Turns every `locales/*.json` into messages that vue-i18n can format without its compiler,
 * so that the pages ship neither the compiler nor anything that a strict CSP would refuse.
 */
export function precompiledLocales(): Plugin {
  return {
    name: 'teller-precompiled-locales',
    enforce: 'pre',
    transform: {
      filter: { id: /\/locales\/[\w-]+\.json$/ },
      handler(code) {
        return { code: `export default ${JSON.stringify(compile(JSON.parse(code) as Tree))}`, map: null, moduleType: 'js' }
      },
    },
  }
}
