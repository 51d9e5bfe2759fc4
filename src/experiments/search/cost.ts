// Which index a search is read from: how many runs each gives is counted, up to where it does not matter.
import { sql, type RawBuilder } from 'kysely'
import { on, type DatabaseKind } from '../../platform/database.ts'
import type { RunCondition } from './filter.ts'
import type { Counted, Search } from './context.ts'
import type { Absence, IdQuery, IndexRead, Source } from './source.ts'

/**
 * Of one index; beyond it, an index is read only when walking the order has found too little, and then counted on. PostgreSQL reads the rows too
 * to count an index of what begins a text.
 */
const countMax: Readonly<Record<DatabaseKind, number>> = { sqlite: 20_000, postgres: 10_000 }
const countedOnMax = 60_000
/** To look into an index for a run costs about as much as to read so many of its rows in a row. */
const amongPerRead = 4
/** So few are read at once, and nothing else is considered. */
const fewMax = 500
/** What has to be looked through for so many ids is not looked through again. */
const scannedMax = 5000

export interface Choice extends Counted {
  /** Other indexes that are read whole, rather than looked into for each run. */
  readonly among: readonly IdQuery[]
  /** No run can have it. */
  readonly isEmpty: boolean
}

type Counts = ReadonlyMap<IndexRead | Absence, Counted>

/** Undefined without an index. */
export async function chooseReads(search: Search, source: Source | undefined): Promise<Choice | undefined> {
  if (!source) return undefined
  const reads = readsOf(source).filter((read) => !search.counts.has(read))
  await countReads(
    search,
    reads.filter((read) => !('isScan' in read && read.isScan)),
  )
  const choice = choiceOf(source, search.counts)
  if (choice && (choice.count <= fewMax || choice.isEmpty)) return choice
  for (const read of reads) if ('isScan' in read && read.isScan) await readScan(search, read)
  return choiceOf(source, search.counts)
}

/** The choice once more, after the indexes that have many runs were counted on, as far as that can change it. */
export async function chooseAmongMany(search: Search, source: Source, choice: Choice): Promise<Choice | undefined> {
  const max = choice.isMany ? countedOnMax : Math.min(countedOnMax, choice.count * amongPerRead)
  const many = readsOf(source).filter(
    (read) => search.counts.get(read)?.isMany === true && 'covers' in read && read.covers.length > 0,
  )
  if (many.length === 0 || choice.count <= fewMax || max <= countMax[search.kind]) return choice
  await countReads(search, many, max)
  return choiceOf(source, search.counts)
}

function readsOf(source: Source): (IndexRead | Absence)[] {
  if ('cheapest' in source) return source.cheapest.flatMap(readsOf)
  return 'together' in source ? source.together.flatMap(readsOf) : [source]
}

/** Of all runs, how many pass a part of the condition: half of them where nothing is known. */
export function sharesOf({ counts }: Search, source: Source | undefined): (part: RunCondition) => number {
  const shares = new Map<RunCondition, number>()
  for (const read of source ? readsOf(source) : []) {
    if (!('covers' in read)) continue
    for (const part of read.covers) shares.set(part, counts.get(read)?.share ?? 0.5)
  }
  return (part) => shares.get(part) ?? 0.5
}

async function countReads(
  search: Search,
  reads: readonly (IndexRead | Absence)[],
  max: number = countMax[search.kind],
): Promise<void> {
  if (reads.length === 0) return
  const { db, reader } = search.deps
  const columns = reads.map((read, at) => {
    const count =
      'present' in read
        ? sql`(select count(*) from run) - (select count(*) from (${read.present}) i)`
        : sql`(select count(*) from (select 1 from (${read.ids}) i limit ${sql.lit(max)}) c)`
    return sql`${count} as ${sql.ref(`c${at}`)}`
  })
  const [row] = await reader.all(sql<Record<string, number>>`select ${sql.join(columns)}`.compile(on(db)))
  for (const [at, read] of reads.entries()) {
    const count = Number(row![`c${at}`])
    const share = Math.min(1, count / Math.max(1, search.runs))
    const isMany = !('present' in read) && count >= max
    const ids = 'present' in read ? noIds : read.ids
    const covers = 'present' in read ? [] : read.covers
    search.counts.set(read, { count, isMany, ids, covers, share: isMany ? Math.max(share, manyShare) : share })
  }
}

