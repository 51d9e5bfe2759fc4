// The order of a trace search, and the place in it where a page ended.
import { sql, type RawBuilder } from 'kysely'
import { z } from 'zod'
import { DomainError } from '../../platform/errors.ts'
import { metadataKeys, tagKeys } from '../keys.ts'
import { orderRefused, type TraceOrder } from './comparison.ts'

/** One column of the order. */
export interface SortKey {
  readonly sql: RawBuilder<unknown>
  readonly isAscending: boolean
  /** Traces without a value come last in either direction. */
  readonly isNullable: boolean
}

const keyOf = (column: RawBuilder<unknown>, isAscending: boolean, isNullable = false): SortKey => ({
  sql: column,
  isAscending,
  isNullable,
})

const attributes: Readonly<Record<string, { column: string; isNullable: boolean } | undefined>> = {
  request_id: { column: 'id', isNullable: false },
  experiment_id: { column: 'experiment_id', isNullable: false },
  timestamp_ms: { column: 'started_at_ms', isNullable: false },
  execution_time_ms: { column: 'duration_ms', isNullable: true },
  status: { column: 'state', isNullable: false },
  client_request_id: { column: 'client_request_id', isNullable: true },
}

/** Ties: the newest first, then by id. @throws DomainError trace_order */
export function sortKeysOf(orders: readonly TraceOrder[]): SortKey[] {
  const names = orders.map(({ entity, key }) => `${entity} ${key}`)
  const repeated = orders.find((_, index) => names.indexOf(names[index]!) !== index)
  if (repeated) throw orderRefused(repeated.key, 'it stands there twice')
  const keys = orders.map(sortKey)
  if (!names.includes('attribute timestamp_ms')) keys.push(keyOf(sql.ref('t.started_at_ms'), false))
  if (!names.includes('attribute request_id')) keys.push(keyOf(sql.ref('t.id'), true))
  return keys
}

function sortKey({ entity, key, isAscending }: TraceOrder): SortKey {
  if (entity === 'attribute') {
    if (key === 'end_time_ms') return keyOf(sql`(t.started_at_ms + t.duration_ms)`, isAscending, true)
    const found = attributes[key]
    if (!found) throw orderRefused(key, 'traces have no such attribute')
    return keyOf(sql.ref(`t.${found.column}`), isAscending, found.isNullable)
  }
  if (entity === 'metadata' && (key === metadataKeys.tokens || key === metadataKeys.cost)) {
    throw orderRefused(key, 'it is several numbers')
  }
  if (entity === 'tag' && key === tagKeys.name) return keyOf(sql.ref('t.name'), isAscending, true)
  if (entity === 'metadata' && key === metadataKeys.session) return keyOf(sql.ref('t.session_id'), isAscending, true)
  const table = sql.table(entity === 'tag' ? 'trace_tag' : 'trace_metadata')
  return keyOf(sql`(select p.value from ${table} p where p.trace_no = t.no and p.key = ${key})`, isAscending, true)
}

export const orderingOf = (keys: readonly SortKey[]): RawBuilder<unknown> =>
  sql.join(
    keys.map((key) => {
      const last = key.isNullable ? sql` nulls last` : sql``
      return key.isAscending ? sql`${key.sql} asc${last}` : sql`${key.sql} desc${last}`
    }),
  )

type Value = string | number | null
/** The values of the sort keys of a page's last trace. */
export type Place = readonly Value[]

/** A trace as a search finds it: its number, and the values that it is ordered by. */
export type Sorted = { readonly no: number } & Readonly<Record<`sort_${number}`, Value>>

export const placeOf = (row: Sorted, keys: readonly SortKey[]): Place =>
  keys.map((_, index) => row[`sort_${index}`] ?? null)

export const selectedOf = (keys: readonly SortKey[]): RawBuilder<unknown> =>
  sql.join(keys.map((key, index) => sql`${key.sql} as ${sql.ref(`sort_${index}`)}`))

/** What comes after a place. */
export function afterPlace(keys: readonly SortKey[], place: Place): RawBuilder<boolean> {
  const [first] = keys
  const alternatives = keys.map((key, index) => {
    const before = keys.slice(0, index).map((earlier, at) => isAt(earlier, place[at]!))
    return sql`(${sql.join([...before, isPast(key, place[index]!)], sql` and `)})`
  })
  const past = sql<boolean>`(${sql.join(alternatives, sql` or `)})`
  if (!first || first.isNullable) return past
  // A bound that the index of the order can begin at.
  return sql`${first.sql} ${first.isAscending ? sql`>=` : sql`<=`} ${place[0]} and ${past}`
}

const isAt = (key: SortKey, value: Value): RawBuilder<unknown> =>
  value === null ? sql`${key.sql} is null` : sql`${key.sql} = ${value}`

function isPast(key: SortKey, value: Value): RawBuilder<unknown> {
  if (value === null) return sql`1 = 0`
  const past = key.isAscending ? sql`${key.sql} > ${value}` : sql`${key.sql} < ${value}`
  return key.isNullable ? sql`(${past} or ${key.sql} is null)` : past
}

const Token = z.array(z.union([z.string(), z.number(), z.null()])).min(2)

export const tokenOf = (place: Place): string => Buffer.from(JSON.stringify(place)).toString('base64url')

/** @throws DomainError page_token */
export function placeOfToken(token: string, keys: readonly SortKey[]): Place {
  const parsed = Token.safeParse(parseJson(Buffer.from(token, 'base64url').toString()))
  if (parsed.success && parsed.data.length === keys.length) return parsed.data
  const message = 'Invalid page token: send the one that the page before came with'
  throw new DomainError('invalid', 'page_token', message)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // Not a token either way; the schema says so.
  }
}
