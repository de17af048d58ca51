import { readPreference, writePreference } from '@/shared/preference'

const TOKEN = 'teller.token'
const ELDER = 'teller.elder'

// What storage refuses to keep must at least survive a lost line.
let current: string | null | undefined

/** The conversation's token: kept per origin, so that a reload and a second tab go on with the same conversation. */
export const tokenKeeper = {
  read: () => (current === undefined ? readPreference(TOKEN) : current),
  write(token: string | null) {
    current = token
    writePreference(TOKEN, token)
  },
  /** Calls back with the token that another tab has stored. */
  watch(changed: (token: string | null) => void): () => void {
    const listener = (event: StorageEvent) => {
      // What is stored now, not what the event carries: two tabs that start at once must agree on one.
      if (event.key !== TOKEN) return
      current = readPreference(TOKEN)
      changed(current)
    }
    window.addEventListener('storage', listener)
    return () => window.removeEventListener('storage', listener)
  },
}

/** 长辈模式 as chosen in this browser; null when never chosen. */
export const elderKeeper = {
  read(): boolean | null {
    const stored = readPreference(ELDER)
    return stored === null ? null : stored === '1'
  },
  write: (on: boolean) => writePreference(ELDER, on ? '1' : '0'),
}
