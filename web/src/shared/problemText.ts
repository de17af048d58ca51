import { useI18n } from 'vue-i18n'
import { ApiProblem } from './api'

/** Calm words for an error code, in the page's language; unknown codes get a general sentence. */
export function useProblemText() {
  const { t, te } = useI18n()
  const ofCode = (code: string): string => t(te(`errors.${code}`) ? `errors.${code}` : 'errors.fallback')
  const ofError = (error: unknown): string => ofCode(error instanceof ApiProblem ? error.code : 'fallback')
  return { ofCode, ofError }
}
