// Searching logged models: a condition, several orders, pages by key.
import { sql, type RawBuilder } from 'kysely'
import { leavesOf, sqlOfCondition, type Condition } from '../platform/condition.ts'
import { databaseKind, on, type Connection, type DatabaseKind } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import type { Reader } from '../platform/reader.ts'
import {
  compareNumber,
  compareText,
  numberOperators,
  textOperators,
  type NumberOperator,
  type TextOperator,
} from '../platform/sql-comparisons.ts'
import type { LoggedModel } from './logged-model.ts'
import { readLoggedModels, type LoggedModelTables } from './stores/logged-model-store.ts'

export const loggedModelsPageMax = 50_000

const textColumns = {
  id: sql`m.id`,
  experimentId: sql`cast(m.experiment_id as text)`,
  name: sql`m.name`,
  state: sql`m.state`,
  artifactUri: sql`m.artifact_uri`,
  modelType: sql`m.model_type`,
  sourceRunId: sql`m.source_run_id`,
} as const
const timeColumns = { createdAtMs: sql`m.created_at_ms`, updatedAtMs: sql`m.updated_at_ms` } as const

export type LoggedModelText = keyof typeof textColumns
export type LoggedModelTime = keyof typeof timeColumns
export type LoggedModelAttribute = LoggedModelText | LoggedModelTime

export interface LoggedModelComparison {
  /** The key of an attribute is a {@link LoggedModelAttribute}. */
  readonly entity: 'attribute' | 'metric' | 'param' | 'tag'
  readonly key: string
  /** Of numbers for metrics and times, of texts for the rest. */
  readonly operator: NumberOperator | TextOperator
  readonly value: number | bigint | string | readonly string[]
}

/** Points that were measured on this dataset. */
export interface MeasuredOn {
  readonly name: string
  readonly digest?: string | undefined
}

export interface LoggedModelOrder {
  readonly by: { readonly attribute: LoggedModelAttribute } | { readonly metric: string; readonly on?: MeasuredOn }
  readonly isAscending: boolean
}

export interface LoggedModelSearch {
  readonly experimentIds: readonly number[]
  readonly condition?: Condition<LoggedModelComparison> | undefined
  /** Metrics of the condition are those of one of these; without a metric there, a model must have been measured on one. */
  readonly datasets?: readonly MeasuredOn[] | undefined
  /** What has no value comes last, either way. Then the newest first, then by id. */
  readonly orderBy?: readonly LoggedModelOrder[] | undefined
  readonly limit: number
  /** The `next` of the page before, of the same search. */
  readonly after?: LoggedModelPlace | undefined
}

/** Where a page ended: the values of its last model, in the order of the search. */
export type LoggedModelPlace = readonly (number | string | null)[]

export interface LoggedModelPage {
  readonly models: readonly LoggedModel[]
  /** Absent on the last page. */
  readonly next?: LoggedModelPlace
}

export interface LoggedModelSearchDeps {
  readonly db: Connection<LoggedModelTables>
  readonly reader: Reader
}

/** Deleted models are left out. @throws DomainError logged_model_filter, page_token */
export async function searchLoggedModels(
  { db, reader }: LoggedModelSearchDeps,
  search: LoggedModelSearch,
): Promise<LoggedModelPage> {
  if (search.experimentIds.length === 0) return { models: [] }
  const limit = Math.min(search.limit, loggedModelsPageMax)
  const keys = keysOf(search.orderBy ?? [])
  const values = keys.map(({ value }, at) => sql`${value} as ${sql.ref(`k${at}`)}`)
  const matching = sql`
    select m.id as id, ${sql.join(values)} from logged_model m
    where m.deleted_at_ms is null and m.experiment_id in (${sql.join([...search.experimentIds])})
    and ${conditionOf(search, databaseKind(db))}`
  const after = search.after ? afterPlace(keys, search.after) : sql`1 = 1`
  const query = sql<Record<string, number | string | null>>`
    select * from (${matching}) found where ${after} order by ${orderOf(keys)} limit ${limit + 1}`
  const places = await reader.all(query.compile(on(db)))
  const page = places.slice(0, limit)
  const models = await readLoggedModels(
    db,
    page.map(({ id }) => String(id)),
  )
  const last = page.at(-1)
  return places.length > limit && last ? { models, next: keys.map((_, at) => last[`k${at}`] ?? null) } : { models }
}

interface SortKey {
  readonly value: RawBuilder<unknown>
  readonly isAscending: boolean
  /** Never null, so that an index can give the order. */
  readonly isSet: boolean
}

const columnOf = (attribute: LoggedModelAttribute): RawBuilder<unknown> =>
  ({ ...textColumns, ...timeColumns })[attribute]

function keysOf(orderBy: readonly LoggedModelOrder[]): SortKey[] {
  const keys = orderBy.map(({ by, isAscending }): SortKey => {
    if ('metric' in by) return { value: newestPoint(by.metric, by.on), isAscending, isSet: false }
    const isSet = by.attribute !== 'modelType' && by.attribute !== 'sourceRunId'
    return { value: columnOf(by.attribute), isAscending, isSet }
  })
  const isOrdered = (attribute: LoggedModelAttribute): boolean =>
    orderBy.some(({ by }) => 'attribute' in by && by.attribute === attribute)
  if (!isOrdered('createdAtMs')) keys.push({ value: timeColumns.createdAtMs, isAscending: false, isSet: true })
  if (!isOrdered('id')) keys.push({ value: textColumns.id, isAscending: true, isSet: true })
  return keys
}

