import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'
import { precompiledLocales } from './build/locales.ts'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const backend = process.env.TELLER_BACKEND ?? 'http://127.0.0.1:8000'

export default defineConfig({
  plugins: [precompiledLocales(), vue()],
  resolve: {
    alias: [
      { find: '@', replacement: here('./src') },
      { find: 'entities', replacement: here('./src/shared/entities.ts') },
    ],
  },
  define: {
    // Neither our components nor the few Element Plus ones use it.
    __VUE_OPTIONS_API__: false,
    __VUE_I18N_FULL_INSTALL__: false,
    __VUE_I18N_LEGACY_API__: false,
    __INTLIFY_DROP_MESSAGE_COMPILER__: true,
    __INTLIFY_PROD_DEVTOOLS__: false,
  },
  build: {
    target: 'es2022',
    // Inlined assets become data: URLs, which `default-src 'self'` refuses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // One file that changes only when Vue does, shared by both pages; the router is the console's alone.
        codeSplitting: { groups: [{ name: 'vue', test: /node_modules\/(@vue\/(runtime|reactivity|shared)|vue\/|pinia\/|vue-i18n\/|@intlify\/)/ }] },
      },
      input: { chat: here('./index.html'), console: here('./console/index.html') },
    },
  },
  server: {
    proxy: {
      '/api': backend,
      '/ws': { target: backend.replace(/^http/, 'ws'), ws: true },
    },
  },
  test: {
    environment: 'jsdom',
    include: ['tests/**/*.test.ts'],
    restoreMocks: true,
    // So that the pages' stand-in for the `entities` package is what the tests run.
    server: { deps: { inline: ['markdown-it'] } },
  },
})
