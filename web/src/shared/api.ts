/** The server's refusal: RFC 9457 problem details with a stable `code`, or what stands for it when the line failed. */
export class ApiProblem extends Error {
  constructor(
    /** HTTP status; 0 when no answer came. */
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    /** Seconds after which a retry makes sense, from Retry-After. */
    readonly retryAfter: number | null = null,
  ) {
    super(detail || code)
    this.name = 'ApiProblem'
  }
}

interface ProblemBody {
  code?: unknown
  title?: unknown
  detail?: unknown
}

export interface RequestOptions {
  body?: unknown
  signal?: AbortSignal
  /** Milliseconds until the request is given up. */
  timeout?: number
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

let onUnauthenticated: () => void = () => {}

/** Called for every 401 outside the login itself: the session has ended. */
export function whenUnauthenticated(handler: () => void): void {
  onUnauthenticated = handler
}

/** One JSON request to our own server. @throws ApiProblem for every refusal and for a failed line. */
export async function request<T>(method: Method, path: string, options: RequestOptions = {}): Promise<T> {
  const response = await send(method, path, options)
  if (response.ok) return (response.status === 204 ? undefined : await json(response)) as T
  const problem = await problemOf(response)
  if (problem.status === 401 && problem.code !== 'invalid_credentials') onUnauthenticated()
  throw problem
}

async function send(method: Method, path: string, options: RequestOptions): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json' }
  if (options.body !== undefined) headers['Content-Type'] = 'application/json'
  if (method !== 'GET') headers['X-Teller-CSRF'] = '1'
  const timeout = AbortSignal.timeout(options.timeout ?? 15_000)
  try {
    return await fetch(path, {
      method,
      headers,
      credentials: 'same-origin',
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      signal: options.signal ? AbortSignal.any([options.signal, timeout]) : timeout,
    })
  } catch (error) {
    if (options.signal?.aborted) throw new ApiProblem(0, 'aborted', '')
    throw new ApiProblem(0, timeout.aborted ? 'timeout' : 'offline', error instanceof Error ? error.message : '')
  }
}

async function json(response: Response): Promise<unknown> {
  const text = await response.text()
  return text ? (JSON.parse(text) as unknown) : undefined
}

async function problemOf(response: Response): Promise<ApiProblem> {
  const body = ((await json(response).catch(() => undefined)) ?? {}) as ProblemBody
  const code = typeof body.code === 'string' ? body.code : `http_${response.status}`
  const detail = [body.detail, body.title].find((part): part is string => typeof part === 'string') ?? ''
  const seconds = Number.parseInt(response.headers.get('Retry-After') ?? '', 10)
  return new ApiProblem(response.status, code, detail, Number.isNaN(seconds) ? null : seconds)
}
