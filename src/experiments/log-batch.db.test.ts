// Logging on real databases: batches are whole or refused alone, come twice without harm, and lose nothing beside each other.
import { expect, test } from 'vitest'
import { governanceMigrations } from '../governance/migrations.ts'
import { testActor } from '../governance/testing.ts'
import { on, transact, type Connection } from '../platform/database.ts'
import { eventMigrations } from '../platform/events.ts'
import { readerOf } from '../platform/reader.ts'
import { createTestDatabase } from '../platform/testing.ts'
import { logBatch, logBatches } from './log-batch.ts'
import { readHistory } from './metric-history.ts'
import { artifactMigrations } from '../artifacts/migrations.ts'
import { experimentMigrations } from './migrations.ts'
import { getRun } from './reading.ts'
import { createRun, setRunDeleted, type RecordingTables } from './recording.ts'
import { createRunWriter, waitingWritersMax } from './run-writer.ts'

const migrations = { ...eventMigrations, ...governanceMigrations, ...artifactMigrations, ...experimentMigrations }
const actor = testActor('ada')
const open = () => createTestDatabase<RecordingTables>(migrations)
type Db = Connection<RecordingTables>

const begin = (db: Db) => transact(db, (trx) => createRun(trx, actor, { experiment: 'flights' }))
const history = (db: Db, runId: string, key: string) =>
  readHistory({ db, reader: readerOf(db) }, { runId, key, limit: 10_000 })

test('a param never changes, and a refused batch leaves nothing behind', async () => {
  await using db = await open()
  const id = await transact(db, (trx) => createRun(trx, actor, { experiment: 'flights', params: { depth: '6' } }))
  await transact(db, (trx) => logBatch(trx, id, { params: { depth: '6', rate: '0.1' } }))
  const metrics = [{ key: 'loss', step: 0, atMs: 1, value: 1 }]
  const refused = transact(db, (trx) => logBatch(trx, id, { params: { depth: '7', late: 'x' }, metrics }))
  const changes = [{ key: 'depth', from: '6', to: '7' }]
  await expect(refused).rejects.toMatchObject({ code: 'param_changed', kind: 'conflict', detail: { id, changes } })
  const run = await getRun(db, id)
  expect(run.params).toEqual({ depth: '6', rate: '0.1' })
  expect(run.metrics).toEqual({})
})

test('of batches in one transaction each is stored or refused for itself, as if they came one after the other', async () => {
  await using db = await open()
  const [first, second, deleted] = [await begin(db), await begin(db), await begin(db)]
  await transact(db, (trx) => setRunDeleted(trx, actor, { runId: deleted, isDeleted: true }))
  const point = { key: 'loss', step: 0, atMs: 1, value: 1 }
  const refusals = await transact(db, (trx) =>
    logBatches(trx, [
      { runId: first, params: { depth: '6' }, tags: { who: 'a' }, metrics: [point] },
      { runId: deleted, metrics: [point] },
      { runId: first, params: { depth: '7' }, tags: { who: 'b' }, metrics: [{ ...point, step: 1 }] },
      { runId: 'nowhere', metrics: [point] },
      { runId: first, params: { depth: '6', rate: '1' }, tags: { who: 'c' }, metrics: [{ ...point, step: 2 }] },
      { runId: second, metrics: [{ ...point, model: { id: 'm-none', dataset: null } }] },
      { runId: second, metrics: [point] },
    ]),
  )
  const codes = refusals.map((refusal) => refusal?.code)
  const none = undefined
  expect(codes).toEqual([none, 'run_deleted', 'param_changed', 'run_not_found', none, 'logged_model_not_found', none])
  const run = await getRun(db, first)
  expect(run).toMatchObject({ params: { depth: '6', rate: '1' }, tags: { who: 'c' }, metrics: { loss: { step: 2 } } })
  expect((await history(db, first, 'loss')).map(({ step }) => step)).toEqual([0, 2])
  expect((await getRun(db, second)).metrics).toMatchObject({ loss: { latest: 1 } })
  expect((await getRun(db, deleted)).metrics).toEqual({})
})

