import { defineStore } from 'pinia'
import { ref, shallowRef, watch } from 'vue'
import { ApiProblem, request } from '@/shared/api'
import type { Article, SearchReply } from '@/shared/types'

const PAUSE = 250

/** Search in the knowledge base, and the article that is being looked at. */
export const useKnowledge = defineStore('knowledge', () => {
  const query = ref('')
  const reply = shallowRef<SearchReply | null>(null)
  const article = shallowRef<Article | null>(null)
  const searching = ref(false)
  const problem = ref<unknown>(null)
  let timer: ReturnType<typeof setTimeout> | undefined
  let running: AbortController | null = null

  watch(query, (text) => {
    clearTimeout(timer)
    article.value = null
    if (!text.trim()) {
      running?.abort()
      reply.value = null
      problem.value = null
      searching.value = false
      return
    }
    searching.value = true
    timer = setTimeout(() => void search(text.trim()), PAUSE)
  })

  async function search(text: string): Promise<void> {
    running?.abort()
    const mine = (running = new AbortController())
    const path = `/api/v1/knowledge/search?${new URLSearchParams({ q: text.slice(0, 500), k: '8' })}`
    try {
      reply.value = await request<SearchReply>('GET', path, { signal: mine.signal })
      problem.value = null
    } catch (error) {
      if (error instanceof ApiProblem && error.code === 'aborted') return
      problem.value = error
    }
    if (running === mine) searching.value = false
  }

  async function open(key: string): Promise<void> {
    try {
      article.value = await request<Article>('GET', `/api/v1/knowledge/articles/${encodeURIComponent(key)}`)
      problem.value = null
    } catch (error) {
      problem.value = error
    }
  }

  return { query, reply, article, searching, problem, open, back: () => (article.value = null) }
})
