// Whatever a search asks for and whichever way it is read, it finds what a plain model of it finds, in the same order, page after page.
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { governanceMigrations } from '../../governance/migrations.ts'
import { foldCondition } from '../../platform/condition.ts'
import { on } from '../../platform/database.ts'
import { eventMigrations } from '../../platform/events.ts'
import { readerOf } from '../../platform/reader.ts'
import { createTestDatabase, testDatabaseKind, type TestDatabase } from '../../platform/testing.ts'
import { createGenerator, type Generator } from '../../statistics/random.ts'
import { artifactMigrations } from '../../artifacts/migrations.ts'
import { experimentMigrations } from '../migrations.ts'
import { findRuns, type RunCondition, type RunFilter, type RunOrder, type RunSearch } from '../search.ts'
import { chunksOf } from '../../platform/chunks.ts'
import type { ExperimentTables } from '../tables.ts'

interface Metric {
  readonly latest: number
  readonly min: number | null
  readonly max: number | null
}
interface ModelRun {
  readonly id: string
  readonly experiment: number
  readonly name: string
  readonly state: string
  readonly startedAtMs: number
  readonly endedAtMs: number | null
  readonly isDeleted: boolean
  readonly metrics: Readonly<Record<string, Metric>>
  readonly params: Readonly<Record<string, string>>
  readonly tags: Readonly<Record<string, string>>
  /** Of the datasets by number, with the context. */
  readonly inputs: readonly { readonly dataset: number; readonly context: string }[]
}

const runCount = 1500
const long = 'ü'.repeat(230)

/** Few values and many ties, gaps, NaN and infinities; some keys of few runs. */
function modelRun(at: number, random: Generator): ModelRun {
  const has = (share: number): boolean => random.uniform() < share
  const metric = (latest: number): Metric => {
    const isNan = Number.isNaN(latest)
    const low = isNan && has(0.5) ? null : (isNan ? 0 : latest) - random.integer(3)
    return { latest, min: low, max: low === null ? null : Math.max(low, isNan ? 0 : latest) + random.integer(2) }
  }
  const tied = [Number.NaN, Infinity, 0, 1, 2, 3][random.integer(6)]!
  return {
    id: `${'fedcba'[at % 6]!}${at}`,
    experiment: at % 50 === 0 ? 3 : at % 4 === 0 ? 2 : 1,
    name: `${['Bold', 'calm', 'ÜBER'][at % 3]!}-${at % 700}`,
    state: ['running', 'finished', 'failed'][random.integer(3)]!,
    startedAtMs: 1000 + Math.floor(at / 7),
    endedAtMs: has(0.3) ? null : 2000 + random.integer(40),
    isDeleted: at % 11 === 5,
    metrics: {
      ...(has(0.8) ? { tied: metric(tied) } : {}),
      ...(has(0.9) ? { loss: metric(random.uniform()) } : {}),
      ...(at % 150 === 1 ? { rare: metric(random.uniform()) } : {}),
    },
    params: {
      ...(has(0.9) ? { kind: `v${random.integer(4)}` } : {}),
      ...(has(0.3) ? { long: `${long}${random.integer(3)}` } : {}),
      own: `own-${at}`,
    },
    tags: has(0.5) ? { team: ['red', 'Red', 'b_ue%', 'b*ue['][random.integer(4)]! } : {},
    inputs: has(0.6) ? [{ dataset: random.integer(3), context: ['', 'train', 'test'][random.integer(3)]! }] : [],
  }
}

const datasets = [0, 1, 2].map((at) => ({ name: `data-${at}`, digest: `d${at}` }))

