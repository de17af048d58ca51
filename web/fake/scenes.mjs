import { PASSWORD } from './desk.mjs'

const say = async (page, text) => {
  await page.locator('#composer').fill(text)
  await page.locator('#composer').press('Enter')
}
const chat = async (page, base, query = '') => {
  await page.goto(`${base}/${query}`)
  await page.locator('.greeting').waitFor()
}
const hold = async (page) => {
  await page.locator('.dictate').hover()
  await page.mouse.down()
}
const customerOf = (fake) => [...fake.world.conversations.values()].at(-1)
const AGENT = { id: 'agent', display_name: '李晓雯' }

async function withAgent(page, { base, fake }) {
  await chat(page, base)
  await say(page, '信用卡丢了怎么办')
  await page.locator('.rating').waitFor()
  await page.locator('header .human').click()
  await page.locator('.banner.queue').waitFor()
  const conversation = customerOf(fake)
  fake.world.own(conversation, 'HUMAN', { agent: AGENT, actor: 'agent' })
  fake.world.say(conversation, 'system', '客服 李晓雯 已接入，为您服务。')
  fake.world.say(conversation, 'agent', '您好，我是李晓雯。请问卡片是什么时候发现丢失的？', { name: '李晓雯' })
  await say(page, '大概今天中午，在地铁上')
  await page.waitForTimeout(150)
  fake.world.toCustomer(conversation, { type: 'read', seq: conversation.messages.length })
  await say(page, '我还没有挂失')
  await page.waitForTimeout(150)
  fake.world.toCustomer(conversation, { type: 'typing', who: 'agent' })
}

async function signIn(page, base, name = 'agent') {
  await page.goto(`${base}/console/`)
  await page.locator('#username').fill(name)
  await page.locator('#password').fill(PASSWORD)
  await page.locator('button[type=submit]').click()
}

async function busyDesk(page, { base, fake, size, context }) {
  const other = await context.newPage()
  await chat(other, base)
  await say(other, '信用卡丢了怎么办')
  await other.locator('.rating').waitFor()
  await say(other, '我要转人工')
  await other.locator('.banner.queue').waitFor()
  const conversation = customerOf(fake)
  fake.control.seed()
  await page.bringToFront()
  await signIn(page, base)
  await page.locator(`[data-conversation="${conversation.id}"]`).click()
  await page.locator('[data-action=take]').click()
  await page.locator('#reply').waitFor()
  await page.locator('#reply').fill('您好，我是李晓雯，很高兴为您服务。请问卡片是什么时候丢失的？')
  await page.locator('#reply').press('Enter')
  await say(other, '今天中午，在地铁上，我还没挂失')
  await page.waitForTimeout(1200)
  if (size === 'desktop') {
    await page.keyboard.press('Control+k')
    await page.keyboard.type('信用卡挂失')
    await page.waitForTimeout(700)
  }
  return conversation
}

