import { useI18n } from 'vue-i18n'
import { useProblemText } from '@/shared/problemText'

/** Plain words for what keeps the customer from speaking: what the browser lacks, or what the server has refused. */
export function useVoiceProblem(): (code: string) => string {
  const { t, te } = useI18n()
  const { ofCode } = useProblemText()
  return (code) => (te(`voice.problems.${code}`) ? t(`voice.problems.${code}`) : ofCode(code))
}
