// Searching logged models: a condition, several orders, pages by key.
import { sql, type RawBuilder } from 'kysely'
import { leavesOf, sqlOfCondition, type Condition } from '../platform/condition.ts'
import { databaseKind, on, type Connection } from '../platform/database.ts'
import type { Reader } from '../platform/reader.ts'
import type { LoggedModel } from './logged-model.ts'
import {
  holds,
  isThere,
  measuredOn,
  type ComparisonContext,
  type LoggedModelComparison,
  type MeasuredOn,
} from './logged-models/comparison.ts'
import { findFew, findFewMeasured, findFewOfExperiments, type FewDeps } from './logged-models/few.ts'
import {
  afterPlace,
  isNewestPoint,
  keysOf,
  nameOfKey,
  orderOf,
  type LoggedModelOrder,
  type LoggedModelPlace,
  type SortKey,
} from './logged-models/order.ts'
import { readLoggedModels, type LoggedModelTables } from './stores/logged-model-store.ts'

export type { LoggedModelAttribute, LoggedModelComparison, MeasuredOn } from './logged-models/comparison.ts'
export type { LoggedModelOrder, LoggedModelPlace } from './logged-models/order.ts'

export const loggedModelsPageMax = 50_000

export interface LoggedModelSearch {
  readonly experimentIds: readonly number[]
  readonly condition?: Condition<LoggedModelComparison> | undefined
  /** Metrics of the condition are those of one of these; without a metric there, a model must have been measured on one. */
  readonly datasets?: readonly MeasuredOn[] | undefined
  readonly orderBy?: readonly LoggedModelOrder[] | undefined
  readonly limit: number
  /** The `next` of the page before, of the same search. */
  readonly after?: LoggedModelPlace | undefined
}

export interface LoggedModelPage {
  readonly models: readonly LoggedModel[]
  /** Absent on the last page. */
  readonly next?: LoggedModelPlace
}

export interface LoggedModelSearchDeps {
  readonly db: Connection<LoggedModelTables>
  readonly reader: Reader
}

type Row = Record<string, number | string | null>

/** Deleted models are left out. @throws DomainError logged_model_filter, page_token */
export async function searchLoggedModels(
  { db, reader }: LoggedModelSearchDeps,
  search: LoggedModelSearch,
): Promise<LoggedModelPage> {
  const { datasets = [], orderBy = [], after } = search
  const context = { datasets, kind: databaseKind(db) }
  if (search.experimentIds.length === 0) return { models: [] }
  const few = await findFewOf({ db, reader, context }, search)
  if (few?.size === 0) return { models: [] }
  const limit = Math.min(search.limit, loggedModelsPageMax)
  const keys = keysOf(orderBy)
  const among = few ? sql`m.id in (${sql.join([...few])})` : sql`1 = 1`
  const where = sql<boolean>`m.deleted_at_ms is null and m.experiment_id in (${sql.join([...search.experimentIds])})
    and ${among} and ${filterOf(search, context)}`
  const places: Row[] = []
  for (const phase of phasesOf({ keys, where, first: orderBy[0], after, areFew: few !== undefined })) {
    if (places.length > limit) break
    const query = sql<Row>`select * from (${phase.rows}) found where ${phase.start}
      order by ${orderOf(phase.keys, phase.from)} limit ${limit + 1 - places.length}`
    places.push(...(await reader.all(query.compile(on(db)))))
  }
  const page = places.slice(0, limit)
  const models = await readLoggedModels(
    db,
    page.map(({ id }) => String(id)),
  )
  const last = page.at(-1)
  if (places.length <= limit || !last) return { models }
  return { models, next: keys.map((_, at) => last[nameOfKey(at)] ?? null) }
}

/** Metrics of the condition are asked on the datasets; without one the models are. Of a few models no index of a metric is walked. */
async function findFewOf(
  deps: FewDeps,
  { condition, experimentIds, orderBy: [first] = [] }: LoggedModelSearch,
): Promise<ReadonlySet<string> | undefined> {
  const few = condition && (await findFew(deps, condition))
  if (few) return few
  const isOnDatasets = deps.context.datasets.length > 0 && !comparesMetric(condition)
  const measured = isOnDatasets ? await findFewMeasured(deps) : undefined
  if (measured || !first || !('metric' in first.by)) return measured
  return findFewOfExperiments(deps, experimentIds)
}

const comparesMetric = (condition: LoggedModelSearch['condition']): boolean =>
  condition !== undefined && leavesOf(condition).some(({ entity }) => entity === 'metric')

interface Phase {
  readonly rows: RawBuilder<unknown>
  readonly keys: readonly SortKey[]
  /** The first of the keys that orders it. */
  readonly from: number
  readonly start: RawBuilder<boolean>
}

interface Sought {
  readonly keys: readonly SortKey[]
  readonly where: RawBuilder<boolean>
  readonly first: LoggedModelOrder | undefined
  readonly after: LoggedModelPlace | undefined
  /** Whether the models that can pass are. */
  readonly areFew: boolean
}

/** By a metric, first the models that have it, along the index of its values, then those that have not. */
function phasesOf({ keys, where, first, after, areFew }: Sought): Phase[] {
  const rows = sql`select m.id as id, ${columnsOf(keys)} from logged_model m where ${where}`
  const startOf = (those: readonly SortKey[], from: number): RawBuilder<boolean> =>
    after ? afterPlace(those, { place: after, from }) : sql`1 = 1`
  if (!first || !('metric' in first.by)) return [{ rows, keys, from: 0, start: startOf(keys, 0) }]
  const valued = keys.map((key, at) => (at === 0 ? { ...key, value: sql`p.value`, isSet: true } : key))
  // SQLite reads the tables of a cross join in this order.
  const tables = areFew
    ? sql`logged_model m cross join logged_model_metric p`
    : sql`logged_model_metric p cross join logged_model m`
  const points = sql`select m.id as id, ${columnsOf(valued)} from ${tables}
    where m.id = p.model_id and ${isNewestPoint(first.by.metric, first.by.on)} and ${where}`
  const isPast = after?.[0] === null
  const missing = sql<boolean>`${sql.ref(`found.${nameOfKey(0)}`)} is null`
  const rest = { rows, keys, from: 1, start: isPast ? sql<boolean>`${missing} and ${startOf(keys, 1)}` : missing }
  return isPast ? [rest] : [{ rows: points, keys: valued, from: 0, start: startOf(valued, 0) }, rest]
}

const columnsOf = (keys: readonly SortKey[]): RawBuilder<unknown> =>
  sql.join(keys.map(({ value }, at) => sql`${value} as ${sql.ref(nameOfKey(at))}`))

function filterOf({ condition }: LoggedModelSearch, context: ComparisonContext): RawBuilder<boolean> {
  const filter = condition ? sqlOfCondition(condition, (comparison) => holds(comparison, context)) : sql<boolean>`1 = 1`
  if (context.datasets.length === 0 || comparesMetric(condition)) return filter
  const measured = isThere(sql`logged_model_metric p where p.model_id = m.id and ${measuredOn(context.datasets)}`)
  return sql`${filter} and ${measured}`
}
