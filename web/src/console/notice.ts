import { ElMessage } from './element'

// Below the top bar, which the agent may need at that very moment.
const OFFSET = 68

/** A passing word to the agent. */
export const notice = {
  success: (message: string) => ElMessage({ type: 'success', message, offset: OFFSET, grouping: true }),
  warning: (message: string) => ElMessage({ type: 'warning', message, offset: OFFSET, grouping: true, duration: 5_000 }),
}
