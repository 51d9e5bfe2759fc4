// Searching traces: a condition, an order, pages by key. Spans are asked, never read.
import { sql, type RawBuilder } from 'kysely'
import type { Db } from '../platform/database.ts'
import { databaseKind, on } from '../platform/database.ts'
import type { Reader } from '../platform/reader.ts'
import { tracesOfRows, type ReadingTables } from './reading.ts'
import type { TraceFilter, TraceOrder } from './search/comparison.ts'
import { conditionOf } from './search/conditions.ts'
import { findFew } from './search/few.ts'
import {
  afterPlace,
  orderingOf,
  placeOf,
  placeOfToken,
  selectedOf,
  sortKeysOf,
  tokenOf,
  type Sorted,
} from './search/sort.ts'
import { readRowsByNo } from './stores/trace-store.ts'
import type { Trace } from './trace.ts'

export type { TraceComparison, TraceFilter, TraceOrder } from './search/comparison.ts'

export interface SearchDeps {
  readonly db: Db<ReadingTables>
  /** Where what may take long is read. */
  readonly reader: Reader
}

export interface TraceSearch {
  /** All by default. */
  readonly experimentIds?: readonly number[] | undefined
  readonly filter?: TraceFilter | undefined
  /** The newest first by default. */
  readonly orderBy?: readonly TraceOrder[] | undefined
  readonly limit: number
  /** `next` of the page before. */
  readonly after?: string | undefined
}

export interface TracePage {
  readonly traces: readonly Trace[]
  /** Absent on the last page. */
  readonly next?: string
}

/** @throws DomainError trace_filter, trace_order, page_token, pattern_invalid */
export async function searchTraces({ db, reader }: SearchDeps, search: TraceSearch): Promise<TracePage> {
  const keys = sortKeysOf(search.orderBy ?? [])
  const conditions = await conditionsOf(db, search)
  if (!conditions) return { traces: [] }
  if (search.after !== undefined) conditions.push(afterPlace(keys, placeOfToken(search.after, keys)))
  // Only what is ordered by: to sort whole traces takes many times as long.
  const query = sql<Sorted>`
    select t.no, ${selectedOf(keys)} from trace t
    where ${sql.join(conditions, sql` and `)}
    order by ${orderingOf(keys)}
    limit ${search.limit + 1}`.compile(on(db))
  const rows = await reader.all(query)
  const page = rows.slice(0, search.limit)
  const last = page.at(-1)
  const found = new Map(
    (
      await readRowsByNo(
        db,
        page.map(({ no }) => no),
      )
    ).map((row) => [row.no, row]),
  )
  // One may have been deleted meanwhile.
  const traces = await tracesOfRows(
    db,
    page.flatMap(({ no }) => found.get(no) ?? []),
  )
  return rows.length > page.length && last ? { traces, next: tokenOf(placeOf(last, keys)) } : { traces }
}

/** Undefined when no trace can pass. */
async function conditionsOf(
  db: Db<ReadingTables>,
  { experimentIds, filter = { all: [] } }: Pick<TraceSearch, 'experimentIds' | 'filter'>,
): Promise<RawBuilder<boolean>[] | undefined> {
  const conditions = [scopeOf(experimentIds), conditionOf(filter, databaseKind(db))]
  const few = await findFew(db, filter, experimentIds)
  if (few?.length === 0) return undefined
  return few ? [...conditions, sql`t.no in (${sql.join(few)})`] : conditions
}

function scopeOf(experimentIds: readonly number[] | undefined): RawBuilder<boolean> {
  if (!experimentIds) return sql`1 = 1`
  if (experimentIds.length === 0) return sql`1 = 0`
  const [first, ...others] = experimentIds
  // Of one experiment the index gives the order.
  return others.length === 0
    ? sql`t.experiment_id = ${first}`
    : sql`t.experiment_id in (${sql.join([...experimentIds])})`
}

export interface Together {
  readonly total: number
  readonly first: number
  readonly second: number
  readonly both: number
}

/** How many traces pass two filters, each and together, among those that pass a third. @throws DomainError trace_filter, pattern_invalid */
export async function countTogether(
  { db, reader }: SearchDeps,
  counted: {
    readonly experimentIds: readonly number[]
    readonly among?: TraceFilter | undefined
    readonly first: TraceFilter
    readonly second: TraceFilter
  },
): Promise<Together> {
  const kind = databaseKind(db)
  const among = conditionOf(counted.among ?? { all: [] }, kind)
  const query = sql<Together>`
    select count(*) as "total", coalesce(sum(a), 0) as "first", coalesce(sum(b), 0) as "second", coalesce(sum(a * b), 0) as "both"
    from (select case when ${conditionOf(counted.first, kind)} then 1 else 0 end as a,
            case when ${conditionOf(counted.second, kind)} then 1 else 0 end as b
          from trace t where ${scopeOf(counted.experimentIds)} and ${among}) c`.compile(on(db))
  const [row] = await reader.all(query)
  // PostgreSQL adds up to bigger types, which come as text.
  return { total: Number(row!.total), first: Number(row!.first), second: Number(row!.second), both: Number(row!.both) }
}
