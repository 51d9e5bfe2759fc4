// What makes two steps the same work: kind, version, resolved input and environment, in canonical JSON.
import { createHash } from 'node:crypto'
import type { Json } from './pipeline.ts'

/**
 * RFC 8785: keys sorted by UTF-16 code units, no white space, numbers and strings as ECMAScript writes them.
 * @throws RangeError for a number that JSON does not have.
 */
export function canonicalJson(value: Json): string {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError(`JSON has no ${value}`)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(canonicalJson).join(',')}]`
  const entries = Object.entries(value as Readonly<Record<string, Json>>)
    .toSorted(([a], [b]) => (a < b ? -1 : 1)) // `<` on strings compares UTF-16 code units, as the RFC asks.
    .map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`)
  return `{${entries.join(',')}}`
}

export interface Work {
  readonly kind: string
  readonly version: number
  /** Resolved: inputs that are data or models hold their digests, so the content counts and not the name. */
  readonly input: Json
  /** Of whatever else could change the output: code, packages. */
  readonly environmentDigest: string
}

const fingerprintVersion = 1

/** 64 hexadecimal digits. */
export function fingerprintOf({ kind, version, input, environmentDigest }: Work): string {
  const text = canonicalJson({ v: fingerprintVersion, kind, version, input, environment: environmentDigest })
  return createHash('sha256').update(text).digest('hex')
}
