// The order of a run search: what is sorted by, and the place where a page ended.
import { sql, type RawBuilder } from 'kysely'
import { z } from 'zod'
import type { DatabaseKind } from '../../platform/database.ts'
import { DomainError } from '../../platform/errors.ts'
import { keyedTable, startLength, startOf } from './condition.ts'
import { parseField, type Field, type RunCondition, type RunFilter, type RunOrder } from './filter.ts'

/** A value of a sort; null is that of a run without one. */
export type SortValue = number | bigint | string | null

/** Runs with a value come first in either direction, then those whose metric is NaN, then those without one: their rank is 0, 1 or 2. */
export interface SortKey {
  readonly field: Field
  readonly isAscending: boolean
  /** What follows `from run`, with one row for each run. */
  readonly join: RawBuilder<unknown>
  /** Undefined: each run has a value. */
  readonly rank: RawBuilder<number> | undefined
  readonly value: RawBuilder<SortValue>
  readonly walk: Walk
}

/** An index in the order of the values. */
export interface Walk {
  /** Undefined: the table run, and no other. */
  readonly table: RawBuilder<unknown> | undefined
  readonly runId: RawBuilder<unknown>
  readonly condition: RawBuilder<boolean>
  readonly value: RawBuilder<SortValue>
  /** Undefined where the index holds only the start of the value. */
  readonly same: (value: SortValue) => RunFilter | undefined
  /** What comes after the runs with a value: all of one rank. */
  readonly rest: readonly { readonly rank: number; readonly filter: RunCondition }[]
}

const always = sql<boolean>`1 = 1`

/** @throws DomainError run_field, run_orders_twice */
export function sortKeysOf(orders: readonly RunOrder[], kind: DatabaseKind): SortKey[] {
  const seen = new Set<string>()
  const keys = orders.map((order, at) => {
    if (seen.has(order.field)) {
      throw new DomainError('invalid', 'run_orders_twice', `"${order.field}" is ordered by twice: name each field once`)
    }
    seen.add(order.field)
    return sortKeyOf(order, { alias: `s${at}`, kind })
  })
  const newest = { field: 'startedAtMs', isAscending: false }
  return seen.has(newest.field) ? keys : [...keys, sortKeyOf(newest, { alias: 'started', kind })]
}

function sortKeyOf(order: RunOrder, how: { alias: string; kind: DatabaseKind }): SortKey {
  const field = parseField(order.field)
  switch (field.kind) {
    case 'metric':
      return metricKey(order, field, how)
    case 'param':
    case 'tag':
      return textKey(order, field, how)
    case 'time':
    case 'text':
      return columnKey(order, field)
    case 'input':
      throw new DomainError(
        'invalid',
        'run_field',
        `runs have no order by "${order.field}": order by a metric, param, tag, time or text of the run`,
      )
  }
}

/** One row by key. PostgreSQL makes no join of it that reads the whole table, whatever it guesses of the sizes. */
function joinByKey(
  table: RawBuilder<unknown>,
  key: string,
  { alias, kind }: { alias: string; kind: DatabaseKind },
): RawBuilder<unknown> {
  const name = sql.ref(alias)
  return kind === 'postgres'
    ? sql`left join lateral (select * from ${table} t where t.run_id = run.id and t.key = ${key} limit 1) ${name} on true`
    : sql`left join ${table} ${name} on ${name}.run_id = run.id and ${name}.key = ${key}`
}

function metricKey(
  { field: name, isAscending }: RunOrder,
  field: Extract<Field, { kind: 'metric' }>,
  how: { alias: string; kind: DatabaseKind },
): SortKey {
  const { key, part } = field
  const column = (of: string): RawBuilder<number> => sql.ref(`${how.alias}.${of}`)
  const join = joinByKey(sql`run_metric`, key, how)
  if (part !== 'latest') {
    const value = column(part)
    const rank = sql<number>`case when ${value} is not null then 0 when ${column('key')} is not null then 1 else 2 end`
    const walk: Walk = {
      table: sql`run_metric w`,
      runId: sql`w.run_id`,
      condition: sql`w.key = ${key} and ${sql.ref(`w.${part}`)} is not null`,
      value: sql.ref(`w.${part}`),
      same: (at) => ({ field: name, operator: '=', value: at! }),
      rest: [
        // All its points are NaN.
        {
          rank: 1,
          filter: {
            all: [
              { field: name, operator: 'missing' },
              { field: `metrics.${key}`, operator: 'present' },
            ],
          },
        },
        { rank: 2, filter: { field: `metrics.${key}`, operator: 'missing' } },
      ],
    }
    return { field, isAscending, join, rank, value, walk }
  }
  return {
    field,
    isAscending,
    join,
    rank: sql`case ${column('latest_is_nan')} when 0 then 0 when 1 then 1 else 2 end`,
    value: sql`case when ${column('latest_is_nan')} = 0 then ${column('latest')} end`,
    walk: {
      table: sql`run_metric w`,
      runId: sql`w.run_id`,
      condition: sql`w.key = ${key} and w.latest_is_nan = 0`,
      value: sql`w.latest`,
      same: (value) => ({ field: name, operator: '=', value: value! }),
      rest: [
        { rank: 1, filter: { field: name, operator: '=', value: 'NaN' } },
        { rank: 2, filter: { field: name, operator: 'missing' } },
      ],
    },
  }
}