test('NaN, the infinities, and steps and times of 64 bits come back as they went in', async () => {
  await using db = await open()
  const id = await begin(db)
  const values = [1.5, Number.NaN, Infinity, -Infinity, 5e-324, Number.MAX_VALUE, 0.1 + 0.2]
  const metrics = values.map((value, step) => ({ key: 'loss', step, atMs: 1000 + step, value }))
  await transact(db, (trx) => logBatch(trx, id, { metrics }))
  expect(await history(db, id, 'loss')).toEqual(metrics.map(({ key: _key, ...measured }) => measured))
  const alone = values.slice(1, 4).map((value, i) => ({ key: `k${i}`, step: 0, atMs: 1, value }))
  const far = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n].map((step) => ({ key: 'far', step, atMs: 2n ** 62n, value: 1 }))
  for (let time = 0; time < 2; time++) await transact(db, (trx) => logBatch(trx, id, { metrics: [...alone, ...far] }))
  const run = await getRun(db, id)
  expect(run.metrics['loss']).toEqual({ latest: 0.1 + 0.2, step: 6, atMs: 1006, min: -Infinity, max: Infinity })
  expect(run.metrics['k0']).toEqual({ latest: Number.NaN, step: 0, atMs: 1, min: null, max: null })
  expect([run.metrics['k1']?.latest, run.metrics['k2']?.latest]).toEqual([Infinity, -Infinity])
  expect(run.metrics['far']).toMatchObject({ step: 2n ** 63n - 1n, atMs: 2n ** 62n })
  expect((await history(db, id, 'far')).map(({ step }) => step)).toEqual([-(2n ** 63n), 2n ** 53n, 2n ** 63n - 1n])
})

test('the latest value is that of the greatest step and time, and a batch sent twice counts once', async () => {
  await using db = await open()
  const id = await begin(db)
  const point = (step: number, atMs: number, value: number) => ({ key: 'auc', step, atMs, value })
  const metrics = [point(2, 5, 0.7), point(3, 1, 0.8), point(3, 1, Number.NaN), point(-1, 9, 0.9)]
  for (let time = 0; time < 2; time++) await transact(db, (trx) => logBatch(trx, id, { metrics }))
  await transact(db, (trx) => logBatch(trx, id, { metrics: [point(1, 99, 0.1)] }))
  expect((await getRun(db, id)).metrics['auc']).toEqual({ latest: 0.8, step: 3, atMs: 1, min: 0.1, max: 0.9 })
  expect((await history(db, id, 'auc')).map(({ step, atMs }) => [step, atMs])).toEqual([
    [3, 1],
    [3, 1],
    [2, 5],
    [-1, 9],
    [1, 99],
  ])
  const { points } = await on(db).selectFrom('run_metric').select('points').executeTakeFirstOrThrow()
  expect(points).toBe(5)
})

test('NaN counts as 0 among points of one moment, and of two that are alike the first stays', async () => {
  await using db = await open()
  const id = await begin(db)
  const log = (key: string, value: number) =>
    transact(db, (trx) => logBatch(trx, id, { metrics: [{ key, step: 1, atMs: 1, value }] }))
  const sequences = { a: [Number.NaN, 0], b: [0, Number.NaN], c: [-1, Number.NaN], d: [Number.NaN, 1] }
  for (const [key, values] of Object.entries(sequences)) for (const value of values) await log(key, value)
  const { metrics } = await getRun(db, id)
  expect(Object.values(metrics).map(({ latest }) => latest)).toEqual([Number.NaN, 0, Number.NaN, 1])
})