/** name → how to bring the page into that state. */
export const SCENES = {
  greeting: { play: async (page, { base }) => chat(page, base) },
  greetingNarrow: { sizes: { w360: { width: 360, height: 740 } }, play: async (page, { base }) => chat(page, base, '?embed=1&host=http://127.0.0.1') },
  answer: { play: async (page, { base }) => {
    await chat(page, base)
    await say(page, '信用卡丢了怎么办')
    await page.locator('.rating').waitFor()
  } },
  rated: { play: async (page, { base }) => {
    await chat(page, base)
    await say(page, '手机银行转账限额是多少')
    await page.getByText('没解决').click()
    await page.getByText('抱歉没有帮到您').waitFor()
  } },
  clarify: { play: async (page, { base }) => {
    await chat(page, base)
    await say(page, '我的登录密码')
    await page.locator('.candidates').waitFor()
    await say(page, '今天天气如何呀')
    await page.getByText('还没有学会').waitFor()
  } },
  typing: { play: async (page, { base, fake }) => {
    fake.options.delay = 5000
    await chat(page, base)
    await say(page, '信用卡怎么还款')
    await page.locator('.typing').waitFor()
  } },
  queue: { play: async (page, { base, fake }) => {
    fake.control.seed()
    await chat(page, base)
    await say(page, '信用卡怎么还款')
    await page.locator('.rating').waitFor()
    await page.locator('header .human').click()
    await page.locator('.banner.queue').waitFor()
  } },
  human: { play: withAgent },
  closed: { play: async (page, scene) => {
    await withAgent(page, scene)
    scene.fake.control.idle()
    await page.locator('.closed').waitFor()
  } },
  offline: { play: async (page, { base, fake }) => {
    await chat(page, base)
    await say(page, '信用卡怎么还款')
    await page.locator('.rating').waitFor()
    fake.control.down()
    await page.locator('.banner.lost').waitFor()
    await say(page, '还有别的还款方式吗')
  } },
  failed: { play: async (page, { base, fake }) => {
    await chat(page, base)
    fake.world.chatSockets.forEach((sockets) => sockets.forEach((socket) => socket.removeAllListeners('message')))
    await page.clock.install()
    await say(page, '信用卡怎么还款')
    await page.clock.fastForward(13_000)
    await page.locator('.state.failed').waitFor()
  } },
  long: { play: async (page, { base }) => {
    await chat(page, base)
    await page.locator('#composer').fill('我想咨询一下我的信用卡账单为什么这个月比上个月多了很多钱。'.repeat(18))
  } },
  english: { play: async (page, { base }) => {
    await chat(page, base)
    await page.locator('.language').click()
    await say(page, '信用卡怎么还款')
    await page.locator('.rating').waitFor()
  } },
  elder: { play: async (page, { base }) => {
    await chat(page, base)
    await page.locator('.elder').click()
  } },
  elderAnswer: { play: async (page, { base }) => {
    await chat(page, base)
    await page.locator('.elder').click()
    await say(page, '我的登录密码')
    await page.locator('.candidates').waitFor()
  } },
  dark: { dark: true, play: async (page, { base }) => {
    await chat(page, base)
    await say(page, '信用卡丢了怎么办')
    await page.locator('.rating').waitFor()
  } },
  darkHuman: { dark: true, play: withAgent },
  widget: { play: async (page, { base, fake }) => {
    await page.route('**/host.html', (route) => route.fulfill({
      contentType: 'text/html; charset=utf-8',
      body: '<!doctype html><meta name=viewport content="width=device-width"><body style="font-family:sans-serif;margin:40px"><h1>某个网页</h1><p>页面内容</p><script src="/widget.js" data-title="在线客服"></script>',
    }))
    await page.goto(`${base}/host.html`)
    await page.waitForTimeout(400)
    await page.locator('#teller-widget button').first().click()
    await page.frameLocator('#teller-widget iframe').locator('.greeting').waitFor()
    void fake
  } },
  widgetClosed: { play: async (page, { base, fake }) => {
    await page.route('**/host.html', (route) => route.fulfill({
      contentType: 'text/html; charset=utf-8',
      body: '<!doctype html><meta name=viewport content="width=device-width"><body style="font-family:sans-serif;margin:40px"><h1>某个网页</h1><script src="/widget.js"></script>',
    }))
    await page.goto(`${base}/host.html`)
    await page.locator('#teller-widget button').first().click()
    const frame = page.frameLocator('#teller-widget iframe')
    await frame.locator('.greeting').waitFor()
    await frame.locator('#composer').fill('你好')
    await frame.locator('#composer').press('Enter')
    await page.waitForTimeout(400)
    await frame.locator('.square').click()
    fake.world.say(customerOf(fake), 'agent', '您好', { name: '李晓雯' })
    fake.world.say(customerOf(fake), 'agent', '在吗', { name: '李晓雯' })
    await page.waitForTimeout(300)
  } },
  dictating: { play: async (page, { base }) => {
    await chat(page, base)
    await hold(page)
    await page.getByText('我的信用卡').waitFor()
  } },
  dictated: { play: async (page, { base }) => {
    await chat(page, base)
    await hold(page)
    await page.getByText('我的信用卡').waitFor()
    await page.mouse.up()
    await page.waitForFunction(() => document.querySelector('#composer').value.endsWith('怎么办'))
  } },
  dictatingElder: { play: async (page, { base }) => {
    await chat(page, base)
    await page.locator('.elder').click()
    await page.locator('.dictate').click()
    await page.getByText('我的信用卡').waitFor()
  } },
  dictateRefused: { refused: true, play: async (page, { base }) => {
    await chat(page, base)
    await page.locator('.dictate').click()
    await page.locator('.strip.problem').waitFor()
  } },
  call: { play: async (page, { base }) => {
    await chat(page, base)
    await page.locator('[data-call]').click()
    await page.getByText('请您立即挂失').waitFor()
    await page.waitForTimeout(1500)
  } },
  callInterrupted: { play: async (page, { base }) => {
    await chat(page, base)
    await page.locator('[data-call]').click()
    await page.locator('.line .note').first().waitFor()
  } },
  callQueued: { play: async (page, { base, fake }) => {
    fake.options.quiet = true
    await chat(page, base)
    await page.locator('[data-call]').click()
    await page.locator('[data-action=person]:enabled').click()
    await page.locator('.call .transfer').waitFor()
    await page.locator('[data-action=mute]').click()
    await page.waitForTimeout(600)
  } },
  callConfirm: { play: async (page, { base, fake }) => {
    fake.options.quiet = true
    await chat(page, base)
    await page.locator('[data-call]').click()
    await page.locator('.timer').waitFor()
    await page.keyboard.press('Escape')
  } },
  callElder: { play: async (page, { base }) => {
    await chat(page, base)
    await page.locator('.elder').click()
    await page.locator('[data-call]').click()
    await page.getByText('请您立即挂失').waitFor()
  } },
  callLost: { play: async (page, { base, fake }) => {
    fake.options.quiet = true
    await chat(page, base)
    await page.locator('[data-call]').click()
    await page.locator('.timer').waitFor()
    await page.waitForTimeout(1200)
    fake.control.down()
    await page.getByText('正在重新接通').waitFor()
  } },
  callEnded: { play: async (page, { base }) => {
    await chat(page, base)
    await page.locator('[data-call]').click()
    await page.getByText('请您立即挂失').waitFor()
    await page.locator('[data-action=hangup]').click()
  } },
  callDeaf: { play: async (page, { base, fake }) => {
    fake.control.deaf()
    await chat(page, base)
    await page.locator('[data-call]').click()
    await page.locator('.over .bad').waitFor()
  } },
  callRefused: { refused: true, play: async (page, { base }) => {
    await chat(page, base)
    await page.locator('[data-call]').click()
    await page.locator('.over .bad').waitFor()
  } },
  deskSpoken: { play: async (page, { base, context, fake }) => {
    const other = await context.newPage()
    await chat(other, base)
    await other.locator('[data-call]').click()
    await other.getByText('请您立即挂失').waitFor()
    await other.locator('[data-action=person]').click()
    await other.locator('.call .transfer').waitFor()
    await page.bringToFront()
    await signIn(page, base)
    await page.locator(`[data-conversation="${customerOf(fake).id}"]`).click()
    await page.locator('.recording button').click()
    await page.waitForTimeout(900)
  } },
  login: { play: async (page, { base }) => {
    await page.goto(`${base}/console/`)
    await page.locator('#username').waitFor()
  } },
  loginLocked: { play: async (page, { base, fake }) => {
    fake.desk.failures = 4
    await signIn(page, base)
    await page.locator('[role=alert]').first().waitFor()
  } },
  deskEmpty: { play: async (page, { base }) => {
    await signIn(page, base)
    await page.locator('.desk').waitFor()
  } },
  deskPreview: { play: async (page, { base, fake }) => {
    fake.control.seed()
    await signIn(page, base)
    await page.locator('[data-conversation]').first().click()
    await page.locator('[data-action=take]').waitFor()
  } },
  deskBusy: { play: async (page, scene) => void (await busyDesk(page, scene)) },
  deskArticle: { play: async (page, scene) => {
    await busyDesk(page, scene)
    if (scene.size === 'phone') {
      await page.locator('[data-pane=knowledge]').click()
      await page.locator('#knowledge-query').fill('信用卡挂失')
    }
    await page.locator('[data-article]').first().click()
    await page.locator('[data-action=send-article]').waitFor()
  } },
  deskReturn: { play: async (page, scene) => {
    await busyDesk(page, scene)
    await page.locator('[data-action=return]').click()
    await page.waitForTimeout(400)
  } },
  deskClose: { play: async (page, scene) => {
    await busyDesk(page, scene)
    await page.locator('[data-action=close]').click()
    await page.waitForTimeout(400)
  } },
  userMenu: { play: async (page, { base }) => {
    await signIn(page, base)
    await page.locator('.presence').click()
    await page.locator('.user').click()
    await page.waitForTimeout(400)
  } },
  deskOffline: { play: async (page, scene) => {
    await busyDesk(page, scene)
    scene.fake.control.down()
  } },
  password: { play: async (page, { base }) => {
    await signIn(page, base)
    await page.locator('.desk').waitFor()
    await page.goto(`${base}/console/#/password`)
    await page.locator('#current').waitFor()
  } },
  trainer: { play: async (page, { base }) => {
    await signIn(page, base, 'trainer')
    await page.locator('.no-desk').waitFor()
  } },
}