/** The newest by time, then step; one that is NaN counts as none. */
function newestPoint(key: string, on: MeasuredOn | undefined): RawBuilder<unknown> {
  const measured = on ? sql`and ${measuredOn([on])}` : sql``
  return sql`(select case when p.is_nan = 1 then null else p.value end from logged_model_metric p
    where p.model_id = m.id and p.key = ${key} ${measured}
    order by p.at_ms desc, p.step desc, p.run_id limit 1)`
}

function orderOf(keys: readonly SortKey[]): RawBuilder<unknown> {
  const parts = keys.flatMap(({ isAscending, isSet }, at) => {
    const key = sql.ref(`found.k${at}`)
    const direction = isAscending ? sql`${key} asc` : sql`${key} desc`
    return isSet ? [direction] : [sql`case when ${key} is null then 1 else 0 end`, direction]
  })
  return sql.join(parts)
}

/** @throws DomainError page_token */
function afterPlace(keys: readonly SortKey[], place: LoggedModelPlace): RawBuilder<boolean> {
  if (place.length !== keys.length) {
    throw new DomainError(
      'invalid',
      'page_token',
      'this is no place of this search: send the `next` of the page before',
    )
  }
  const same = (at: number): RawBuilder<unknown> => {
    const key = sql.ref(`found.k${at}`)
    return place[at] === null ? sql`${key} is null` : sql`${key} = ${place[at]}`
  }
  const beyond = keys.flatMap(({ isAscending }, at) => {
    const key = sql.ref(`found.k${at}`)
    const value = place[at]
    if (value === null) return [] // Nothing comes after what has no value.
    const further = isAscending ? sql`${key} > ${value}` : sql`${key} < ${value}`
    const before = keys.slice(0, at).map((_, earlier) => same(earlier))
    return [sql`(${sql.join([...before, sql`(${further} or ${key} is null)`], sql` and `)})`]
  })
  return beyond.length === 0 ? sql`1 = 0` : sql`(${sql.join(beyond, sql` or `)})`
}

function conditionOf({ condition, datasets = [] }: LoggedModelSearch, kind: DatabaseKind): RawBuilder<boolean> {
  const hasMetric = condition !== undefined && leavesOf(condition).some(({ entity }) => entity === 'metric')
  const filter = condition
    ? sqlOfCondition(condition, (comparison) => comparisonOf(comparison, { datasets, kind }))
    : sql<boolean>`1 = 1`
  if (datasets.length === 0 || hasMetric) return filter
  return sql`${filter} and m.id in (select p.model_id from logged_model_metric p where ${measuredOn(datasets)})`
}

const measuredOn = (datasets: readonly MeasuredOn[]): RawBuilder<boolean> => {
  const each = datasets.map(({ name, digest }) =>
    digest === undefined
      ? sql`p.dataset_name = ${name}`
      : sql`(p.dataset_name = ${name} and p.dataset_digest = ${digest})`,
  )
  return sql`(${sql.join(each, sql` or `)})`
}

/** @throws DomainError logged_model_filter */
function comparisonOf(
  comparison: LoggedModelComparison,
  { datasets, kind }: { datasets: readonly MeasuredOn[]; kind: DatabaseKind },
): RawBuilder<boolean> {
  const { entity, key } = comparison
  if (entity === 'metric') {
    const measured = datasets.length > 0 ? sql`and ${measuredOn(datasets)}` : sql``
    return sql`m.id in (select p.model_id from logged_model_metric p
      where p.key = ${key} and p.is_nan = 0 and ${numberOf(comparison, sql`p.value`)} ${measured})`
  }
  if (entity === 'attribute') {
    if (key in timeColumns) return numberOf(comparison, timeColumns[key as LoggedModelTime])
    if (key in textColumns) return textOf(comparison, textColumns[key as LoggedModelText], kind)
    throw unfit(
      comparison,
      `a logged model has ${[...Object.keys(textColumns), ...Object.keys(timeColumns)].join(', ')}`,
    )
  }
  const table = sql.table(entity === 'param' ? 'logged_model_param' : 'logged_model_tag')
  // With the start of the value the index finds it.
  const start =
    comparison.operator === '=' && typeof comparison.value === 'string'
      ? sql`and substr(t.value, 1, 200) = substr(cast(${comparison.value} as text), 1, 200)`
      : sql``
  return sql`m.id in (select t.model_id from ${table} t where t.key = ${key} ${start} and ${textOf(comparison, sql`t.value`, kind)})`
}

const unfit = ({ entity, key, operator }: LoggedModelComparison, takes: string): DomainError =>
  new DomainError(
    'invalid',
    'logged_model_filter',
    `the ${entity} "${key}" does not take "${operator}" with that value: ${takes}`,
  )

function numberOf(comparison: LoggedModelComparison, column: RawBuilder<unknown>): RawBuilder<boolean> {
  const { operator, value } = comparison
  const isNumber = typeof value === 'bigint' || (typeof value === 'number' && !Number.isNaN(value))
  if (isNumber && isOneOf(numberOperators, operator)) return compareNumber(column, { operator, value })
  throw unfit(comparison, `compare it with a number by ${numberOperators.join(', ')}`)
}

function textOf(
  comparison: LoggedModelComparison,
  column: RawBuilder<unknown>,
  kind: DatabaseKind,
): RawBuilder<boolean> {
  const { operator, value } = comparison
  if (typeof value !== 'number' && typeof value !== 'bigint' && isOneOf(textOperators, operator)) {
    return compareText(kind, column, { operator, value })
  }
  throw unfit(comparison, `compare it with a text by ${textOperators.join(', ')}`)
}

const isOneOf = <T extends string>(these: readonly T[], text: string): text is T =>
  (these as readonly string[]).includes(text)
