import { computed, ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { useProblemText } from '@/shared/problemText'
import { ElMessageBox } from './element'
import { notice } from './notice'
import { useConversation } from './stores/conversation'
import { useDesk } from './stores/desk'

/** Taking, giving back and ending the open conversation, with the words that go with it. */
export function useOwnership() {
  const { t } = useI18n()
  const { ofError } = useProblemText()
  const desk = useDesk()
  const conversation = useConversation()
  const busy = ref(false)

  const mine = computed(
    () => conversation.summary?.owner === 'HUMAN' && desk.mine.some((item) => item.conversation === conversation.id),
  )

  async function attempt(action: () => Promise<void>, done: string): Promise<boolean> {
    if (busy.value) return false
    busy.value = true
    try {
      await action()
      notice.success(done)
      return true
    } catch (error) {
      notice.warning(ofError(error))
      await Promise.all([desk.refresh(), conversation.refresh()])
      return false
    } finally {
      busy.value = false
    }
  }

  function take(): Promise<boolean> {
    const { id } = conversation
    return id === null ? Promise.resolve(false) : attempt(() => desk.take(id), t('talk.taken'))
  }

  function giveBack(note: string): Promise<boolean> {
    return attempt(() => conversation.giveBack(note), t('talk.returned'))
  }

  async function end(): Promise<void> {
    const agreed = await ElMessageBox.confirm(t('talk.closeText'), t('talk.closeTitle'), {
      confirmButtonText: t('talk.close'), cancelButtonText: t('talk.cancel'), confirmButtonType: 'danger', type: 'warning',
    }).then(() => true, () => false)
    if (agreed) await attempt(conversation.end, t('talk.closed'))
  }

  return { mine, busy, take, giveBack, end }
}
