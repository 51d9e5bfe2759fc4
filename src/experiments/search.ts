// Searching runs: conditions, several orders, pages by key. The first page of a hundred thousand runs costs what the hundredth does.
import { sql, type RawBuilder } from 'kysely'
import { databaseKind, on, type DatabaseKind } from '../platform/database.ts'
import { readRunSummaries } from './reading.ts'
import type { RunSummary } from './run.ts'
import { assertFits, type RunCondition, type RunOrder } from './search/filter.ts'
import type { Search, SearchDeps } from './search/context.ts'
import { findPlaces } from './search/find.ts'
import { placeOf, sortKeysOf, tokenOf, type Place } from './search/sort.ts'
import { sourceOf, type Source } from './search/source.ts'

export {
  filtersMax,
  ordersMax,
  RunConditionBody,
  RunOrder,
  type RunCondition,
  type RunFilter,
} from './search/filter.ts'
export type { SearchDeps } from './search/context.ts'

export interface RunSearch {
  /** Ids of experiments; all by default. */
  readonly experimentIds?: readonly number[] | undefined
  /** The name of one experiment, in place of its id. */
  readonly experiment?: string | undefined
  /** All runs by default. */
  readonly condition?: RunCondition | undefined
  /** The first decides, the next where it is alike; in the end the newest first, then by id. */
  readonly orderBy?: readonly RunOrder[] | undefined
  readonly limit: number
  /** `next` of the page before, of the same order. */
  readonly after?: string | undefined
  /** `active` by default. */
  readonly view?: 'active' | 'deleted' | 'all' | undefined
}

export interface RunPage {
  readonly runs: readonly RunSummary[]
  /** Absent on the last page. */
  readonly next?: string
}

/** @throws DomainError run_filter, run_field, run_orders_twice, page_token, run_filters_too_many */
export async function searchRuns(deps: SearchDeps, search: RunSearch): Promise<RunPage> {
  const { ids, ...rest } = await findRuns(deps, search)
  return { runs: await readRunSummaries(deps.db, ids), ...rest }
}

/** The ids of the page alone. @throws DomainError as `searchRuns` */
export async function findRuns(
  deps: SearchDeps,
  request: RunSearch,
): Promise<{ readonly ids: readonly string[]; readonly next?: string }> {
  const { condition = { all: [] }, limit } = request
  assertFits(condition)
  const kind = databaseKind(deps.db)
  const keys = sortKeysOf(request.orderBy ?? [], kind)
  const after = request.after === undefined ? undefined : placeOf(request.after, keys)
  const experimentIds = await experimentIdsOf(deps, request)
  if (experimentIds?.length === 0) return { ids: [] }
  const scope = scopeOf(request, experimentIds)
  const experimentId = experimentIds?.length === 1 ? experimentIds[0] : undefined
  const runs = await guessRuns(deps, kind)
  const search: Search = { deps, kind, scope, experimentId, keys, runs, counts: new Map() }
  const source = sourceWithin(request, { experimentIds, source: sourceOf({ all: [condition] }, kind) })
  // One more than the page, to know whether there is another.
  const places: Place[] = await findPlaces(search, { condition, source, at: 0, after, limit: limit + 1 })
  const page = places.slice(0, limit)
  const ids = page.map(({ id }) => id)
  const last = page.at(-1)
  return places.length > page.length && last ? { ids, next: tokenOf(last, keys) } : { ids }
}

async function experimentIdsOf(
  { db }: SearchDeps,
  { experimentIds, experiment }: RunSearch,
): Promise<readonly number[] | undefined> {
  if (experiment === undefined) return experimentIds && [...new Set(experimentIds)]
  const found = await on(db).selectFrom('experiment').select('id').where('name', '=', experiment).executeTakeFirst()
  return found ? [found.id] : []
}

/** About how many there are. */
async function guessRuns({ db, reader }: SearchDeps, kind: DatabaseKind): Promise<number> {
  const guess =
    kind === 'sqlite'
      ? sql<{ count: number }>`select coalesce(max(rowid), 0) as count from run`
      : sql<{ count: number }>`select reltuples as count from pg_class where oid = cast('run' as regclass)`
  const [row] = await reader.all(guess.compile(on(db)))
  // PostgreSQL has not counted a table that is new.
  return Math.max(Number(row?.count ?? 0), runsMin)
}

const runsMin = 1000

const inExperiments = (ids: readonly number[]): RawBuilder<boolean> =>
  // Numbers, and few distinct ones in practice: written out they are no parameters.
  sql`run.experiment_id in (${sql.join(ids.map((id) => sql.lit(id)))})`

function scopeOf({ view = 'active' }: RunSearch, experimentIds: readonly number[] | undefined): RawBuilder<boolean> {
  const conditions = [
    ...(experimentIds ? [inExperiments(experimentIds)] : []),
    ...(view === 'active' ? [sql<boolean>`run.deleted_at_ms is null`] : []),
    ...(view === 'deleted' ? [sql<boolean>`run.deleted_at_ms is not null`] : []),
  ]
  return conditions.length === 0 ? sql`1 = 1` : sql`${sql.join(conditions, sql` and `)}`
}

/** The scope has indexes of its own. */
function sourceWithin(
  { view }: RunSearch,
  { experimentIds, source }: { experimentIds: readonly number[] | undefined; source: Source | undefined },
): Source | undefined {
  const sources = [
    source,
    experimentIds && {
      ids: sql<{ id: string }>`select id from run where ${inExperiments(experimentIds)}`,
      isScan: false,
      covers: [],
    },
    view === 'deleted'
      ? { ids: sql<{ id: string }>`select id from run where deleted_at_ms is not null`, isScan: false, covers: [] }
      : undefined,
  ].filter((each) => each !== undefined)
  return sources.length === 0 ? undefined : { cheapest: sources }
}
