// Talks to a control plane: typed answers, problem+json turned back into the error it was. Pure: runs in a browser and in Node.
import { z } from 'zod'
import { DomainError, type ErrorKind } from '../platform/errors.ts'

export interface ClientOptions {
  /** Of the control plane, such as `http://127.0.0.1:7070`. */
  readonly url: string
  readonly token?: string | undefined
  readonly fetch?: typeof fetch
}

/** A request without what its answer must look like. */
export interface Send {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below `/api`, each variable part encoded by the caller with {@link pathOf}. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | undefined>>
  readonly body?: unknown
  /** Sent as they are, in place of a JSON body. */
  readonly bytes?: Uint8Array<ArrayBuffer>
  readonly signal?: AbortSignal
}

export interface Call<T> extends Send {
  readonly answer: z.ZodType<T>
}

export interface Client {
  readonly url: string
  /** @throws DomainError with the server's code; server_unreachable when nobody answers. */
  call<T>(call: Call<T>): Promise<T>
  /** The answer as it comes, its body not read. @throws as {@link Client.call} */
  send(request: Send): Promise<Response>
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
  const client: Client = {
    url: options.url,
    async send(request) {
      const response = await respond(options, request)
      if (!response.ok) throw problemOf(response.status, await response.text())
      return response
    },
    async call({ answer, ...request }) {
      const text = await (await client.send(request)).text()
      return answer.parse(text === '' ? undefined : JSON.parse(text))
    },
  }
  return client
}

async function respond(
  options: ClientOptions,
  { method = 'GET', path, query = {}, body, bytes, signal }: Send,
): Promise<Response> {
  const url = new URL(`/api${path}`, options.url)
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value))
  const headers: Record<string, string> = { accept: 'application/json' }
  if (body !== undefined) headers['content-type'] = 'application/json'
  if (bytes !== undefined) headers['content-type'] = 'application/octet-stream'
  if (options.token) headers['authorization'] = `Bearer ${options.token}`
  const payload = bytes ?? (body === undefined ? undefined : JSON.stringify(body))
  const request = {
    method,
    headers,
    ...(payload === undefined ? {} : { body: payload }),
    ...(signal ? { signal } : {}),
  }
  return (options.fetch ?? fetch)(url, request).catch((error: unknown) => {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
    throw new DomainError(
      'unavailable',
      'server_unreachable',
      `no Trueloop answers at ${options.url} (${cause}); "trueloop up" starts one`,
    )
  })
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