test('a point of a logged model is kept with its dataset, once', async () => {
  await using db = await open()
  const id = await begin(db)
  const model = 'm-1'
  const experiment = await on(db).selectFrom('experiment').select('id').where('name', '=', 'flights').executeTakeFirst()
  const row = { id: model, experiment_id: experiment!.id, name: 'a', state: 'ready', artifact_uri: '' }
  const none = { model_type: null, source_run_id: null, deleted_at_ms: null }
  await on(db)
    .insertInto('logged_model')
    .values({ ...row, ...none, created_at_ms: 1, updated_at_ms: 1 })
    .execute()
  const dataset = { name: 'test', digest: 'd1' }
  const point = { key: 'auc', step: 0, atMs: 1, value: 0.9, model: { id: model, dataset } }
  const metrics = [point, { ...point, value: Number.NaN, model: { id: model, dataset: null } }]
  for (let time = 0; time < 2; time++) await transact(db, (trx) => logBatch(trx, id, { metrics }))
  const rows = await on(db).selectFrom('logged_model_metric').selectAll().orderBy('is_nan').execute()
  const moment = { model_id: model, run_id: id, key: 'auc', step: 0, at_ms: 1 }
  expect(rows).toEqual([
    { ...moment, value: 0.9, is_nan: 0, dataset_name: 'test', dataset_digest: 'd1' },
    { ...moment, value: 0, is_nan: 1, dataset_name: null, dataset_digest: null },
  ])
  expect(await history(db, id, 'auc')).toHaveLength(2)
})

test('a batch beyond the limits is refused by name', async () => {
  await using db = await open()
  const id = await begin(db)
  const tags = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`t${i}`, 'x']))
  await expect(transact(db, (trx) => logBatch(trx, id, { tags }))).rejects.toMatchObject({
    code: 'batch_too_large',
    detail: { what: 'tags', count: 101, max: 100 },
  })
})

test('writers beside each other, of one run and of many, lose nothing', async () => {
  await using db = await open()
  const writer = createRunWriter(db)
  const [shared, ...own] = [await begin(db), await begin(db), await begin(db), await begin(db)]
  const write = async (runId: string, who: number) => {
    for (let step = 0; step < 10; step++) {
      await writer.log(runId, { metrics: [{ key: 'loss', step, atMs: who, value: who * 100 + step }] })
    }
  }
  await Promise.all([...[1, 2, 3, 4, 5, 6, 7, 8].map((who) => write(shared!, who)), ...own.map((id) => write(id, 1))])
  expect(await history(db, shared!, 'loss')).toHaveLength(80)
  expect((await getRun(db, shared!)).metrics['loss']).toEqual({ latest: 809, step: 9, atMs: 8, min: 100, max: 809 })
  for (const id of own) expect(await history(db, id, 'loss')).toHaveLength(10)
})

test('a run that more writers wait for than its queue holds says so, and a failed write stops no other', async () => {
  await using db = await open()
  const writer = createRunWriter(db)
  const id = await begin(db)
  const failed = writer.write(id, () => Promise.reject(new Error('planted')))
  const tag = (i: number) => writer.log(id, { tags: { last: String(i) } })
  const waiting = Array.from({ length: waitingWritersMax }, (_, i) => tag(i))
  const settled = Promise.allSettled(waiting)
  await expect(failed).rejects.toThrow('planted')
  const outcomes = await settled
  expect(outcomes.filter(({ status }) => status === 'rejected')).toMatchObject([{ reason: { code: 'run_busy' } }])
  expect((await getRun(db, id)).tags).toEqual({ last: String(waitingWritersMax - 2) })
})

test('a batch that the database cannot take fails alone', async () => {
  await using db = await open()
  const writer = createRunWriter(db)
  const id = await begin(db)
  const beyond = { key: 'loss', step: 2n ** 63n, atMs: 1, value: 1 } // No database holds it.
  const [before, broken, after] = await Promise.allSettled([
    writer.log(id, { tags: { a: '1' } }),
    writer.log(id, { tags: { b: '1' }, metrics: [beyond] }),
    writer.log(id, { tags: { c: '1' } }),
  ])
  expect([before.status, broken.status, after.status]).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect((await getRun(db, id)).tags).toEqual({ a: '1', c: '1' })
})
