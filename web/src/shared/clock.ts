import { onScopeDispose, readonly, ref, type Ref } from 'vue'

/** Milliseconds since the epoch, moving once every `every` milliseconds while the component lives. */
export function useNow(every = 1000): Readonly<Ref<number>> {
  const now = ref(Date.now())
  const timer = setInterval(() => (now.value = Date.now()), every)
  onScopeDispose(() => clearInterval(timer))
  return readonly(now)
}

/** `14:05` today, with the date before that. */
export function clockTime(at: string, locale: string, now = new Date()): string {
  const date = new Date(at)
  const today = date.toDateString() === now.toDateString()
  const sameYear = date.getFullYear() === now.getFullYear()
  return new Intl.DateTimeFormat(locale, {
    hour: '2-digit',
    minute: '2-digit',
    hour12: false,
    ...(today ? {} : { month: 'numeric', day: 'numeric' }),
    ...(sameYear ? {} : { year: 'numeric' }),
  }).format(date)
}

/** `0:42`, `12:05`, `1:02:09`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  const [hours = 0, minutes = 0, rest = 0] = parts
  const tail = `${String(rest).padStart(2, '0')}`
  return hours ? `${hours}:${String(minutes).padStart(2, '0')}:${tail}` : `${minutes}:${tail}`
}
