// Runs on real databases: both find the same runs in the same order, page after page.
import { expect, test } from 'vitest'
import { governanceMigrations } from '../governance/migrations.ts'
import { testActor } from '../governance/testing.ts'
import { transact } from '../platform/database.ts'
import { eventMigrations } from '../platform/events.ts'
import { createTestDatabase, type TestDatabase } from '../platform/testing.ts'
import { logBatch } from './log-batch.ts'
import { artifactMigrations } from '../artifacts/migrations.ts'
import { experimentMigrations } from './migrations.ts'
import { createRun, finishRun, setRunDeleted, type RecordingTables } from './recording.ts'
import { readerOf } from '../platform/reader.ts'
import { searchRuns, type RunFilter, type RunSearch } from './search.ts'

const actor = testActor()

/** Runs r00, r01, …: metric auc = 0.00, 0.01, …, but for r03 (NaN), r04 (none) and r05 (Infinity). */
async function openWithRuns(count: number): Promise<TestDatabase<RecordingTables>> {
  const migrations = { ...eventMigrations, ...governanceMigrations, ...artifactMigrations, ...experimentMigrations }
  const db = await createTestDatabase<RecordingTables>(migrations)
  for (let i = 0; i < count; i++) {
    const id = `r${String(i).padStart(2, '0')}`
    await transact(db, async (trx) => {
      const params = { kind: i % 2 ? 'Odd_1' : 'even', long: 'ü'.repeat(3000) + i }
      const inputs = i === 7 ? [{ datasetVersion: 'flights/2', role: 'training' }] : []
      const experiment = i < count - 1 ? 'flights' : 'other'
      await createRun(trx, actor, { experiment, id, startedAtMs: 1000 + Math.floor(i / 2), params, inputs })
      const value = i === 3 ? Number.NaN : i === 5 ? Infinity : i / 100
      if (i !== 4) await logBatch(trx, id, { metrics: [{ key: 'auc', step: 0, atMs: 1, value }] })
      if (i % 3 === 0) await finishRun(trx, actor, { runId: id, state: 'finished' })
    })
  }
  return db
}

async function idsOf(db: TestDatabase<RecordingTables>, search: Omit<RunSearch, 'limit' | 'after'>): Promise<string[]> {
  const ids: string[] = []
  let after: string | undefined
  do {
    const page = await searchRuns({ db, reader: readerOf(db) }, { ...search, limit: 3, after })
    expect(page.runs.length).toBeLessThanOrEqual(3)
    ids.push(...page.runs.map(({ id }) => id))
    after = page.next
  } while (after !== undefined)
  return ids
}

test('runs come newest first, page after page, none twice and none missed', async () => {
  await using db = await openWithRuns(11)
  const all = ['r10', 'r08', 'r09', 'r06', 'r07', 'r04', 'r05', 'r02', 'r03', 'r00', 'r01']
  expect(await idsOf(db, {})).toEqual(all)
  expect(await idsOf(db, { experiment: 'flights' })).toEqual(all.slice(1))
  expect(await idsOf(db, { experimentIds: [2] })).toEqual(['r10'])
  expect(await idsOf(db, { experimentIds: [] })).toEqual([])
  const up = ['r00', 'r01', 'r02', 'r03', 'r04', 'r05', 'r06', 'r07', 'r08', 'r09', 'r10']
  expect(await idsOf(db, { orderBy: [{ field: 'startedAtMs', isAscending: true }] })).toEqual(up)
})

test('an order by a metric ends with NaN and then with runs that lack it, in both directions', async () => {
  await using db = await openWithRuns(8)
  const rest = ['r03', 'r04']
  const orderBy = { field: 'metrics.auc', isAscending: false }
  expect(await idsOf(db, { orderBy: [orderBy] })).toEqual(['r05', 'r07', 'r06', 'r02', 'r01', 'r00', ...rest])
  const ascending = { ...orderBy, isAscending: true }
  expect(await idsOf(db, { orderBy: [ascending] })).toEqual(['r00', 'r01', 'r02', 'r06', 'r07', 'r05', ...rest])
  const byParam = { field: 'params.kind', isAscending: true }
  expect(await idsOf(db, { orderBy: [byParam] })).toEqual(['r07', 'r05', 'r03', 'r01', 'r06', 'r04', 'r02', 'r00'])
  const byEnd = await idsOf(db, { orderBy: [{ field: 'endedAtMs', isAscending: true }] })
  expect(byEnd.slice(3)).toEqual(['r07', 'r04', 'r05', 'r02', 'r01'])
})