function textKey(
  { field: name, isAscending }: RunOrder,
  field: Extract<Field, { kind: 'param' | 'tag' }>,
  how: { alias: string; kind: DatabaseKind },
): SortKey {
  const table = keyedTable(field.kind)
  const value: RawBuilder<string> = sql.ref(`${how.alias}.value`)
  return {
    field,
    isAscending,
    join: joinByKey(table, field.key, how),
    rank: sql`case when ${value} is null then 2 else 0 end`,
    value,
    walk: {
      table: sql`${table} w`,
      runId: sql`w.run_id`,
      condition: sql`w.key = ${field.key}`,
      value: startOf(sql`w.value`) as RawBuilder<string>,
      same: (start) =>
        String(start).length < startLength ? { field: name, operator: '=', value: String(start) } : undefined,
      rest: [{ rank: 2, filter: { field: name, operator: 'missing' } }],
    },
  }
}

function columnKey({ field: name, isAscending }: RunOrder, field: Extract<Field, { kind: 'time' | 'text' }>): SortKey {
  const value: RawBuilder<SortValue> = sql.ref(`run.${field.column}`)
  const mayBeMissing = field.column === 'ended_at_ms'
  const rest = mayBeMissing ? [{ rank: 2, filter: { field: name, operator: 'missing' as const } }] : []
  const condition = mayBeMissing ? sql<boolean>`${value} is not null` : always
  const same = (at: SortValue): RunFilter => ({ field: name, operator: '=', value: at! })
  return {
    field,
    isAscending,
    join: sql``,
    rank: mayBeMissing ? sql`case when ${value} is null then 2 else 0 end` : undefined,
    value,
    walk: { table: undefined, runId: sql`run.id`, condition, value, same, rest },
  }
}

/** A run's place in an order: its rank and value by each key, and its id. */
export interface Place {
  readonly id: string
  readonly ranks: readonly number[]
  readonly values: readonly SortValue[]
}

export const sortingOf = (keys: readonly SortKey[]): RawBuilder<unknown> =>
  sql.join([
    ...keys.flatMap(({ isAscending, rank }, at) => [
      ...(rank ? [sql.ref(`r${at}`)] : []),
      isAscending ? sql`${sql.ref(`v${at}`)} asc` : sql`${sql.ref(`v${at}`)} desc`,
    ]),
    sql`id`,
  ])

/** Columns of a place: `id`, `v0`, `r0`… */
export const placeColumns = (keys: readonly SortKey[]): RawBuilder<unknown> =>
  sql.join([
    sql`run.id as id`,
    ...keys.flatMap(({ rank, value }, at) => [
      sql`${value} as ${sql.ref(`v${at}`)}`,
      ...(rank ? [sql`${rank} as ${sql.ref(`r${at}`)}`] : []),
    ]),
  ])

export const placeOfRow = (row: Readonly<Record<string, SortValue>>, keys: readonly SortKey[]): Place => ({
  id: String(row['id']),
  ranks: keys.map((_, at) => Number(row[`r${at}`] ?? 0)),
  values: keys.map((_, at) => row[`v${at}`] ?? null),
})

/** Holds for the runs after a place. */
export function isAfter(keys: readonly SortKey[], { id, ranks, values }: Place): RawBuilder<boolean> {
  let beyond = sql<boolean>`run.id > ${id}`
  for (const [at, { rank, value, isAscending }] of [...keys.entries()].toReversed()) {
    const last = values[at]!
    const further = last === null ? undefined : isAscending ? sql`${value} > ${last}` : sql`${value} < ${last}`
    const alike = last === null ? beyond : sql<boolean>`(${further} or (${value} = ${last} and ${beyond}))`
    const found = ranks[at]!
    beyond = rank ? sql<boolean>`(${rank} > ${found} or (${rank} = ${found} and ${alike}))` : alike
  }
  return beyond
}

const TokenValue = z.union([z.null(), z.string(), z.tuple([z.string()])])
const Token = z.tuple([z.string(), z.string(), z.array(z.int().min(0).max(2)), z.array(TokenValue)])

/** A token is of one order only. */
const signatureOf = (keys: readonly SortKey[]): string =>
  keys.map(({ field, isAscending }) => `${isAscending ? '+' : '-'}${JSON.stringify(field)}`).join()

/** Numbers travel as text in a list, since NaN, infinities and 64-bit times have no other place in JSON. */
export function tokenOf({ id, ranks, values }: Place, keys: readonly SortKey[]): string {
  const written = values.map((value) => (value === null || typeof value === 'string' ? value : [String(value)]))
  return Buffer.from(JSON.stringify([signatureOf(keys), id, ranks, written])).toString('base64url')
}

/** @throws DomainError page_token */
export function placeOf(token: string, keys: readonly SortKey[]): Place {
  const parsed = Token.safeParse(parseJson(Buffer.from(token, 'base64url').toString()))
  const place = parsed.success ? placeOfToken(parsed.data, keys) : undefined
  if (place) return place
  const message = '"after" is no place of this search: send the `next` of the page before, and the same order'
  throw new DomainError('invalid', 'page_token', message)
}

function placeOfToken(
  [signature, id, ranks, written]: z.infer<typeof Token>,
  keys: readonly SortKey[],
): Place | undefined {
  const isOne = signature === signatureOf(keys) && ranks.length === keys.length && written.length === keys.length
  if (!isOne) return undefined
  const values = written.map((value) => (Array.isArray(value) ? numberOf(value[0]) : value))
  const isFit = keys.every(({ field, rank }, at) => {
    const value = values[at]!
    if (value === null || ranks[at] !== 0) return value === null && ranks[at] !== 0 && rank !== undefined
    const isText = field.kind === 'param' || field.kind === 'tag' || field.kind === 'text'
    return isText ? typeof value === 'string' : typeof value !== 'string' && !Number.isNaN(Number(value))
  })
  return isFit ? { id, ranks, values } : undefined
}

function numberOf(text: string): number | bigint {
  const number = Number(text)
  return /^-?\d{1,19}$/v.test(text) && !Number.isSafeInteger(number) ? BigInt(text) : number
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // Not a token either way; the schema says so.
  }
}
