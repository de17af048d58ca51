import { computed, ref, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import { useDesk } from './stores/desk'

/** Silent desktop notifications for customers who join the queue while the agent is ready and looks elsewhere. */
export function useQueueAlerts() {
  const { t, te } = useI18n()
  const desk = useDesk()
  const supported = 'Notification' in window
  const permission = ref<NotificationPermission>(supported ? Notification.permission : 'denied')
  let known: Set<string> | null = null

  async function ask(): Promise<void> {
    permission.value = await Notification.requestPermission()
  }

  watch(() => [desk.queue, desk.loaded] as const, ([queue, loaded]) => {
    if (!loaded) return
    const fresh = known === null ? [] : queue.filter((item) => !known?.has(item.conversation))
    known = new Set(queue.map((item) => item.conversation))
    if (permission.value !== 'granted' || desk.presence !== 'ready' || document.hasFocus()) return
    for (const item of fresh) {
      const reason = te(`reasons.${item.reason}`) ? t(`reasons.${item.reason}`) : (item.reason ?? '')
      // The customer's words stay out: notifications are shown on locked screens.
      new Notification(t(item.priority > 0 ? 'alerts.priority' : 'alerts.title'), {
        body: t('alerts.body', { reason }), tag: item.conversation, icon: '/mark.svg', silent: true,
      }).onclick = () => window.focus()
    }
  })

  return { supported, granted: computed(() => permission.value === 'granted'), denied: computed(() => permission.value === 'denied'), ask }
}
