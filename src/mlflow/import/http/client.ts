// Calls to the MLflow server that is imported from: retried when it is busy or away, and told plainly when it is no such server.
import { setTimeout as wait } from 'node:timers/promises'
import { DomainError, messageOf } from '../../../platform/errors.ts'
import { parseLenientJson } from '../../wire/json.ts'
import { methods } from '../../generated/descriptors.ts'
import type { MethodName, Requests, Responses } from '../../generated/messages.ts'

/** A token is tried before a name and a password. */
export interface Credentials {
  readonly token?: string | undefined
  readonly user?: string | undefined
  readonly password?: string | undefined
}

/** A server of MLflow's API. Every function throws DomainError import_unreachable, import_refused, import_source. */
export interface RemoteMlflow {
  /** A method of its API. @throws DomainError import_method: it was answered with an error, or is not known there */
  call<Name extends MethodName>(name: Name, request: Requests[Name]): Promise<Responses[Name]>
  /** The JSON at a path below the server's address. @throws DomainError import_method */
  json(path: string): Promise<unknown>
  /** A file; a connection that breaks is made again, from where it broke. @throws DomainError import_method */
  stream(path: string): AsyncGenerator<Uint8Array>
}

export interface RemoteOptions {
  /** Plain http and private addresses too: it is what the operator named. */
  readonly url: string
  readonly credentials: Credentials
  /** Before another try; milliseconds. */
  readonly pause?: (ms: number) => Promise<unknown>
}

const triesMax = 7
const pauseMs = 500
const pauseMsMax = 30_000
const redirectsMax = 5
const answerBytesMax = 512 * 1024 * 1024

/** The address of the server: what its paths are appended to. @throws DomainError import_source */
export function addressOf(url: string): string {
  const parsed = URL.parse(url)
  if (!parsed || !/^https?:$/v.test(parsed.protocol)) throw notMlflow(url, 'it is no URL of http or https')
  if (parsed.search || parsed.hash) throw notMlflow(url, 'it has more than a path')
  return `${parsed.origin}${parsed.pathname.replace(/\/+$/v, '')}`
}

const notMlflow = (url: string, why: string): DomainError =>
  new DomainError('invalid', 'import_source', `${url.replace(/:\/\/[^@\/]*@/v, '://')} is no MLflow server: ${why}`)

interface Asked {
  readonly verb: string
  readonly url: URL
  readonly body?: string
  /** Of a file, from this offset on. */
  readonly fromByte?: number
}

export function openRemote({ url: named, credentials, pause = wait }: RemoteOptions): RemoteMlflow {
  const address = addressOf(named)
  const headers = headersOf(named, credentials)
  const send = async ({ verb, url, body, fromByte }: Asked): Promise<Response> => {
    let target = url
    for (let at = 0; ; at++) {
      const response = await fetch(target, {
        method: verb,
        redirect: 'manual',
        ...(body === undefined ? {} : { body }),
        headers: {
          ...headers,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...partOf(fromByte),
        },
      })
      const location = response.status >= 300 && response.status < 400 ? response.headers.get('location') : null
      if (location === null) return response
      await response.body?.cancel()
      target = redirectedTo(new URL(location, target), { address, at })
    }
  }
  /** An answer that is no 429 and no 5xx, or the last of several tries. */
  const ask = async (asked: Asked): Promise<Response> => {
    for (let attempt = 1; ; attempt++) {
      const answer = await send(asked).catch((error: unknown) => {
        if (error instanceof DomainError || attempt === triesMax) throw unreachable(address, error)
        return undefined
      })
      const isBusy = answer === undefined || answer.status === 429 || (answer.status >= 500 && answer.status !== 501)
      if (!isBusy || attempt === triesMax) return answer!
      await answer?.body?.cancel()
      await pause(pauseOf(attempt, answer))
    }
  }
  const opened = async (asked: Asked): Promise<Response> => {
    const answer = await ask(asked)
    if (answer.ok) return answer
    throw await refusalOf(answer, { address, path: asked.url.pathname })
  }
  const jsonOf = async (asked: Asked): Promise<unknown> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return parsedOf(await textOf(await opened(asked)), { address, path: asked.url.pathname })
      } catch (error) {
        // Cut off while it came.
        if (error instanceof DomainError || attempt === triesMax) throw unreachable(address, error)
        await pause(pauseOf(attempt))
      }
    }
  }
  return {
    call: async (name, request) => (await jsonOf(askedOf(address, name, request))) as Responses[typeof name],
    json: (path) => jsonOf({ verb: 'GET', url: new URL(address + path) }),
    stream: (path) => streamOf(opened, { url: new URL(address + path), pause }),
  }
}

/** Uncompressed, so that offsets are those of the file. */
function partOf(fromByte: number | undefined): Record<string, string> {
  if (fromByte === undefined) return {}
  // With a range, fetch asks for that by itself.
  return fromByte > 0 ? { range: `bytes=${fromByte}-` } : { 'accept-encoding': 'identity' }
}