const cases: readonly [string, RunFilter[], string[]][] = [
  ['a metric above', [{ field: 'metrics.auc', operator: '>', value: 0.06 }], ['r07', 'r05']],
  ['a metric that is NaN', [{ field: 'metrics.auc', operator: '=', value: 'NaN' }], ['r03']],
  ['a metric that is infinite', [{ field: 'metrics.auc', operator: '=', value: 'Infinity' }], ['r05']],
  [
    'a metric that differs',
    [{ field: 'metrics.auc', operator: '!=', value: 0.01 }],
    ['r06', 'r07', 'r05', 'r02', 'r03', 'r00'],
  ],
  ['a metric that is missing', [{ field: 'metrics.auc', operator: 'missing' }], ['r04']],
  ['a param of any length', [{ field: 'params.long', operator: '=', value: `${'ü'.repeat(3000)}6` }], ['r06']],
  [
    'like minds case and its own signs',
    [{ field: 'params.kind', operator: 'like', value: 'Odd__' }],
    ['r07', 'r05', 'r03', 'r01'],
  ],
  ['like takes other signs as they are', [{ field: 'params.kind', operator: 'like', value: '[O]*%' }], []],
  ['like minds case', [{ field: 'params.kind', operator: 'like', value: 'odd%' }], []],
  ['ilike does not', [{ field: 'params.kind', operator: 'ilike', value: 'ODD%' }], ['r07', 'r05', 'r03', 'r01']],
  [
    'a state and a name',
    [
      { field: 'state', operator: '=', value: 'finished' },
      { field: 'name', operator: 'in', value: ['r03', 'r04'] },
    ],
    ['r03'],
  ],
  ['an input', [{ field: 'input', operator: '=', value: 'flights/2' }], ['r07']],
  ['a quote is only text', [{ field: "tags.a' or 1=1 --", operator: '=', value: "' or '1'='1" }], []],
]

test('filters find the same runs on both databases', async () => {
  await using db = await openWithRuns(8)
  for (const [name, filter, expected] of cases) {
    expect([name, await idsOf(db, { condition: { all: filter } })]).toEqual([name, expected])
  }
})

test('a deleted run is found only where it is asked for', async () => {
  await using db = await openWithRuns(3)
  await transact(db, (trx) => setRunDeleted(trx, actor, { runId: 'r01', isDeleted: true }))
  expect(await idsOf(db, {})).toEqual(['r02', 'r00'])
  expect(await idsOf(db, { view: 'deleted' })).toEqual(['r01'])
  expect(await idsOf(db, { view: 'all' })).toEqual(['r02', 'r00', 'r01'])
})

test('a search that makes no sense is refused with what would', async () => {
  await using db = await openWithRuns(1)
  const refusal = (search: Omit<RunSearch, 'limit'>) =>
    searchRuns({ db, reader: readerOf(db) }, { ...search, limit: 3 })
  await expect(refusal({ condition: { all: [{ field: 'loss', operator: '=', value: 1 }] } })).rejects.toMatchObject({
    code: 'run_field',
  })
  await expect(
    refusal({ condition: { all: [{ field: 'metrics.auc', operator: 'like', value: 'x' }] } }),
  ).rejects.toMatchObject({
    code: 'run_filter',
  })
  await expect(
    refusal({ condition: { all: [{ field: 'metrics.auc', operator: '>', value: 'x' }] } }),
  ).rejects.toMatchObject({
    code: 'run_filter',
  })
  await expect(refusal({ after: 'bm9uc2Vuc2U' })).rejects.toMatchObject({ code: 'page_token' })
})
