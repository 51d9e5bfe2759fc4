// Searching experiments: conditions, several orders, pages by key.
import { sql, type RawBuilder } from 'kysely'
import { z } from 'zod'
import { sqlOfCondition, type Condition } from '../platform/condition.ts'
import { databaseKind, on, type DatabaseKind } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import { compareNumber, type NumberOperator } from '../platform/sql-comparisons.ts'
import type { Experiment } from './experiment.ts'
import { textComparison } from './search/condition.ts'
import type { SearchDeps } from './search/context.ts'
import { readExperimentsById } from './stores/experiment-store.ts'

const columns = {
  id: sql<number>`experiment.id`,
  name: sql<string>`experiment.name`,
  createdAtMs: sql<number>`experiment.created_at_ms`,
  updatedAtMs: sql<number>`experiment.updated_at_ms`,
} as const
export type ExperimentField = keyof typeof columns

/** Numbers are compared by `=` to `>=`, the name and tags as texts; `present` and `missing` are asked of tags. */
export interface ExperimentFilter {
  readonly of: { readonly field: ExperimentField } | { readonly tag: string }
  readonly operator: NumberOperator | 'like' | 'ilike' | 'in' | 'not in' | 'present' | 'missing'
  readonly value?: number | bigint | string | readonly string[] | undefined
}

export interface ExperimentSearch {
  readonly condition?: Condition<ExperimentFilter> | undefined
  /** The newest first by default, then by id. Where a given order is alike, the greatest id comes first. */
  readonly orderBy?: readonly { readonly field: ExperimentField; readonly isAscending: boolean }[] | undefined
  readonly limit: number
  /** `next` of the page before, of the same order. */
  readonly after?: string | undefined
  /** `active` by default. */
  readonly view?: 'active' | 'deleted' | 'all' | undefined
}

export interface ExperimentPage {
  readonly experiments: readonly Experiment[]
  /** Absent on the last page. */
  readonly next?: string
}

type Order = NonNullable<ExperimentSearch['orderBy']>[number]
type Row = Readonly<Record<ExperimentField, number | string>>

const newestFirst: readonly Order[] = [
  { field: 'createdAtMs', isAscending: false },
  { field: 'id', isAscending: true },
]

/** @throws DomainError experiment_filter, page_token */
export async function searchExperiments(deps: SearchDeps, search: ExperimentSearch): Promise<ExperimentPage> {
  const { db, reader } = deps
  const { condition = { all: [] }, orderBy = [], limit, view = 'active' } = search
  const orders = withId(orderBy.length === 0 ? newestFirst : orderBy)
  const conditions = [
    sqlOfCondition(condition, (filter) => comparisonOf(filter, databaseKind(db))),
    ...(view === 'all'
      ? []
      : [sql<boolean>`(experiment.deleted_at_ms is null) = ${sql.raw(view === 'active' ? 'true' : 'false')}`]),
    ...(search.after === undefined ? [] : [isAfter(orders, placeOf(search.after, orders))]),
  ]
  const sorting = orders.map(
    ({ field, isAscending }) => sql`${columns[field]} ${sql.raw(isAscending ? 'asc' : 'desc')}`,
  )
  const selected = Object.entries(columns).map(([field, column]) => sql`${column} as ${sql.ref(field)}`)
  const query = sql<Row>`select ${sql.join(selected)} from experiment
    where ${sql.join(conditions, sql` and `)} order by ${sql.join(sorting)} limit ${limit + 1}`
  const rows = await reader.all(query.compile(on(db)))
  const page = rows.slice(0, limit)
  const experiments = await readExperimentsById(
    db,
    page.map(({ id }) => Number(id)),
  )
  const last = page.at(-1)
  return rows.length > page.length && last ? { experiments, next: tokenOf(last, orders) } : { experiments }
}

/** The same field again decides nothing. */
function withId(orders: readonly Order[]): Order[] {
  const distinct = orders.filter(({ field }, at) => orders.findIndex((each) => each.field === field) === at)
  return distinct.some(({ field }) => field === 'id') ? distinct : [...distinct, { field: 'id', isAscending: false }]
}

