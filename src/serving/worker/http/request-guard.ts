// Keeps other sites' pages away from the gateway, by the rules of governance/hosts.ts, remembered for headers that were seen.
import type { IncomingMessage } from 'node:http'
import { assertOwnOrigin } from '../../../governance/hosts.ts'

/** A caller cannot make the memory grow beyond this. */
const rememberedMax = 256

/**
 * @param hosts names besides loopback under which the gateway is known
 * @returns throws DomainError host_refused, origin_refused
 */
export function createRequestGuard(
  hosts: readonly string[],
): (request: Pick<IncomingMessage, 'method' | 'headers'>) => void {
  const accepted = new Set<string>()
  return ({ method = 'GET', headers }) => {
    const { host, origin } = headers
    const site = headers['sec-fetch-site']
    const fetchSite = typeof site === 'string' ? site : undefined
    const key = origin === undefined && fetchSite === undefined ? host : `${method} ${host} ${origin} ${fetchSite}`
    if (key !== undefined && accepted.has(key)) return
    assertOwnOrigin({ method, host, origin, fetchSite }, hosts)
    if (key !== undefined && accepted.size < rememberedMax) accepted.add(key)
  }
}
