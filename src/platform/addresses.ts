// Where requests to outside may go: public addresses, and what the settings allow besides. The address that was checked is the one connected to.
import { lookup } from 'node:dns/promises'
import type { RequestOptions } from 'node:http'
import ipaddr from 'ipaddr.js'

/** Of what is not public: host names, `host:port`, addresses, or networks (`10.0.0.0/8`). */
export type AllowedAddresses = readonly string[]

interface Address {
  readonly address: string
  readonly family: number
}

/**
 * `open`: connect with the options, which go to the address that was checked, so that the name cannot mean another machine in between.
 * `refused`: `address`, one of those of the host, is neither public nor allowed.
 */
export type Destination =
  | { readonly state: 'open'; readonly options: Pick<RequestOptions, 'lookup'> }
  | { readonly state: 'refused'; readonly host: string; readonly address: string }

/** Resolves the host once; every address of it must be one that may be reached. @throws what the resolver throws for an unknown name */
export async function resolveDestination(target: URL, allow: AllowedAddresses): Promise<Destination> {
  const host = bareHost(target)
  const addresses = ipaddr.isValid(host)
    ? [{ address: host, family: ipaddr.parse(host).kind() === 'ipv6' ? 6 : 4 }]
    : await lookup(host, { all: true })
  if (!isNamed(target, allow)) {
    const refused = addresses.find(({ address }) => !isPublic(address) && !isAllowedAddress(address, allow))
    if (refused) return { state: 'refused', host, address: refused.address }
  }
  return { state: 'open', options: { lookup: pinnedTo(addresses[0]!) } }
}

/** Whether the settings allow this host by its name or by the address that is its name; nothing is resolved. */
export function isAllowedHost(target: URL, allow: AllowedAddresses): boolean {
  const host = bareHost(target)
  return isNamed(target, allow) || (ipaddr.isValid(host) && isAllowedAddress(host, allow))
}

/** `host:port`, as the settings name it. */
export function authority({ hostname, port, protocol }: URL): string {
  return `${hostname}:${port === '' ? (protocol === 'https:' ? 443 : 80) : port}`
}

const bareHost = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/v, '$1')

const isNamed = (target: URL, allow: AllowedAddresses): boolean =>
  allow.includes(bareHost(target)) || allow.includes(authority(target))

const isPublic = (address: string): boolean => ipaddr.process(address).range() === 'unicast'

function isAllowedAddress(text: string, allow: AllowedAddresses): boolean {
  const address = ipaddr.process(text)
  return allow.some((entry) => {
    if (!entry.includes('/')) return ipaddr.isValid(entry) && ipaddr.process(entry).toString() === address.toString()
    if (!ipaddr.isValidCIDR(entry)) return false
    const network = ipaddr.parseCIDR(entry)
    return network[0].kind() === address.kind() && address.match(network)
  })
}

const pinnedTo =
  (pinned: Address): NonNullable<RequestOptions['lookup']> =>
  (_host, asked, done) => {
    if (asked.all) done(null, [pinned])
    else done(null, pinned.address, pinned.family)
  }

/** Everywhere: for an operator who says so. */
export const anyAddress: AllowedAddresses = ['0.0.0.0/0', '::/0']
