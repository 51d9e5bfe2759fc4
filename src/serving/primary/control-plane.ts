// The gateway's calls of the control plane: configuration, model bytes, reports, incidents. Nothing here retries; its callers do.
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
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

async function call(find: FindControlPlane, path: string, init: RequestInit): Promise<Response> {
  const address = find()
  if (!address) throw unavailable('the control plane is not running')
  try {
    return await fetch(new URL(path, address.url), {
      ...init,
      headers: {
        authorization: `Bearer ${address.token}`,
        ...(init.body ? { 'content-type': 'application/json' } : {}),
      },
    })
  } catch (error) {
    throw unavailable(`the control plane at ${address.url} does not answer: ${String(error)}`)
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

/** Whether the control plane took it; false: it never will, and why is in `reason`. @throws DomainError control_plane_unavailable */
export async function post(
  find: FindControlPlane,
  path: string,
  body: Buffer,
): Promise<{ isTaken: boolean; reason: string }> {
  const response = await call(find, path, {
    method: 'POST',
    body: new Uint8Array(body),
    signal: AbortSignal.timeout(callTimeoutMs),
  })
  const text = await response.text()
  if (response.ok) return { isTaken: true, reason: '' }
  // Of what is wrong with a request only its content can be mended, and nobody mends it.
  if (response.status === 400 || response.status === 413) return { isTaken: false, reason: text.slice(0, 500) }
  throw unavailable(`${path} was answered with ${response.status}: ${text.slice(0, 300)}`)
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
