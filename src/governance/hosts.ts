// Where a request may come from: exact Host names, same-site Origins, and no listening beyond loopback without authentication.
import ipaddr from 'ipaddr.js'
import { DomainError } from '../platform/errors.ts'
import { matchesHost, matchesOrigin, parseAuthority, parseOrigin, type HostAndPort } from './host-pattern.ts'

/** Whether an address text (`127.0.0.1`, `::1`, `[::1]`) is loopback. Parsed, never matched by prefix. */
export function isLoopbackAddress(text: string): boolean {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text
  // Only the four-part decimal form: `127.1` and `0x7f000001` are spellings that other parsers read differently.
  if (ipaddr.IPv4.isValidFourPartDecimal(bare)) return ipaddr.IPv4.parse(bare).range() === 'loopback'
  return ipaddr.IPv6.isValid(bare) && ipaddr.IPv6.parse(bare).range() === 'loopback'
}

/** @throws DomainError bind_refused */
export function assertMayListen(host: string, hasAuthentication: boolean): void {
  if (hasAuthentication || host === 'localhost' || isLoopbackAddress(host)) return
  const message = `refusing to listen on ${host}: everyone who reaches it would be its owner, and authentication is off; listen on 127.0.0.1 and put a proxy that authenticates in front`
  throw new DomainError('invalid', 'bind_refused', message)
}

const isAllowedHost = (host: HostAndPort, allowed: readonly string[]): boolean =>
  host.name === 'localhost' || isLoopbackAddress(host.name) || allowed.some((each) => matchesHost(each, host))

export interface RequestOrigin {
  readonly method: string
  readonly host: string | undefined
  readonly origin: string | undefined
  /** `Sec-Fetch-Site`, which browsers send and pages cannot forge. */
  readonly fetchSite: string | undefined
}

/**
 * Keeps other sites' pages out: Host must be loopback or one of `allowed` (against DNS rebinding), and a write may carry only an Origin of
 * the same host and port, or one of `origins` (against cross-site requests). Both are lists of patterns (host-pattern.ts).
 * @throws DomainError host_refused, origin_refused
 */
export function assertOwnOrigin(
  request: RequestOrigin,
  allowed: readonly string[],
  origins: readonly string[] = [],
): void {
  const host = request.host === undefined ? undefined : parseAuthority(request.host)
  if (!host || !isAllowedHost(host, allowed)) {
    throw new DomainError(
      'forbidden',
      'host_refused',
      `the Host "${request.host ?? ''}" is not served here; add it to TRUELOOP_ALLOWED_HOSTS if it should be`,
    )
  }
  if (request.method === 'GET' || request.method === 'HEAD') return
  const { origin } = request
  if (origin !== undefined && origins.some((each) => matchesOrigin(each, origin))) return
  const isForeign =
    request.fetchSite !== undefined && request.fetchSite !== 'same-origin' && request.fetchSite !== 'none'
  if (isForeign || (origin !== undefined && !isSameOrigin(origin, host))) {
    throw new DomainError(
      'forbidden',
      'origin_refused',
      `a page of ${origin ?? 'another site'} may not change anything here`,
    )
  }
}

function isSameOrigin(origin: string, host: HostAndPort): boolean {
  const own = parseOrigin(origin)
  return own !== undefined && own.name === host.name && own.port === (host.port ?? (own.scheme === 'https' ? 443 : 80))
}
