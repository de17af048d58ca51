import { defineStore } from 'pinia'
import { computed, ref } from 'vue'
import { ApiProblem, request } from '@/shared/api'
import type { Role, User } from '@/shared/types'

const DESK_ROLES: readonly Role[] = ['agent', 'supervisor', 'administrator']

/** Who is signed in. */
export const useAccount = defineStore('account', () => {
  const user = ref<User | null>(null)
  const asked = ref(false)
  const mayUseDesk = computed(() => user.value !== null && DESK_ROLES.includes(user.value.role))

  /** Asks the server once who we are. @throws ApiProblem when it cannot be reached. */
  async function restore(): Promise<void> {
    if (asked.value) return
    try {
      user.value = await request<User>('GET', '/api/v1/auth/me')
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.status !== 401) throw error
    }
    asked.value = true
  }

  async function login(username: string, password: string): Promise<void> {
    user.value = await request<User>('POST', '/api/v1/auth/login', { body: { username, password } })
    asked.value = true
  }

  async function logout(): Promise<void> {
    await request('POST', '/api/v1/auth/logout').catch(() => undefined)
    forget()
  }

  function forget(): void {
    user.value = null
    asked.value = true
  }

  async function changePassword(current: string, next: string): Promise<void> {
    await request('POST', '/api/v1/auth/password', { body: { current, new: next } })
  }

  return { user, asked, mayUseDesk, restore, login, logout, forget, changePassword }
})