const unfit = ({ of, operator }: ExperimentFilter, takes: string): DomainError => {
  const what = 'tag' in of ? `tags.${of.tag}` : of.field
  return new DomainError(
    'invalid',
    'experiment_filter',
    `"${what}" does not take "${operator}" with that value: ${takes}`,
  )
}

const numeric = new Set<string>(['=', '!=', '<', '<=', '>', '>='])

/** @throws DomainError experiment_filter */
function comparisonOf(filter: ExperimentFilter, kind: DatabaseKind): RawBuilder<boolean> {
  const { of, operator, value } = filter
  if ('tag' in of) return tagComparison(filter, of.tag, kind)
  if (of.field === 'name') return textOf(filter, columns.name, kind)
  if (of.field === 'id' && Array.isArray(value) && (operator === 'in' || operator === 'not in')) {
    return textOf(filter, sql`cast(experiment.id as text)`, kind)
  }
  if (numeric.has(operator) && (typeof value === 'number' || typeof value === 'bigint')) {
    return compareNumber(columns[of.field], { operator: operator as NumberOperator, value })
  }
  throw unfit(filter, 'compare it with a number by =, !=, <, <=, > or >=')
}

function textOf(filter: ExperimentFilter, column: RawBuilder<unknown>, kind: DatabaseKind): RawBuilder<boolean> {
  const { operator, value } = filter
  const isList = operator === 'in' || operator === 'not in'
  const isText = operator === '=' || operator === '!=' || operator === 'like' || operator === 'ilike'
  if (isList ? !Array.isArray(value) : !isText || typeof value !== 'string') {
    throw unfit(filter, 'compare text by =, !=, like, ilike, or in or not in with a list')
  }
  return textComparison({ field: 'name', operator, value }, column, kind)
}

/** An experiment without the tag matches nothing but `missing`. */
function tagComparison(filter: ExperimentFilter, key: string, kind: DatabaseKind): RawBuilder<boolean> {
  const tags = sql`experiment_tag t where t.experiment_id = experiment.id and t.key = ${key}`
  if (filter.operator === 'present') return sql`exists (select 1 from ${tags})`
  if (filter.operator === 'missing') return sql`not exists (select 1 from ${tags})`
  return sql`exists (select 1 from ${tags} and ${textOf(filter, sql`t.value`, kind)})`
}

function isAfter(orders: readonly Order[], values: readonly (number | string)[]): RawBuilder<boolean> {
  let beyond = sql<boolean>`1 = 0`
  for (const [at, { field, isAscending }] of [...orders.entries()].toReversed()) {
    const further = sql`${columns[field]} ${sql.raw(isAscending ? '>' : '<')} ${values[at]}`
    beyond = sql`(${further} or (${columns[field]} = ${values[at]} and ${beyond}))`
  }
  return beyond
}

const signatureOf = (orders: readonly Order[]): string =>
  orders.map(({ field, isAscending }) => `${isAscending ? '+' : '-'}${field}`).join('')

const tokenOf = (row: Row, orders: readonly Order[]): string =>
  Buffer.from(JSON.stringify([signatureOf(orders), orders.map(({ field }) => row[field])])).toString('base64url')

const Token = z.tuple([z.string(), z.array(z.union([z.int(), z.string()]))])

/** @throws DomainError page_token */
function placeOf(token: string, orders: readonly Order[]): (number | string)[] {
  const parsed = Token.safeParse(parseJson(Buffer.from(token, 'base64url').toString()))
  if (parsed.success && parsed.data[0] === signatureOf(orders)) {
    const values = parsed.data[1]
    const isFit = orders.every(({ field }, at) => typeof values[at] === (field === 'name' ? 'string' : 'number'))
    if (isFit && values.length === orders.length) return values
  }
  const message = '"after" is no place of this search: send the `next` of the page before, and the same order'
  throw new DomainError('invalid', 'page_token', message)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // Not a token either way; the schema says so.
  }
}
