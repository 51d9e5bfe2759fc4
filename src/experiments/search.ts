// Searching runs: filters, one order, pages by key. The first page of a hundred thousand runs costs what the hundredth does.
import { sql, type RawBuilder } from 'kysely'
import { databaseKind, on, type Db } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import { readRunSummaries } from './reading.ts'
import type { RunSummary } from './run.ts'
import { conditionOf } from './search/condition.ts'
import { findFew } from './search/few.ts'
import { filtersMax, type RunFilter, type RunOrder } from './search/filter.ts'
import { phasesOf, placeOf, tokenOf, type Phase, type Place } from './search/sort.ts'
import type { ExperimentTables } from './tables.ts'

export { RunFilter, RunOrder } from './search/filter.ts'

export interface RunSearch {
  /** Ids of experiments; all by default. */
  readonly experimentIds?: readonly number[] | undefined
  /** The name of one experiment, in place of its id. */
  readonly experiment?: string | undefined
  /** All must hold. */
  readonly filter?: readonly RunFilter[] | undefined
  /** The newest first by default. Runs alike come newest id first. */
  readonly orderBy?: RunOrder | undefined
  readonly limit: number
  /** `next` of the page before. */
  readonly after?: string | undefined
  /** `active` by default. */
  readonly view?: 'active' | 'deleted' | 'all' | undefined
}

export interface RunPage {
  readonly runs: readonly RunSummary[]
  /** Absent on the last page. */
  readonly next?: string
}

/** @throws DomainError run_filter, run_field, page_token, run_filters_too_many */
export async function searchRuns(db: Db<ExperimentTables>, search: RunSearch): Promise<RunPage> {
  const places = await findPlaces(db, search)
  const page = places.slice(0, search.limit)
  const runs = await readRunSummaries(
    db,
    page.map(({ id }) => id),
  )
  const last = page.at(-1)
  return places.length > page.length && last ? { runs, next: tokenOf(last) } : { runs }
}

/** One more than the page, to know whether there is another. */
async function findPlaces(db: Db<ExperimentTables>, search: RunSearch): Promise<Place[]> {
  const order = search.orderBy ?? { field: 'startedAtMs', isAscending: false }
  const after = search.after === undefined ? undefined : placeOf(search.after)
  const conditions = scopeOf(search, db)
  const few = await findFew(db, search.filter ?? [])
  if (few?.length === 0) return []
  const places: Place[] = []
  for (const [index, phase] of phasesOf(order).entries()) {
    if (after && index < after.phase) continue
    const missing = search.limit + 1 - places.length
    if (missing <= 0) break
    const start = after?.phase === index ? [afterPlace(phase, after, order.isAscending)] : []
    const among = few ? [sql<boolean>`${phase.id} in (${sql.join(few)})`] : []
    const all = [...conditions, phase.condition, ...among, ...start]
    const found = await readPhase(db, { phase, conditions: all, order, missing })
    places.push(...found.map(({ id, value }) => ({ phase: index, id, value })))
  }
  return places
}

function scopeOf(search: RunSearch, db: Db<ExperimentTables>): RawBuilder<boolean>[] {
  const filters = search.filter ?? []
  if (filters.length > filtersMax) {
    const message = `${filters.length} filters: a search takes at most ${filtersMax}`
    throw new DomainError('invalid', 'run_filters_too_many', message)
  }
  const kind = databaseKind(db)
  const conditions = filters.map((filter) => conditionOf(filter, kind))
  const { view = 'active', experiment, experimentIds } = search
  if (view === 'active') conditions.push(sql`run.deleted_at_ms is null`)
  if (view === 'deleted') conditions.push(sql`run.deleted_at_ms is not null`)
  if (experiment !== undefined) {
    conditions.push(sql`run.experiment_id = (select id from experiment where name = ${experiment})`)
  }
  if (experimentIds?.length === 0) conditions.push(sql`1 = 0`)
  else if (experimentIds) conditions.push(sql`run.experiment_id in (${sql.join([...experimentIds])})`)
  return conditions
}

function afterPlace({ sort, id: column }: Phase, { value, id }: Place, isAscending: boolean): RawBuilder<boolean> {
  if (!sort || value === null) return sql`${column} < ${id}`
  // The first comparison lets the index begin there; the second drops what the page before has shown.
  return isAscending
    ? sql`${sort} >= ${value} and (${sort} > ${value} or ${column} < ${id})`
    : sql`${sort} <= ${value} and (${sort} < ${value} or ${column} < ${id})`
}

async function readPhase(
  db: Db<ExperimentTables>,
  query: { phase: Phase; conditions: readonly RawBuilder<boolean>[]; order: RunOrder; missing: number },
): Promise<{ id: string; value: string | number | null }[]> {
  const { phase, conditions, order, missing } = query
  const direction = order.isAscending ? sql`asc` : sql`desc`
  const sorting = phase.sort ? sql`${phase.sort} ${direction}, ${phase.id} desc` : sql`${phase.id} desc`
  const { rows } = await sql<{ id: string; value: string | number | null }>`
    select run.id as id, ${phase.sort ?? sql`null`} as value
    from run ${phase.join}
    where ${sql.join([...conditions], sql` and `)}
    order by ${sorting}
    limit ${missing}`.execute(on(db))
  return rows
}
