// Talks to a control plane: typed answers, problem+json turned back into the error it was. Pure: runs in a browser and in Node.
import { z } from 'zod'
import { DomainError, type ErrorKind } from '../platform/errors.ts'

export interface ClientOptions {
  /** Of the control plane, such as `http://127.0.0.1:7070`. */
  readonly url: string
  readonly token?: string | undefined
  readonly fetch?: typeof fetch
}

export interface Call<T> {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below `/api`, each variable part encoded by the caller with {@link pathOf}. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | undefined>>
  readonly body?: unknown
  /** Sent as they are, in place of a JSON body. */
  readonly bytes?: Uint8Array<ArrayBuffer>
  readonly answer: z.ZodType<T>
  readonly signal?: AbortSignal
}

export interface Client {
  readonly url: string
  /** @throws DomainError with the server's code; server_unreachable when nobody answers. */
  call<T>(call: Call<T>): Promise<T>
}

const ProblemBody = z.looseObject({
  code: z.string(),
  detail: z.string(),
  facts: z.record(z.string(), z.unknown()).optional(),
})

const kindOf: Record<number, ErrorKind> = {
  400: 'invalid',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  413: 'too_large',
  503: 'unavailable',
}

/** A path from literal and variable parts, the variable ones encoded: ``pathOf`/models/${name}` ``. */
export function pathOf(literals: TemplateStringsArray, ...values: readonly (string | number)[]): string {
  return literals
    .map((literal, i) => literal + (i < values.length ? encodeURIComponent(String(values[i])) : ''))
    .join('')
}

export function createClient(options: ClientOptions): Client {
  const send = options.fetch ?? fetch
  return {
    url: options.url,
    async call({ method = 'GET', path, query = {}, body, bytes, answer, signal }) {
      const url = new URL(`/api${path}`, options.url)
      for (const [name, value] of Object.entries(query))
        if (value !== undefined) url.searchParams.set(name, String(value))
      const headers: Record<string, string> = { accept: 'application/json' }
      if (bytes) headers['content-type'] = 'application/octet-stream'
      else if (body !== undefined) headers['content-type'] = 'application/json'
      if (options.token) headers['authorization'] = `Bearer ${options.token}`
      const request = {
        method,
        headers,
        ...(bytes ? { body: bytes } : body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal ? { signal } : {}),
      }
      const response = await send(url, request).catch((error: unknown) => {
        const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
        throw new DomainError(
          'unavailable',
          'server_unreachable',
          `no Trueloop answers at ${options.url} (${cause}); "trueloop up" starts one`,
        )
      })
      const text = await response.text()
      if (!response.ok) throw problemOf(response.status, text)
      return answer.parse(text === '' ? undefined : JSON.parse(text))
    },
  }
}

function problemOf(status: number, text: string): Error {
  const kind = kindOf[status]
  const parsed = ProblemBody.safeParse(parseOrUndefined(text))
  if (!parsed.success || !kind) return new Error(`the server answered ${status}: ${text.slice(0, 500)}`)
  return new DomainError(kind, parsed.data.code, parsed.data.detail, parsed.data.facts)
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
