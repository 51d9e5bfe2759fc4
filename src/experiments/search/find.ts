// Finding the runs of one page: by the index of a condition when few runs have it, else by walking the index of the order until the page is full.
import { sql, type RawBuilder } from 'kysely'
import { sqlOfCondition } from '../../platform/condition.ts'
import { on, type DatabaseKind } from '../../platform/database.ts'
import { comparisonOf, startText } from './condition.ts'
import { chooseAmongMany, chooseReads, readCost, sharesOf, walkCost, type Choice } from './cost.ts'
import type { Search } from './context.ts'
import type { RunCondition, RunFilter } from './filter.ts'
import { isAfter, placeColumns, placeOfRow, sortingOf, type Place, type SortKey, type SortValue } from './sort.ts'
import { conjuncts, rangesOf, sourceOf, type Source } from './source.ts'

/** What is still to be found. */
interface Part {
  readonly condition: RunCondition
  readonly source: Source | undefined
  /** The key whose index gives the order: those before it are alike for all runs of the part. */
  readonly at: number
  readonly after: Place | undefined
  readonly limit: number
}

/** At most `limit` places, in order. */
export async function findPlaces(search: Search, part: Part): Promise<Place[]> {
  const choice = await chooseReads(search, part.source)
  if (choice?.isEmpty) return []
  const share = choice?.share ?? 1
  const cost = readCost(choice, search)
  const isWalk = search.keys[part.at]?.walk !== undefined && walkCost(part.limit, share) < cost
  const walked = isWalk ? await walkOrder(search, part, { share, cost }) : undefined
  if (walked) return walked
  return readAll(search, part, choice && part.source ? await chooseAmongMany(search, part.source, choice) : choice)
}

/** Without the parts that hold already, and those first that the fewest runs pass. */
function conditionSql(
  search: Search,
  { condition, source, after }: Part,
  { runId, covered = [] }: { runId: RawBuilder<unknown>; covered?: readonly RunCondition[] | undefined },
): RawBuilder<boolean> {
  const { kind, scope, keys } = search
  const shareOf = sharesOf(search, source)
  const all = conjuncts(condition)
    .filter((part) => !covered.includes(part))
    .toSorted((a, b) => shareOf(a) - shareOf(b))
  const holds = sqlOfCondition({ all }, (filter: RunFilter) => comparisonOf(filter, { kind, runId }))
  return after ? sql`${scope} and ${holds} and ${isAfter(keys, after)}` : sql`${scope} and ${holds}`
}

const joinsOf = (keys: readonly SortKey[]): RawBuilder<unknown> =>
  sql.join(
    keys.map(({ join }) => join),
    sql` `,
  )

async function placesOf(
  { deps: { db, reader }, keys }: Search,
  query: { from: RawBuilder<unknown>; where: RawBuilder<boolean>; limit: number },
): Promise<Place[]> {
  const rows = await reader.all(
    sql<Record<string, SortValue>>`select ${placeColumns(keys)} from ${query.from} ${joinsOf(keys)}
      where ${query.where} order by ${sortingOf(keys)} limit ${query.limit}`.compile(on(db)),
  )
  return rows.map((row) => placeOfRow(row, keys))
}

/** Looks at each run that the chosen indexes give, or at all of them, and sorts those that are left. */
function readAll(search: Search, part: Part, choice: Choice | undefined): Promise<Place[]> {
  const { limit } = part
  if (!choice || choice.count === Infinity) {
    return placesOf(search, { from: sql`run`, where: conditionSql(search, part, { runId: sql`run.id` }), limit })
  }
  const where = conditionSql(search, part, { runId: sql`d.id`, covered: choice.covers })
  // SQLite keeps to the order of a cross join.
  const from = sql`(${amongAll(search.kind, choice)}) d cross join run`
  return placesOf(search, { from, where: sql`run.id = d.id and ${where}`, limit })
}

