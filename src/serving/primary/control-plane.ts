// The gateway's calls of the control plane: configuration, model bytes, reports, incidents. Nothing here retries; its callers do.
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { Readable } from 'node:stream'
import { text as readText } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { DomainError } from '../../platform/errors.ts'
import { GatewayConfig } from '../gateway-config.ts'

export interface ControlPlaneAddress {
  readonly url: string
  readonly token: string
}

/** Where it is now; undefined while it is down. */
export type FindControlPlane = () => ControlPlaneAddress | undefined

const callTimeoutMs = 30_000
const configWaitMs = 20_000
const bytesMax = 2 ** 31

const ConfigAnswer = z.object({ config: GatewayConfig.nullable() })

/** Unreachable, or an answer that a repetition may change. */
const unavailable = (message: string): DomainError =>
  new DomainError('unavailable', 'control_plane_unavailable', message)

const doesNotAnswer = (url: string, error: unknown): DomainError =>
  unavailable(`the control plane at ${url} does not answer: ${String(error)}`)

function addressOf(find: FindControlPlane): ControlPlaneAddress {
  const address = find()
  if (!address) throw unavailable('the control plane is not running')
  return address
}

async function call(find: FindControlPlane, path: string, init: { signal: AbortSignal }): Promise<Response> {
  const { url, token } = addressOf(find)
  try {
    return await fetch(new URL(path, url), { ...init, headers: { authorization: `Bearer ${token}` } })
  } catch (error) {
    throw doesNotAnswer(url, error)
  }
}

/**
 * The configuration as soon as it is another than generation `after`; undefined: nothing changed for a while.
 * @throws DomainError control_plane_unavailable
 */
export async function pollConfig(
  find: FindControlPlane,
  after: number,
  signal: AbortSignal,
): Promise<GatewayConfig | undefined> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(configWaitMs + callTimeoutMs)])
  const response = await call(find, `/api/gateway/config?after=${after}&waitMs=${configWaitMs}`, { signal: limit })
  if (!response.ok)
    throw unavailable(`the configuration was refused with ${response.status}: ${(await response.text()).slice(0, 300)}`)
  const { config } = ConfigAnswer.parse(await response.json())
  return config ?? undefined
}

const agents = { 'http:': new HttpAgent({ keepAlive: true }), 'https:': new HttpsAgent({ keepAlive: true }) }

/**
 * Whether the control plane took it; false: it never will, and why is in `reason`. The body is written from where it lies: `fetch` would copy
 * it twice, eight times a second, and what is collected of that takes the cores from the workers.
 * @throws DomainError control_plane_unavailable
 */
export async function post(
  find: FindControlPlane,
  path: string,
  body: Uint8Array,
): Promise<{ isTaken: boolean; reason: string }> {
  const { status, text } = await send(addressOf(find), path, body)
  if (status >= 200 && status < 300) return { isTaken: true, reason: '' }
  // Of what is wrong with a request only its content can be mended, and nobody mends it.
  if (status === 400 || status === 413) return { isTaken: false, reason: text.slice(0, 500) }
  throw unavailable(`${path} was answered with ${status}: ${text.slice(0, 300)}`)
}

function send(
  { url, token }: ControlPlaneAddress,
  path: string,
  body: Uint8Array,
): Promise<{ status: number; text: string }> {
  const target = new URL(path, url)
  const isSecure = target.protocol === 'https:'
  const options = {
    method: 'POST',
    agent: agents[isSecure ? 'https:' : 'http:'],
    signal: AbortSignal.timeout(callTimeoutMs),
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'content-length': body.byteLength,
    },
  }
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(doesNotAnswer(url, error))
    const request = (isSecure ? httpsRequest : httpRequest)(target, options, (response) => {
      readText(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), fail)
    })
    request.on('error', fail)
    request.end(body)
  })
}

/** Stores a blob under `path`, whole and verified. @throws DomainError control_plane_unavailable, blob_not_found, blob_corrupt */
export async function download(find: FindControlPlane, digest: string, path: string): Promise<void> {
  const response = await call(find, `/api/blobs/${digest}`, { signal: AbortSignal.timeout(10 * callTimeoutMs) })
  if (response.status === 404)
    throw new DomainError('not_found', 'blob_not_found', `the control plane has no object ${digest}`)
  if (!response.ok || !response.body) throw unavailable(`the blob ${digest} was answered with ${response.status}`)
  const hash = createHash('sha256')
  let bytes = 0
  const partial = `${path}.part`
  await pipeline(
    Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]),
    async function* check(chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        bytes += chunk.length
        if (bytes > bytesMax) throw unavailable(`the blob ${digest} is larger than ${bytesMax} bytes`)
        hash.update(chunk)
        yield chunk
      }
    },
    createWriteStream(partial, { mode: 0o600 }),
  )
  if (hash.digest('hex') !== digest) {
    await rm(partial, { force: true })
    throw new DomainError('unavailable', 'blob_corrupt', `the blob ${digest} arrived with other bytes`)
  }
  await rename(partial, path)
}
