// Names of servers and origins of pages as operators list them: exact, or with a `*` where it can mean no stranger.
import ipaddr from 'ipaddr.js'

export interface HostAndPort {
  /** In lower case. */
  readonly name: string
  readonly port: number | undefined
}

/** A Host header; undefined: it is none. */
export function parseAuthority(text: string): HostAndPort | undefined {
  const match = /^(?<name>\[[0-9a-fA-F:.]+\]|[^:\[\]@\/\\?#\s]+)(?::(?<port>\d{1,5}))?$/v.exec(text)
  const name = match?.groups?.['name']
  if (!name) return undefined
  const port = match.groups?.['port']
  return { name: name.toLowerCase(), port: port === undefined ? undefined : Number(port) }
}

/** A page's Origin, with the port that its scheme stands for; undefined: it is of no page of the web, such as `null`. */
export function parseOrigin(text: string): (HostAndPort & { readonly scheme: string }) | undefined {
  const { scheme, authority } = /^(?<scheme>https?):\/\/(?<authority>.+)$/v.exec(text)?.groups ?? {}
  const host = authority === undefined ? undefined : parseAuthority(authority)
  if (scheme === undefined || !host) return undefined
  return { scheme, name: host.name, port: host.port ?? (scheme === 'https' ? 443 : 80) }
}

interface Pattern {
  readonly name: RegExp
  /** The name must be an address: as text, `10.*` is also the beginning of names that anybody can have. */
  readonly isAddress: boolean
  readonly port: number | '*' | undefined
}

const written = /^(?<name>\[[0-9a-f:.]+\]|[\w\-.*]+)(?::(?<port>\d{1,5}|\*))?$/iv
const addressPrefix = /^(?:\d{1,3}\.){1,3}\*$/v

/** Undefined: it is no pattern, or one whose `*` stands for the end of a name, and so for every name there is. */
function parsePattern(text: string): Pattern | undefined {
  const { name, port } = written.exec(text)?.groups ?? {}
  if (name === undefined) return undefined
  const isAddress = addressPrefix.test(name)
  if (name.includes('*') && !isAddress && !/\.[a-z][a-z0-9\-]*$/iv.test(name)) return undefined
  const source = name
    .split('*')
    .map((part) => RegExp.escape(part))
    .join('[\\w\\-.]*')
  return {
    name: new RegExp(`^${source}$`, 'iv'),
    isAddress,
    port: port === undefined || port === '*' ? port : Number(port),
  }
}

/** `models.example`, `models.example:5000`, `*.corp.example`, `app-*.corp.example`, `192.168.*`; not `*`. */
export const isHostPattern = (text: string): boolean => parsePattern(text) !== undefined

/** Without a port, a pattern is of every port. */
export function matchesHost(text: string, host: HostAndPort): boolean {
  const pattern = parsePattern(text)
  if (!pattern || (pattern.isAddress && !ipaddr.IPv4.isValidFourPartDecimal(host.name))) return false
  const isPort = pattern.port === undefined || pattern.port === '*' || pattern.port === host.port
  return isPort && pattern.name.test(host.name)
}

function splitOrigin(text: string): { scheme: string; host: string } | undefined {
  const { scheme, host } = /^(?<scheme>https?):\/\/(?<host>.+)$/v.exec(text)?.groups ?? {}
  return scheme === undefined || host === undefined ? undefined : { scheme, host }
}

/** `https://` and a pattern of a host; not `*`. */
export const isOriginPattern = (text: string): boolean => isHostPattern(splitOrigin(text)?.host ?? '')

/** Without a port, a pattern is of the port that its scheme stands for. */
export function matchesOrigin(text: string, origin: string): boolean {
  const pattern = splitOrigin(text)
  const page = parseOrigin(origin)
  if (!pattern || !page || pattern.scheme !== page.scheme) return false
  const standardPort = page.scheme === 'https' ? 443 : 80
  const isPort = parsePattern(pattern.host)?.port !== undefined || page.port === standardPort
  return isPort && matchesHost(pattern.host, page)
}
