import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

/** The embeddable script: one file, a fixed name, no dependency; written beside the pages, so it runs after them. */
export default defineConfig({
  publicDir: false,
  build: {
    target: 'es2020',
    emptyOutDir: false,
    lib: {
      entry: fileURLToPath(new URL('./src/widget/main.ts', import.meta.url)),
      formats: ['iife'],
      name: 'TellerWidget',
      fileName: () => 'widget.js',
    },
  },
})