async function openWith(runs: readonly ModelRun[]): Promise<TestDatabase<ExperimentTables>> {
  const migrations = { ...eventMigrations, ...governanceMigrations, ...artifactMigrations, ...experimentMigrations }
  const db = await createTestDatabase<ExperimentTables>(migrations)
  const insert = async <T extends keyof ExperimentTables>(table: T, rows: readonly object[]): Promise<void> => {
    for (const chunk of chunksOf(rows))
      await on(db)
        .insertInto(table)
        .values(chunk as never)
        .execute()
  }
  const times = { created_at_ms: 1, updated_at_ms: 1 }
  await insert(
    'experiment',
    [1, 2, 3].map((id) => ({ id, name: `e${id}`, artifact_location: '', ...times })),
  )
  const source = { experiment_id: 1, source_type: 'local', source: '{}' }
  await insert(
    'logged_dataset',
    datasets.map((dataset) => ({ ...source, ...dataset })),
  )
  await insert(
    'run',
    runs.map((run) => ({
      id: run.id,
      experiment_id: run.experiment,
      name: run.name,
      state: run.state,
      started_at_ms: run.startedAtMs,
      ended_at_ms: run.endedAtMs,
      deleted_at_ms: run.isDeleted ? 5 : null,
      created_by: 'me',
      user_id: `user-${run.experiment}`,
      artifact_uri: `s3://${run.name}`,
      seeds: '{}',
    })),
  )
  await insert(
    'run_metric',
    runs.flatMap(({ id, metrics }) =>
      Object.entries(metrics).map(([key, { latest, min, max }]) => ({
        run_id: id,
        key,
        latest: Number.isNaN(latest) ? 0 : latest,
        latest_is_nan: Number.isNaN(latest) ? 1 : 0,
        step: 0,
        at_ms: 0,
        min_value: min,
        max_value: max,
        points: 1,
        is_ordered: 1,
      })),
    ),
  )
  const texts = (of: (run: ModelRun) => Readonly<Record<string, string>>) =>
    runs.flatMap((run) => Object.entries(of(run)).map(([key, value]) => ({ run_id: run.id, key, value })))
  await insert(
    'run_param',
    texts(({ params }) => params),
  )
  await insert(
    'run_tag',
    texts(({ tags }) => tags),
  )
  await insert(
    'run_dataset',
    runs.flatMap(({ id, inputs }) =>
      inputs.map(({ dataset, context }) => ({ run_id: id, dataset_id: dataset + 1, context, tags: '{}' })),
    ),
  )
  // PostgreSQL does so by itself, within a minute.
  if (testDatabaseKind === 'postgres') await sql`analyze`.execute(on(db))
  return db
}

/** What a field of a run holds: none, one or, of datasets, several. */
function valuesOf(run: ModelRun, field: string): (string | number)[] {
  const [, part, key = ''] = /^(?:(min|max)\()?metrics\.(\w+)\)?$/v.exec(field) ?? []
  if (key) {
    const metric = run.metrics[key]
    const value = metric && (part === 'min' ? metric.min : part === 'max' ? metric.max : metric.latest)
    return value === undefined || value === null ? [] : [value]
  }
  const one = (value: string | number | null | undefined): (string | number)[] =>
    value === null || value === undefined ? [] : [value]
  if (field.startsWith('params.')) return one(run.params[field.slice(7)])
  if (field.startsWith('tags.')) return one(run.tags[field.slice(5)])
  if (field === 'datasets.context') return run.inputs.map(({ context }) => context).filter((context) => context !== '')
  if (field === 'datasets.name') return run.inputs.map(({ dataset }) => datasets[dataset]!.name)
  if (field === 'userId') return [`user-${run.experiment}`]
  return one(run[field as 'id' | 'name' | 'state' | 'startedAtMs' | 'endedAtMs'])
}

function likePattern(pattern: string, flags: string): RegExp {
  const signs: Readonly<Record<string, string | undefined>> = { '%': '.*', _: '.' }
  return new RegExp(`^${Array.from(pattern, (sign) => signs[sign] ?? RegExp.escape(sign)).join('')}$`, flags)
}

function compares(found: string | number, { operator, value }: RunFilter): boolean {
  const wanted = (typeof found === 'number' ? Number(value) : value) as typeof found
  if (operator === '=') return Object.is(found, wanted)
  if (operator === '!=') return !Object.is(found, wanted)
  if (operator === '<') return found < wanted
  if (operator === '<=') return found <= wanted
  if (operator === '>') return found > wanted
  if (operator === '>=') return found >= wanted
  if (operator === 'in') return (value as string[]).includes(String(found))
  if (operator === 'not in') return !(value as string[]).includes(String(found))
  return likePattern(String(value), operator === 'like' ? 'su' : 'si').test(String(found))
}