/** SQLite looks ids up in a list that it makes once; PostgreSQL would make it for each where it guesses that memory is short. */
function amongAll(kind: DatabaseKind, { ids, among }: Choice): RawBuilder<unknown> {
  if (kind === 'postgres')
    return sql.join(
      [ids, ...among].map((each) => sql`select id from (${each}) i`),
      sql` intersect `,
    )
  if (among.length === 0) return ids
  const inEach = among.map((each) => sql`i.id in (${each})`)
  return sql`select i.id as id from (${ids}) i where ${sql.join(inEach, sql` and `)}`
}

const windowMin = 200
/** Of the first; the next are as long as what was found tells, up to so many times what was read. */
const firstWindowMax = 600
const windowGrowth = 5
/** More than the share says, since a window too short costs another. */
const windowMargin = 1.3

/** Where a walk goes on: from this value, which it has looked at already or not. */
interface Position {
  readonly value: SortValue
  readonly isDone: boolean
}

/**
 * Reads the index of the order window by window, sorting the runs of each by the other keys too. A value that fills a whole window is a search
 * of its own, by the next key. Undefined when reading the index of the condition has become the cheaper way.
 * @param expected the share of runs that pass, and the cost of the other way (cost.ts)
 */
async function walkOrder(
  search: Search,
  part: Part,
  expected: { readonly share: number; readonly cost: number },
): Promise<Place[] | undefined> {
  const { at, after, limit } = part
  const key = search.keys[at]!
  const walk = key.walk!
  const places: Place[] = []
  const isPast = after !== undefined && after.ranks[at] !== 0
  const begin = isPast ? undefined : (startOfWalk(key, part) ?? (await firstPosition(search, part)))
  let position = begin
  let isOver = begin === undefined
  let { share } = expected
  let rows = 0
  while (!isOver && places.length < limit) {
    const missing = limit - places.length
    if (walkCost(missing, share) > expected.cost) return undefined
    const longest = Math.max(firstWindowMax, windowGrowth * rows, 2 * limit)
    const window = Math.ceil(Math.min(longest, Math.max(windowMin, (missing / share) * windowMargin)))
    const { value: end, rows: read } = await valueAt(search, part, { position, offset: window })
    if (end !== undefined && !position!.isDone && end === position!.value) {
      const same = walk.same(end)
      if (!same) return undefined
      const isHere = after?.ranks[at] === 0 && indexedValue(key, after.values[at]!) === end
      places.push(
        ...(await findAlike(search, part, { filter: same, after: isHere ? after : undefined, limit: missing })),
      )
      position = { value: end, isDone: true }
      continue
    }
    places.push(...(await readWindow(search, { ...part, limit: missing }, { position, end })))
    rows += read
    share = (places.length + 1) / (rows + 1)
    isOver = end === undefined
    if (end !== undefined) position = { value: end, isDone: false }
  }
  for (const { rank, filter } of walk.rest) {
    const missing = limit - places.length
    if (missing <= 0 || (after && after.ranks[at]! > rank)) continue
    const isHere = after?.ranks[at] === rank
    places.push(...(await findAlike(search, part, { filter, after: isHere ? after : undefined, limit: missing })))
  }
  return places
}

/** Where the page before ended, or where the condition's own range of the order begins. */
function startOfWalk(key: SortKey, { at, after, condition }: Part): Position | undefined {
  if (after) return { value: indexedValue(key, after.values[at]!), isDone: false }
  const starts = key.isAscending ? ['>', '>=', '='] : ['<', '<=', '=']
  const start = rangesOf(condition, key.field).find(({ operator }) => starts.includes(operator))
  return start && { value: rangeValue(start), isDone: false }
}

const rangeValue = ({ value }: RunFilter): number | bigint => (typeof value === 'bigint' ? value : Number(value))

/** Where the condition's range of the order ends. */
function walkEnd({ isAscending, field, walk }: SortKey, condition: RunCondition): RawBuilder<boolean> {
  const ends = isAscending ? ['<', '<=', '='] : ['>', '>=', '=']
  const end = rangesOf(condition, field).find(({ operator }) => ends.includes(operator))
  if (!end) return sql`1 = 1`
  return isAscending ? sql`${walk!.value} <= ${rangeValue(end)}` : sql`${walk!.value} >= ${rangeValue(end)}`
}