const noIds: IdQuery = sql`select id from run where 1 = 0`
/** Of all runs, where an index has more than were counted. */
const manyShare = 0.5

/** Looking through takes longer than taking the ids along. */
async function readScan(search: Search, read: IndexRead): Promise<void> {
  const { deps, kind, runs } = search
  const { db, reader } = deps
  const query: RawBuilder<{ id: string; cut?: unknown }> = read.ifWhole?.ids ?? read.ids
  const rows = await reader.all(sql<{ id: string; cut?: unknown }>`${query} limit ${scannedMax + 1}`.compile(on(db)))
  const isWhole = rows.length <= scannedMax
  const found = rows.map(({ id }) => id)
  const list: IdQuery =
    kind === 'postgres'
      ? sql`select unnest(cast(${found} as text[])) as id`
      : sql`select value as id from json_each(${JSON.stringify(found)})`
  const ids = isWhole ? list : read.ids
  const count = isWhole ? rows.length : countMax[kind]
  const covers = isWhole && read.ifWhole && !rows.some(({ cut }) => cut) ? read.ifWhole.covers : read.covers
  const share = Math.min(1, rows.length / Math.max(1, runs))
  search.counts.set(read, { count, isMany: !isWhole, ids, covers, share })
}

/** Undefined where an index was not counted. */
function choiceOf(source: Source, counts: Counts): Choice | undefined {
  if ('together' in source) return togetherOf(source, counts)
  if ('cheapest' in source) return cheapestOf(source.cheapest, counts)
  const counted = counts.get(source)
  if (!counted) return undefined
  const isEmpty = counted.count === 0
  // An absence is no index: nothing can be read from it.
  if ('present' in source) return { ...counted, count: Infinity, isMany: true, among: [], isEmpty }
  return { ...counted, among: [], isEmpty }
}

function togetherOf(
  { together: parts, covers }: Extract<Source, { together: unknown }>,
  counts: Counts,
): Choice | undefined {
  const choices = parts.map((part) => choiceOf(part, counts)).filter((each) => each !== undefined)
  if (choices.length < parts.length) return undefined
  const queries = choices.map(({ ids }) => ids)
  return {
    ids: queries.length === 0 ? noIds : sql`${sql.join(queries, sql` union `)}`,
    count: choices.reduce((sum, { count }) => sum + count, 0),
    isMany: choices.some(({ isMany }) => isMany),
    share: Math.min(
      1,
      choices.reduce((sum, { share }) => sum + share, 0),
    ),
    among: [],
    covers,
    isEmpty: choices.every(({ isEmpty }) => isEmpty),
  }
}

function cheapestOf(parts: readonly Source[], counts: Counts): Choice | undefined {
  const choices = parts.map((part) => choiceOf(part, counts)).filter((each) => each !== undefined)
  const [best, ...others] = choices.toSorted((a, b) => a.count - b.count)
  if (!best) return undefined
  const among =
    best.count <= fewMax ? [] : others.filter(({ count, isMany }) => !isMany && count <= amongPerRead * best.count)
  return {
    ids: best.ids,
    count: best.count,
    isMany: best.isMany,
    share: choices.reduce((share, each) => share * each.share, 1),
    among: [...best.among, ...among.flatMap((each) => [each.ids, ...each.among])],
    covers: [best, ...among].flatMap(({ covers }) => covers),
    isEmpty: choices.some(({ isEmpty }) => isEmpty),
  }
}

/** In looks into an index. */
const looksPerWalkedRun = 3
const looksPerReadRun = 2
const looksPerRunAmong = 1

/** What reading the chosen index costs, and all runs without one. */
export function readCost(choice: Choice | undefined, { runs }: Search): number {
  if (!choice || choice.count === Infinity) return runs * looksPerReadRun
  if (choice.count <= fewMax) return 0
  const count = choice.isMany ? Math.max(choice.count, choice.share * runs) : choice.count
  return count * (choice.among.length > 0 ? looksPerRunAmong : looksPerReadRun)
}

/** What walking the order costs until so many are found. */
export const walkCost = (missing: number, share: number): number =>
  (missing / Math.max(share, 1e-9)) * looksPerWalkedRun
