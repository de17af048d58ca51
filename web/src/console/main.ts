import { createPinia } from 'pinia'
import { createApp } from 'vue'
import { whenUnauthenticated } from '@/shared/api'
import { createPageI18n } from '@/shared/i18n'
import sharedEn from '@/shared/locales/en.json'
import sharedZh from '@/shared/locales/zh-CN.json'
import '@/shared/tokens.css'
import App from './App.vue'
import './console.css'
import en from './locales/en.json'
import zh from './locales/zh-CN.json'
import { router } from './router'
import { useAccount } from './stores/account'

const app = createApp(App)
  .use(createPinia())
  .use(createPageI18n({ 'zh-CN': { ...sharedZh, ...zh }, en: { ...sharedEn, ...en } }))

whenUnauthenticated(() => {
  useAccount().forget()
  void router.push({ name: 'login' })
})

app.use(router).mount('#app')