function headersOf(named: string, { token, user, password }: Credentials): Record<string, string> {
  const parsed = new URL(named)
  const name = user ?? decodeURIComponent(parsed.username)
  const secret = password ?? decodeURIComponent(parsed.password)
  const basic = name === '' ? undefined : `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}`
  const authorization = token ? `Bearer ${token}` : basic
  return { accept: '*/*', 'user-agent': 'trueloop', ...(authorization ? { authorization } : {}) }
}

/** Whoever answers for the address must not send the credentials elsewhere. */
function redirectedTo(target: URL, { address, at }: { address: string; at: number }): URL {
  if (target.origin !== new URL(address).origin) {
    throw notMlflow(address, `it sends on to ${target.origin}: name that address if you mean it`)
  }
  if (at >= redirectsMax) throw notMlflow(address, 'it sends on without end')
  return target
}

function pauseOf(attempt: number, answer?: Response): number {
  const asked = Number(/^\d{1,4}$/v.exec(answer?.headers.get('retry-after') ?? '')?.[0] ?? 0) * 1000
  return Math.min(pauseMsMax, Math.max(asked, pauseMs * 2 ** (attempt - 1)))
}

const unreachable = (address: string, error: unknown): unknown =>
  error instanceof DomainError
    ? error
    : new DomainError(
        'unavailable',
        'import_unreachable',
        `${address} cannot be reached: ${messageOf((error as Error).cause ?? error)}; start the import again, and it goes on`,
      )

async function textOf(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of answer.body ?? []) {
    bytes += (chunk as Uint8Array).byteLength
    if (bytes > answerBytesMax) throw notMlflow(answer.url, `one answer has more than ${answerBytesMax} bytes`)
    chunks.push(chunk as Uint8Array)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parsedOf(text: string, { address, path }: { address: string; path: string }): unknown {
  try {
    return parseLenientJson(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    const what = /^\s*</v.test(text) ? 'a page (HTML)' : 'no JSON'
    throw notMlflow(address, `${path} answers ${what}: name the address below which its API is, without a sign-in page`)
  }
}

/** What an answer that is no success means. */
async function refusalOf(answer: Response, asked: { address: string; path: string }): Promise<DomainError> {
  const { status } = answer
  const text = (await textOf(answer)).slice(0, 2000)
  if (status === 401 || status === 403) {
    const message = `${asked.address} refuses (${status}): give --token or MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, of somebody who may read everything`
    return new DomainError('forbidden', 'import_refused', message)
  }
  const said = /^\s*\{/v.test(text) ? saidOf(text) : ''
  if (status >= 500 || status === 429) {
    const message = `${asked.address} answers ${asked.path} with ${status} again and again: ${said || 'it says nothing'}; see its log`
    if (status !== 501) return new DomainError('unavailable', 'import_unreachable', message, { status })
  }
  const why = said || `it answers ${status}`
  return new DomainError('conflict', 'import_method', `${asked.path}: ${why}`, { status })
}

function saidOf(text: string): string {
  try {
    const { message, error_code: code } = JSON.parse(text) as { message?: unknown; error_code?: unknown }
    return [code, message].filter((part) => typeof part === 'string').join(': ')
  } catch {
    return '' // Cut off, or no error of MLflow's: the status says enough.
  }
}

type QueryValue = string | number | bigint | boolean | readonly string[] | undefined

function askedOf<Name extends MethodName>(address: string, name: Name, request: Requests[Name]): Asked {
  const [verb = '', route = ''] = methods[name].routes[0].split(' ')
  const fields: Record<string, unknown> = { ...request }
  const path = route.replaceAll(/\{(?<field>\w+)\}/gv, (_, field: string) => {
    const value = String(fields[field])
    delete fields[field]
    return encodeURIComponent(value)
  })
  const url = new URL(`${address}/api/${path}`)
  if (verb !== 'GET') return { verb, url, body: JSON.stringify(fields) }
  for (const [key, value] of Object.entries(fields as Readonly<Record<string, QueryValue>>)) {
    for (const each of [value].flat()) if (each !== undefined) url.searchParams.append(key, String(each))
  }
  return { verb, url }
}

type Open = (asked: Asked) => Promise<Response>

async function* streamOf(
  open: Open,
  { url, pause }: { url: URL; pause: (ms: number) => Promise<unknown> },
): AsyncGenerator<Uint8Array> {
  let sent = 0
  for (let attempt = 1; ; attempt++) {
    const answer = await open({ verb: 'GET', url, fromByte: sent })
    // A server without ranges sends it all again.
    let skip = answer.status === 206 ? 0 : sent
    const before = sent
    try {
      for await (const chunk of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
        const fresh = chunk.subarray(Math.min(skip, chunk.byteLength))
        skip -= chunk.byteLength - fresh.byteLength
        sent += fresh.byteLength
        if (fresh.byteLength > 0) yield fresh
      }
      return
    } catch (error) {
      if (sent > before) attempt = 1
      if (attempt >= triesMax) throw unreachable(url.origin, error)
      await pause(pauseOf(attempt))
    }
  }
}
