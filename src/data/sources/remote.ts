// Files by HTTP: from public addresses only, unless allowed.
import { createWriteStream } from 'node:fs'
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { resolveDestination, type AllowedAddresses, type Destination } from '../../platform/addresses.ts'
import { DomainError, messageOf } from '../../platform/errors.ts'
import { diskFull } from '../../platform/tables.ts'

export interface RemoteLimits {
  /** What may be read although it is not public. */
  readonly allow: AllowedAddresses
  readonly bytesMax: number
  readonly timeoutMs: number
}

export const defaultRemoteLimits: RemoteLimits = { allow: [], bytesMax: 64 * 2 ** 30, timeoutMs: 3_600_000 }
const silenceMs = 30_000

/**
 * Downloads to a new file. No redirect is followed; a compressed transfer is not asked for.
 * @throws DomainError source_address_forbidden, source_unreachable, source_status, source_too_large, disk_full
 */
export async function download(
  url: string,
  { path, limits, signal }: { path: string; limits: RemoteLimits; signal: AbortSignal },
): Promise<void> {
  const target = new URL(url)
  if (target.protocol !== 'http:' && target.protocol !== 'https:') {
    throw new DomainError(
      'invalid',
      'source_address_forbidden',
      `"${target.protocol}" cannot be read: use https or http`,
    )
  }
  const destination = await destinationOf(target, limits.allow)
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(limits.timeoutMs)])
  try {
    const response = await get(target, destination, deadline)
    assertOk(response, target)
    await pipeline(response, capped(target, limits.bytesMax), createWriteStream(path, { flags: 'wx' }), {
      signal: deadline,
    })
  } catch (error) {
    if (error instanceof DomainError) throw error
    if ((error as { code?: unknown }).code === 'ENOSPC') throw diskFull()
    const why = deadline.aborted && !signal.aborted ? `no end within ${limits.timeoutMs} ms` : messageOf(error)
    throw new DomainError('unavailable', 'source_unreachable', `${safeUrl(target)} could not be read: ${why}`)
  }
}

type OpenDestination = Extract<Destination, { state: 'open' }>

/** @throws DomainError source_address_forbidden, source_unreachable for a name that nobody knows */
async function destinationOf(target: URL, allow: AllowedAddresses): Promise<OpenDestination> {
  let destination: Destination
  try {
    destination = await resolveDestination(target, allow)
  } catch (error) {
    throw new DomainError(
      'unavailable',
      'source_unreachable',
      `the name "${target.hostname}" does not resolve: ${messageOf(error)}`,
    )
  }
  if (destination.state === 'open') return destination
  const { host, address } = destination
  const message = `${host} is ${address}, which is not a public address: add it to the allowed hosts in the settings if it is meant`
  throw new DomainError('forbidden', 'source_address_forbidden', message, { host, address })
}

function get(target: URL, { options: pinned }: OpenDestination, signal: AbortSignal): Promise<IncomingMessage> {
  const options: RequestOptions = {
    ...pinned,
    signal,
    headers: { 'accept-encoding': 'identity', 'user-agent': 'trueloop' },
  }
  return new Promise((resolve, reject) => {
    const request = (target.protocol === 'https:' ? httpsRequest : httpRequest)(target, options, resolve)
    request.setTimeout(silenceMs, () => request.destroy(new Error(`nothing came for ${silenceMs} ms`)))
    request.on('error', reject)
    request.end()
  })
}

function assertOk(response: IncomingMessage, target: URL): void {
  const status = response.statusCode ?? 0
  if (status === 200) return
  response.destroy()
  const redirected = status >= 300 && status < 400
  const advice = redirected ? 'redirects are not followed: name the final URL' : 'check the URL'
  throw new DomainError('unavailable', 'source_status', `${safeUrl(target)} answered ${status}; ${advice}`, { status })
}

function capped(target: URL, bytesMax: number): Transform {
  let bytes = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      if (bytes <= bytesMax) return done(null, chunk)
      done(
        new DomainError(
          'too_large',
          'source_too_large',
          `${safeUrl(target)} is larger than ${bytesMax} bytes: split it`,
        ),
      )
    },
  })
}

/** Without credentials and query, either of which may be secret. */
const safeUrl = (url: URL): string => `${url.origin}${url.pathname}`
