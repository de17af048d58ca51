import { afterEach, describe, expect, it, vi } from 'vitest'
import { ApiProblem, request, whenUnauthenticated } from '@/shared/api'

function answer(status: number, body: unknown, headers: Record<string, string> = {}) {
  const fetched = vi.fn<typeof fetch>(async () => new Response(status === 204 ? null : JSON.stringify(body), { status, headers }))
  vi.stubGlobal('fetch', fetched)
  return fetched
}

const refusal = async (promise: Promise<unknown>) => promise.then(() => null, (error: unknown) => error as ApiProblem)

afterEach(() => {
  vi.unstubAllGlobals()
  whenUnauthenticated(() => {})
})

describe('request', () => {
  it('marks unsafe methods against forgery from other sites', async () => {
    const fetched = answer(200, {})
    await request('GET', '/a')
    await request('POST', '/a', { body: { x: 1 } })
    const headers = fetched.mock.calls.map(([, init]) => init?.headers as Record<string, string>)
    expect(headers[0]).not.toHaveProperty('X-Teller-CSRF')
    expect(headers[1]).toMatchObject({ 'X-Teller-CSRF': '1', 'Content-Type': 'application/json' })
  })

  it('reads the code of problem details and when to come back', async () => {
    answer(429, { title: '太多', status: 429, code: 'too_many_attempts' }, { 'Retry-After': '48' })
    expect(await refusal(request('POST', '/login', { body: {} }))).toMatchObject({ status: 429, code: 'too_many_attempts', retryAfter: 48 })
  })

  it('stands a refusal that is no problem document', async () => {
    vi.stubGlobal('fetch', async () => new Response('<html>', { status: 502 }))
    expect(await refusal(request('GET', '/a'))).toMatchObject({ status: 502, code: 'http_502' })
  })

  it('calls a failed line offline', async () => {
    vi.stubGlobal('fetch', async () => Promise.reject(new TypeError('failed')))
    expect(await refusal(request('GET', '/a'))).toMatchObject({ status: 0, code: 'offline' })
  })

  it('tells of an ended session, but not of a wrong password', async () => {
    const ended = vi.fn()
    whenUnauthenticated(ended)
    answer(401, { code: 'invalid_credentials' })
    await refusal(request('POST', '/login', { body: {} }))
    expect(ended).not.toHaveBeenCalled()
    answer(401, { code: 'unauthenticated' })
    await refusal(request('GET', '/a'))
    expect(ended).toHaveBeenCalledOnce()
  })

  it('gives nothing for an empty answer', async () => {
    answer(204, null)
    expect(await request('POST', '/a', { body: {} })).toBeUndefined()
  })
})