function holds(run: ModelRun, filter: RunFilter): boolean {
  const values = valuesOf(run, filter.field)
  if (filter.operator === 'present') return values.length > 0
  if (filter.operator === 'missing') return values.length === 0
  return values.some((value) => compares(value, filter))
}

function rankOf(run: ModelRun, field: string): number {
  const [value] = valuesOf(run, field)
  if (value !== undefined) return Number.isNaN(value) ? 1 : 0
  return field.includes('(') && run.metrics[/\.(\w+)/v.exec(field)![1]!] ? 1 : 2
}

function expectedIds(runs: readonly ModelRun[], search: Omit<RunSearch, 'limit'>): string[] {
  const orders: RunOrder[] = [...(search.orderBy ?? [])]
  if (!orders.some(({ field }) => field === 'startedAtMs')) orders.push({ field: 'startedAtMs', isAscending: false })
  const found = runs.filter((run) => {
    const isInView = search.view === 'all' || run.isDeleted === (search.view === 'deleted')
    const isInScope = !search.experimentIds || search.experimentIds.includes(run.experiment)
    const fold = {
      leaf: (leaf: RunFilter) => holds(run, leaf),
      all: (parts: readonly boolean[]) => parts.every(Boolean),
      any: (parts: readonly boolean[]) => parts.some(Boolean),
      not: (part: boolean) => !part,
    }
    return isInView && isInScope && foldCondition<RunFilter, boolean>(search.condition ?? { all: [] }, fold)
  })
  const compare = (a: ModelRun, b: ModelRun): number => {
    for (const { field, isAscending } of orders) {
      const rank = rankOf(a, field) - rankOf(b, field)
      if (rank !== 0) return rank
      const [x, y] = [valuesOf(a, field)[0]!, valuesOf(b, field)[0]!]
      if (rankOf(a, field) === 0 && x !== y) return x < y === isAscending ? -1 : 1
    }
    return a.id < b.id ? -1 : 1
  }
  return found.toSorted(compare).map(({ id }) => id)
}

const filters: readonly RunFilter[] = [
  { field: 'metrics.tied', operator: '>', value: 0 },
  { field: 'metrics.tied', operator: '=', value: 1 },
  { field: 'metrics.tied', operator: '!=', value: 1 },
  { field: 'metrics.tied', operator: '=', value: 'NaN' },
  { field: 'metrics.tied', operator: '!=', value: 'NaN' },
  { field: 'metrics.tied', operator: '<=', value: 'Infinity' },
  { field: 'metrics.tied', operator: 'missing' },
  { field: 'metrics.loss', operator: '<', value: 0.9 },
  { field: 'metrics.loss', operator: '>=', value: 0.2 },
  { field: 'metrics.loss', operator: '>', value: 0.6 },
  { field: 'metrics.loss', operator: '>', value: 2 },
  { field: 'metrics.rare', operator: 'present' },
  { field: 'metrics.rare', operator: '<', value: 0.5 },
  { field: 'min(metrics.tied)', operator: '<', value: 1 },
  { field: 'max(metrics.tied)', operator: 'missing' },
  { field: 'max(metrics.loss)', operator: '>=', value: 1 },
  { field: 'params.kind', operator: '=', value: 'v1' },
  { field: 'params.kind', operator: '!=', value: 'v1' },
  { field: 'params.kind', operator: 'in', value: ['v0', 'v2', 'none'] },
  { field: 'params.kind', operator: 'not in', value: ['v0'] },
  { field: 'params.kind', operator: 'like', value: '%3' },
  { field: 'params.kind', operator: 'like', value: '%none%' },
  { field: 'params.kind', operator: 'missing' },
  { field: 'params.long', operator: '=', value: `${long}1` },
  { field: 'params.long', operator: 'in', value: [`${long}1`, `${long}2`] },
  { field: 'params.long', operator: 'like', value: '%2' },
  { field: 'params.own', operator: 'like', value: 'own-1%' },
  { field: 'params.own', operator: '=', value: 'own-77' },
  { field: 'tags.team', operator: 'ilike', value: 'RED' },
  { field: 'tags.team', operator: 'like', value: 'b_ue%' },
  { field: 'tags.team', operator: 'like', value: 'b*ue[' },
  { field: 'tags.team', operator: 'present' },
  { field: 'name', operator: 'like', value: '%-1%' },
  { field: 'name', operator: 'ilike', value: 'bold%' },
  { field: 'name', operator: '=', value: 'calm-1' },
  { field: 'id', operator: 'in', value: Array.from({ length: 90 }, (_, at) => `a${at * 6 + 5}`) },
  { field: 'state', operator: '=', value: 'failed' },
  { field: 'state', operator: '!=', value: 'failed' },
  { field: 'userId', operator: 'like', value: '%-2' },
  { field: 'startedAtMs', operator: '>', value: 1050 },
  { field: 'startedAtMs', operator: '<=', value: 1060 },
  { field: 'endedAtMs', operator: '>=', value: 2010 },
  { field: 'endedAtMs', operator: 'missing' },
  { field: 'datasets.name', operator: '=', value: 'data-1' },
  { field: 'datasets.name', operator: '!=', value: 'data-1' },
  { field: 'datasets.context', operator: 'in', value: ['train'] },
]
const orderFields = [
  'metrics.tied',
  'metrics.loss',
  'metrics.rare',
  'min(metrics.tied)',
  'max(metrics.loss)',
  'params.kind',
  'params.long',
  'params.own',
  'tags.team',
  'name',
  'state',
  'userId',
  'startedAtMs',
  'endedAtMs',
  'id',
]

