import { createI18n } from 'vue-i18n'
import { readPreference, writePreference } from './preference'

export type Locale = 'zh-CN' | 'en'
const KEY = 'teller.locale'

/** vue-i18n for one page; Chinese unless this browser chose English before. */
export function createPageI18n<T extends Record<string, unknown>>(messages: Record<Locale, T>) {
  const locale: Locale = readPreference(KEY) === 'en' ? 'en' : 'zh-CN'
  document.documentElement.lang = locale
  return createI18n({
    legacy: false,
    locale,
    fallbackLocale: 'zh-CN',
    messages: messages as Record<Locale, never>,
    missingWarn: false,
    fallbackWarn: false,
  })
}

export function rememberLocale(locale: Locale): void {
  writePreference(KEY, locale)
  document.documentElement.lang = locale
}
