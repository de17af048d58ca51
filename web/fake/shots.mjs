/** Pictures of every state, taken in Chromium against the fake: `npm run shots [folder] [name-filter]`. */
import { mkdirSync } from 'node:fs'
import { chromium } from 'playwright-core'
import { SCENES } from './scenes.mjs'
import { startFake } from './server.mjs'

const [folder = 'shots', only = ''] = process.argv.slice(2)
const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } }
mkdirSync(folder, { recursive: true })

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--use-fake-device-for-media-stream', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
})
let port = 8731
for (const [name, scene] of Object.entries(SCENES)) {
  if (!name.includes(only)) continue
  for (const [size, viewport] of Object.entries(scene.sizes ?? SIZES)) {
    const fake = await startFake(port, { delay: 150 })
    const context = await browser.newContext({
      viewport, locale: 'zh-CN', timezoneId: 'Asia/Shanghai', colorScheme: scene.dark ? 'dark' : 'light',
      permissions: scene.refused ? [] : ['microphone'],
      hasTouch: size === 'phone', isMobile: size === 'phone', deviceScaleFactor: 1.5,
    })
    const page = await context.newPage()
    page.on('console', (line) => ['error', 'warning'].includes(line.type()) && console.log(`${name}/${size}: ${line.text()}`))
    page.on('pageerror', (error) => console.log(`${name}/${size}: PAGE ERROR ${error.message}`))
    try {
      await scene.play(page, { base: `http://127.0.0.1:${port}`, size, fake, context })
    } catch (error) {
      console.log(`${name}/${size}: ${error.message.split('\n')[0]}`)
    }
    await page.waitForTimeout(350)
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
    if (overflow > 0) console.log(`${name}/${size}: page is ${overflow}px wider than the window`)
    await page.screenshot({ path: `${folder}/${name}-${size}.png` })
    await context.close()
    fake.server.closeAllConnections()
    fake.server.close()
    port += 1
  }
}
await browser.close()
