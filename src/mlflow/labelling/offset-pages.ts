// Pages by offset, as MLflow's server makes their tokens.
import { invalidParameter } from '../wire/errors.ts'

export const pageMax = 50_000

export const tokenOf = (offset: number): string => Buffer.from(`{"offset": ${offset}}`).toString('base64')

/** 0 without a token. @throws MlflowError INVALID_PARAMETER_VALUE */
export function offsetOf(token: string | undefined): number {
  if (!token) return 0
  // Python reads past what is no base64, and then wants whole groups of four.
  if (token.replaceAll(/[^A-Za-z0-9+\/=]/gv, '').length % 4 !== 0) {
    throw invalidParameter('Invalid page token, could not base64-decode')
  }
  const text = Buffer.from(token, 'base64').toString('latin1')
  const parsed = parsedOffset(text)
  if (parsed === undefined)
    throw invalidParameter(`Invalid page token, decoded value=b'${text.replaceAll(/[^ -~]/gv, hex)}'`)
  if (Number.isSafeInteger(parsed) && parsed > 0) return parsed
  throw invalidParameter(`Invalid page token, parsed value=${text.slice(0, 100)}`)
}

const hex = (character: string): string => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`

function parsedOffset(text: string): number | undefined {
  try {
    return Number((JSON.parse(text) as { offset?: unknown } | null)?.offset)
  } catch {
    return undefined // The caller says what the token holds.
  }
}

/** @throws MlflowError INVALID_PARAMETER_VALUE */
export function limitOf(max: number | undefined, byDefault: number): number {
  if (max === undefined) return byDefault
  const invalid = `Invalid value ${max} for parameter 'max_results' supplied.`
  if (max < 1) throw invalidParameter(`${invalid} It must be a positive integer`)
  if (max > pageMax) throw invalidParameter(`${invalid} It must be at most ${pageMax}`)
  return max
}

/** The items of a page that was asked for with one more than `limit`, and the token of the next; empty on the last. */
export function pageOf<Item>(
  items: readonly Item[],
  { limit, offset }: { limit: number; offset: number },
): { page: readonly Item[]; next: string } {
  return { page: items.slice(0, limit), next: items.length > limit ? tokenOf(offset + limit) : '' }
}

/** An empty list is left out, as protobuf's JSON does. */
export const listed = <Key extends string, Item>(
  key: Key,
  items: readonly Item[],
): { readonly [K in Key]?: readonly Item[] } =>
  (items.length === 0 ? {} : { [key]: items }) as { readonly [K in Key]?: readonly Item[] }
