// The proof that all came over: each kind of thing as the source tells it and as the home does, by counts and digests.
import { sql } from 'kysely'
import { chunksOf } from '../../../platform/chunks.ts'
import { on } from '../../../platform/database.ts'
import type { ImportDeps, LeftBehind } from '../deps.ts'
import type { Comparison, Owners, Renamed, Row } from './comparison.ts'
import { SetDigest } from './digest.ts'
import { evaluationDatasets, issues, labelSchemas, reviewQueues, scorers, webhooks } from './labelling.ts'
import { registeredModels } from './registry.ts'
import type { Report } from './report.ts'
import { experiments, loggedModels, runs } from './tracking.ts'
import { traces } from './traces.ts'

const all: readonly Owners[] = [
  experiments,
  runs,
  loggedModels,
  registeredModels,
  traces,
  evaluationDatasets,
  scorers,
  issues,
  labelSchemas,
  reviewQueues,
  webhooks,
]

export interface VerifyDeps extends Renamed {
  readonly left: readonly LeftBehind[]
  readonly tell: (what: string) => void
}

/** Adds to the report. Reads both sides, and writes nothing. */
export async function verifyImport(deps: VerifyDeps, report: Report): Promise<void> {
  const left = new Set(deps.left.map(({ table, id }) => `${table} ${id}`))
  for (const owners of all) {
    let compared = 0
    for await (const ids of pagesOf(deps.deps, owners)) {
      const here = ids.filter((id) => !left.has(`${owners.table} ${String(id)}`))
      for (const comparison of owners.comparisons) await compare(deps, { owners, comparison, ids: here }, report)
      compared += here.length
      deps.tell(`${owners.table} compared: ${compared}`)
    }
  }
}

type Id = string | number | bigint

const idsPerPage = 500

async function* pagesOf({ source }: ImportDeps, { table, key }: Owners): AsyncGenerator<Id[]> {
  if (!(await source.columnsOf(table)).has(key)) return
  if (table === experiments.table) {
    const rows = await source.all(`select ${key} from ${table} order by ${key}`)
    yield* chunksOf(
      rows.map((row) => row[key] as Id),
      idsPerPage,
    )
    return
  }
  for (let after = ''; ;) {
    const rows = await source.all(`select ${key} from ${table} where ${key} > ? order by ${key} limit ${idsPerPage}`, [
      after,
    ])
    if (rows.length === 0) return
    const ids = rows.map((row) => String(row[key]))
    yield ids
    after = ids.at(-1)!
  }
}

interface Compared {
  readonly owners: Owners
  readonly comparison: Comparison
  readonly ids: readonly Id[]
}

async function compare(deps: VerifyDeps, { owners, comparison, ids }: Compared, report: Report): Promise<void> {
  if (ids.length === 0) return
  const there = await digestsOf(theirRows(deps, comparison, ids), comparison)
  const here = await digestsOf(ourRows(deps, comparison, ids), comparison)
  for (const id of new Set([...there.keys(), ...here.keys()])) {
    const [theirs, ours] = [there.get(id) ?? new SetDigest(), here.get(id) ?? new SetDigest()]
    report.add({ kind: comparison.kind, whose: `the ${owners.noun} ${id}` }, { theirs, ours })
  }
}

async function digestsOf(
  chunks: AsyncIterable<readonly Row[]>,
  { owner, columns }: Comparison,
): Promise<Map<string, SetDigest>> {
  const digests = new Map<string, SetDigest>()
  for await (const rows of chunks)
    for (const row of rows) {
      const id = String(row[owner])
      const digest = digests.get(id) ?? new SetDigest()
      digests.set(id, digest)
      digest.add(columns.map((column) => canonical(row[column])).join(' '))
    }
  return digests
}

/**
 * A text that is not there and an empty one are one to every client; infinities are the largest numbers, as an MLflow database keeps
 * them.
 */
function canonical(value: unknown): string {
  if (value === null || value === undefined || value === '') return ''
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'boolean') return value ? '1' : '0'
  if (value === Infinity) return String(Number.MAX_VALUE)
  if (value === -Infinity) return String(-Number.MAX_VALUE)
  return String(value as number | bigint)
}

async function* theirRows(
  { deps, ...renamed }: VerifyDeps,
  { tables, theirs, expected, isReadWhole }: Comparison,
  ids: readonly Id[],
): AsyncGenerator<Row[]> {
  for (const table of tables) if ((await deps.source.columnsOf(table)).size === 0) return
  const text = typeof theirs === 'string' ? theirs : await theirs(deps.source)
  const query = text.replace(':owners', ids.map(() => '?').join(', '))
  const chunks = isReadWhole ? [await deps.source.all(query, ids)] : deps.source.rows(query, ids)
  for await (const rows of chunks) {
    const here: Row[] = []
    for (const row of rows) {
      const told = expected ? await expected(row, { deps, ...renamed }) : row
      if (told) here.push(told)
    }
    yield here
  }
}

async function* ourRows(
  { deps, experiments: idsHere }: VerifyDeps,
  { owner, ours }: Comparison,
  ids: readonly Id[],
): AsyncGenerator<readonly Row[]> {
  const list = sql.join(owner === experiments.key ? ids.map((id) => idsHere.get(String(id)) ?? 0) : ids)
  for (const { query, rows } of ours) {
    const ofThem = sql<Row>`select * from (${sql.raw(query)}) told where ${sql.ref(owner)} in (${list})`
    for await (const chunk of deps.reader.rows(ofThem.compile(on(deps.db)))) yield rows ? chunk.flatMap(rows) : chunk
  }
}
