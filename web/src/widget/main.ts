import { mountWidget } from './launcher'
import { readSettings } from './settings'

// Only readable while the script itself runs, so it is taken before anything is waited for.
const settings = readSettings(document.currentScript as HTMLScriptElement | null)

function start(): void {
  if (settings) mountWidget(settings)
}

if (document.body) start()
else document.addEventListener('DOMContentLoaded', start, { once: true })
