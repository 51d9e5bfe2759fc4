// Files by HTTP: to public addresses only, unless allowed; the address that was checked is the one that is connected to.
import { createWriteStream } from 'node:fs'
import { lookup } from 'node:dns/promises'
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import ipaddr from 'ipaddr.js'
import { DomainError, messageOf } from '../../platform/errors.ts'
import { diskFull } from '../../platform/tables.ts'

export interface RemoteLimits {
  /** Host names, addresses or networks (`10.0.0.0/8`) that may be read although they are not public. */
  readonly allow: readonly string[]
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
  const address = await checkedAddress(target, limits.allow)
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(limits.timeoutMs)])
  try {
    const response = await get(target, address, deadline)
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

interface Address {
  readonly address: string
  readonly family: number
}

/** Resolves once; every address of the name must be one that may be read. */
async function checkedAddress(target: URL, allow: readonly string[]): Promise<Address> {
  const host = target.hostname.replace(/^\[(.*)\]$/v, '$1')
  let addresses: Address[]
  try {
    addresses = ipaddr.isValid(host)
      ? [{ address: host, family: ipaddr.parse(host).kind() === 'ipv6' ? 6 : 4 }]
      : await lookup(host, { all: true })
  } catch (error) {
    throw new DomainError(
      'unavailable',
      'source_unreachable',
      `the name "${host}" does not resolve: ${messageOf(error)}`,
    )
  }
  if (allow.includes(host) || allow.includes(target.host)) return addresses[0]!
  for (const { address } of addresses) {
    if (isAllowed(address, allow)) continue
    const message = `${host} is ${address}, which is not a public address: add it to the allowed hosts in the settings if it is meant`
    throw new DomainError('forbidden', 'source_address_forbidden', message, { host, address })
  }
  return addresses[0]!
}

function isAllowed(text: string, allow: readonly string[]): boolean {
  const address = ipaddr.process(text)
  if (address.range() === 'unicast') return true
  return allow.some((entry) => {
    if (!entry.includes('/')) return ipaddr.isValid(entry) && ipaddr.process(entry).toString() === address.toString()
    if (!ipaddr.isValidCIDR(entry)) return false
    const network = ipaddr.parseCIDR(entry)
    return network[0].kind() === address.kind() && address.match(network)
  })
}

function get(target: URL, pinned: Address, signal: AbortSignal): Promise<IncomingMessage> {
  const options: RequestOptions = {
    signal,
    headers: { 'accept-encoding': 'identity', 'user-agent': 'trueloop' },
    lookup: (_host, asked, done) => {
      if (asked.all) done(null, [pinned])
      else done(null, pinned.address, pinned.family)
    },
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
