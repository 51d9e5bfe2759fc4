// URIs as Python's `urllib` takes them apart: what MLflow's checks of sources are made of.

export interface Uri {
  /** In lower case; empty: it is a path. */
  readonly scheme: string
  readonly authority: string
  readonly path: string
}

export function readUri(text: string): Uri {
  const trimmed = text.replace(/^[\p{Cc} ]+/v, '').replaceAll(/[\t\r\n]/gv, '')
  const { scheme = '', rest = '' } = /^(?:(?<scheme>[a-z][a-z0-9+.\-]*):)?(?<rest>.*)$/isv.exec(trimmed)?.groups ?? {}
  const { authority = '', path = '' } = /^(?:\/\/(?<authority>[^\/?#]*))?(?<path>[^?#]*)/sv.exec(rest)?.groups ?? {}
  return { scheme: scheme.toLowerCase(), authority, path }
}

/** Without user and port; empty where none is named. */
export const hostOf = ({ authority }: Uri): string =>
  /^(?:.*@)?(?:\[(?<six>[^\]]*)\]|(?<name>[^:]*))/sv.exec(authority)?.groups?.['name']?.toLowerCase() ?? ''

/** `%2e%2E` and such, decoded once; bytes that are no text become the sign for that. */
export const decodeOnce = (text: string): string =>
  text.replaceAll(/(?:%[0-9a-f]{2})+/giv, (found) => Buffer.from(found.replaceAll('%', ''), 'hex').toString('utf8'))

/** Decoded until nothing is left to decode: each time it gets shorter. */
export function decodeFully(text: string): string {
  for (let before = text; ;) {
    const after = decodeOnce(before)
    if (after === before) return after
    before = after
  }
}

export const partsOf = (path: string): string[] =>
  path
    .split('/')
    .filter((part) => part !== '')
    .map(decodeFully)

/** Whether the URI is below the root, on the same host. */
export function isWithin(uri: string, root: string): boolean {
  const [inner, outer] = [readUri(uri), readUri(root)]
  const [innerParts, outerParts] = [partsOf(inner.path), partsOf(outer.path)]
  return (
    inner.scheme === outer.scheme &&
    inner.authority.toLowerCase() === outer.authority.toLowerCase() &&
    outerParts.length > 0 &&
    outerParts.every((part, at) => innerParts[at] === part)
  )
}

export interface ModelUri {
  readonly modelId?: string
  readonly name?: string
  readonly version?: string
  readonly stage?: string
  readonly alias?: string
}

/** `models:/m-…`, `models:/name/3`, `models:/name/Staging`, `models:/name/latest` (name alone) or `models:/name@alias`; undefined: none of these. */
export function readModelUri(text: string): ModelUri | undefined {
  // Of these a "#" and a "?" are part of the name.
  const { path = '' } = /^models:(?:\/\/[^\/?#]*)?(?<path>\/[^?]*)/isv.exec(text)?.groups ?? {}
  const parts = path.replace(/^\/+/v, '').split('/')
  const [first = '', suffix] = parts
  if (parts.length > 2 || first.trim() === '' || path.length <= 1) return undefined
  if (suffix !== undefined) {
    if (suffix.trim() === '') return undefined
    if (/^\d+$/v.test(suffix)) return { name: first, version: suffix }
    return suffix.toLowerCase() === 'latest' ? { name: first } : { name: first, stage: suffix }
  }
  const at = first.lastIndexOf('@')
  if (at === -1) return { modelId: first }
  const alias = first.slice(at + 1)
  return alias.trim() === '' ? undefined : { name: first.slice(0, at), alias }
}
