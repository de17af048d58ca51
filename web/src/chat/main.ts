import { createPinia } from 'pinia'
import { createApp } from 'vue'
import { createPageI18n } from '@/shared/i18n'
import sharedEn from '@/shared/locales/en.json'
import sharedZh from '@/shared/locales/zh-CN.json'
import '@/shared/tokens.css'
import App from './App.vue'
import './chat.css'
import en from './locales/en.json'
import zh from './locales/zh-CN.json'

createApp(App)
  .use(createPinia())
  .use(createPageI18n({ 'zh-CN': { ...sharedZh, ...zh }, en: { ...sharedEn, ...en } }))
  .mount('#app')