function randomCondition(random: Generator, depth: number): RunCondition {
  const kind = depth === 0 ? 0 : random.integer(6)
  const parts = (): RunCondition[] =>
    Array.from({ length: 1 + random.integer(3) }, () => randomCondition(random, depth - 1))
  if (kind === 3) return { any: parts() }
  if (kind === 4) return { not: randomCondition(random, depth - 1) }
  if (kind === 5 || kind === 2) return { all: parts() }
  return filters[random.integer(filters.length)]!
}

function randomSearch(random: Generator): RunSearch {
  const fields = random.shuffle([...orderFields]).slice(0, random.integer(4))
  const scopes = [undefined, [1], [2], [1, 2, 3], [3, 1], [9]]
  return {
    condition: random.integer(8) === 0 ? undefined : randomCondition(random, 3),
    orderBy: fields.map((field) => ({ field, isAscending: random.integer(2) === 0 })),
    experimentIds: scopes[random.integer(scopes.length)],
    view: (['active', 'active', 'all', 'deleted'] as const)[random.integer(4)]!,
    limit: [1, 7, 60, 250, 2000][random.integer(5)]!,
  }
}

test('searches find what a plain model of them finds', async () => {
  const random = createGenerator('run search')
  const runs = Array.from({ length: runCount }, (_, at) => modelRun(at, random))
  await using db = await openWith(runs)
  const deps = { db, reader: readerOf(db) }
  const pagesMax = 12
  for (let round = 0; round < 120; round++) {
    const search = randomSearch(random)
    const expected = expectedIds(runs, search)
    const found: string[] = []
    let after: string | undefined
    for (let page = 0; page < pagesMax; page++) {
      const { ids, next } = await findRuns(deps, { ...search, after })
      found.push(...ids)
      after = next
      if (after === undefined) break
    }
    const shown = JSON.stringify(search)
    expect([shown, found]).toEqual([shown, expected.slice(0, pagesMax * search.limit)])
    expect([shown, after === undefined]).toEqual([shown, expected.length <= pagesMax * search.limit])
  }
})

test('each filter and each order alone finds what the model finds', async () => {
  const random = createGenerator('each run search')
  const runs = Array.from({ length: runCount }, (_, at) => modelRun(at, random))
  await using db = await openWith(runs)
  const deps = { db, reader: readerOf(db) }
  for (const condition of filters.flatMap((filter): RunCondition[] => [filter, { not: filter }])) {
    const { ids } = await findRuns(deps, { condition, limit: 2000 })
    expect([JSON.stringify(condition), ids]).toEqual([JSON.stringify(condition), expectedIds(runs, { condition })])
  }
  for (const field of orderFields) {
    const orderBy = [{ field, isAscending: true }]
    const { ids } = await findRuns(deps, { orderBy, limit: 2000 })
    expect([field, ids]).toEqual([field, expectedIds(runs, { orderBy })])
  }
})