/** As the index holds it: of a long text only the start. */
const indexedValue = ({ field }: SortKey, value: SortValue): SortValue =>
  typeof value === 'string' && (field.kind === 'param' || field.kind === 'tag') ? startText(value) : value

/** Among the runs that are alike by this key, in the order of the next. */
function findAlike(
  search: Search,
  part: Part,
  { filter, after, limit }: { filter: RunCondition; after: Place | undefined; limit: number },
): Promise<Place[]> {
  const sources = [part.source, sourceOf(filter, search.kind)].filter((each) => each !== undefined)
  return findPlaces(search, {
    condition: { all: [part.condition, filter] },
    source: sources.length === 0 ? undefined : { cheapest: sources },
    at: part.at + 1,
    after,
    limit,
  })
}

function walkScope({ keys, experimentId }: Search, { at, condition }: Part): RawBuilder<boolean> {
  const key = keys[at]!
  const { table, condition: own } = key.walk!
  const inExperiment = table === undefined && experimentId !== undefined
  const scope = inExperiment ? sql<boolean>`${own} and run.experiment_id = ${experimentId}` : own
  return sql`${scope} and ${walkEnd(key, condition)}`
}

function fromPosition({ isAscending, walk }: SortKey, position: Position | undefined): RawBuilder<boolean> {
  if (!position) return sql`1 = 1`
  const { value, isDone } = position
  if (isDone) return isAscending ? sql`${walk!.value} > ${value}` : sql`${walk!.value} < ${value}`
  return isAscending ? sql`${walk!.value} >= ${value}` : sql`${walk!.value} <= ${value}`
}

async function firstPosition(search: Search, part: Part): Promise<Position | undefined> {
  const { value } = await valueAt(search, part, { position: undefined, offset: 0 })
  return value === undefined ? undefined : { value, isDone: false }
}

/** The value that many rows on, undefined beyond the end, and how many rows come before the first that has it. */
async function valueAt(
  search: Search,
  part: Part,
  { position, offset }: { position: Position | undefined; offset: number },
): Promise<{ value: SortValue | undefined; rows: number }> {
  const key = search.keys[part.at]!
  const { table, value } = key.walk!
  const from = sql`from ${table ?? sql`run`} where ${walkScope(search, part)} and ${fromPosition(key, position)}`
  const direction = key.isAscending ? sql`asc` : sql`desc`
  const { db, reader } = search.deps
  const [end] = await reader.all(
    sql<{
      value: SortValue
    }>`select ${value} as value ${from} order by ${value} ${direction} limit 1 offset ${offset}`.compile(on(db)),
  )
  if (!end || offset === 0) return { value: end?.value, rows: offset }
  const before = key.isAscending ? sql`${value} < ${end.value}` : sql`${value} > ${end.value}`
  const [counted] = await reader.all(
    sql<{ count: number }>`select count(*) as count ${from} and ${before}`.compile(on(db)),
  )
  return { value: end.value, rows: Number(counted!.count) }
}

function readWindow(
  search: Search,
  part: Part,
  { position, end }: { position: Position | undefined; end: SortValue | undefined },
): Promise<Place[]> {
  const key = search.keys[part.at]!
  const { table, runId, value } = key.walk!
  const before = end === undefined ? sql`1 = 1` : key.isAscending ? sql`${value} < ${end}` : sql`${value} > ${end}`
  const joined = table ? sql`${runId} = run.id` : sql`1 = 1`
  return placesOf(search, {
    from: table ? sql`${table} cross join run` : sql`run`,
    where: sql`${walkScope(search, part)} and ${fromPosition(key, position)} and ${before} and ${joined} and ${conditionSql(search, part, { runId })}`,
    limit: part.limit,
  })
}
