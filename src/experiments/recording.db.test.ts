// Runs on real databases: what is recorded is what is read, and what must not change does not.
import { expect, test } from 'vitest'
import { listAudit } from '../governance/audit.ts'
import { upstream } from '../governance/lineage.ts'
import { governanceMigrations } from '../governance/migrations.ts'
import { testActor } from '../governance/testing.ts'
import { transact } from '../platform/database.ts'
import { eventMigrations, readEvents } from '../platform/events.ts'
import { createTestDatabase } from '../platform/testing.ts'
import { changeExperiment, createExperiment, getExperiment } from './experiments.ts'
import { readBuckets, readHistory } from './metric-history.ts'
import { experimentMigrations } from './migrations.ts'
import { getRun } from './reading.ts'
import {
  createRun,
  finishRun,
  logArtifact,
  logBatch,
  resumeRun,
  setRunDeleted,
  type RecordingTables,
} from './recording.ts'
import { createRunWriter, waitingWritersMax } from './run-writer.ts'

const migrations = { ...eventMigrations, ...governanceMigrations, ...experimentMigrations }
const actor = testActor('ada')
const digest = 'ab'.repeat(32)
const open = () => createTestDatabase<RecordingTables>(migrations)

test('a run keeps all that reproducing it needs', async () => {
  await using db = await open()
  const recorded = {
    params: { depth: '6', ['__proto__']: 'own' },
    tags: { team: 'ops' },
    seeds: { training: 7 },
    code: { commit: 'c'.repeat(40), isDirty: true, snapshot: digest },
    environment: {
      nodeVersion: 'v24.21.0',
      platform: 'linux-x64',
      lockDigest: digest,
      packages: { 'node_modules/zod': 'sha512-x' },
      threads: 2,
      libraries: { v8: '13' },
    },
  }
  const inputs = [{ datasetVersion: 'flights/1', role: 'training' }]
  const id = await transact(db, (trx) =>
    createRun(trx, actor, { experiment: 'flights', ...recorded, inputs, pipelineRunId: 'prun_1' }),
  )
  await transact(db, async (trx) => {
    const blob = { digest, bytes: 3 }
    await logArtifact(trx, actor, { runId: id, name: 'report/summary.txt', blob, mediaType: 'text/plain' })
  })
  const run = await getRun(db, id)
  expect(run).toMatchObject({ ...recorded, inputs, state: 'running', experiment: 'flights', createdBy: 'ada' })
  expect(Object.keys(run.params)).toContain('__proto__')
  expect(run.artifacts).toEqual([{ name: 'report/summary.txt', blob: { digest, bytes: 3 }, mediaType: 'text/plain' }])
  const edges = await upstream(db, `run:${id}`)
  expect(edges.map(({ upstream: from, relation }) => `${from} ${relation}`).toSorted()).toEqual([
    'dataset_version:flights/1 trained_on',
    'pipeline_run:prun_1 produced',
  ])
  expect((await listAudit(db, { subject: `run:${id}`, limit: 5 })).map(({ action }) => action)).toEqual(['run.create'])
})

test('a param never changes, and a refused batch leaves nothing behind', async () => {
  await using db = await open()
  const id = await transact(db, (trx) => createRun(trx, actor, { experiment: 'flights', params: { depth: '6' } }))
  await transact(db, (trx) => logBatch(trx, id, { params: { depth: '6', rate: '0.1' } }))
  const metrics = [{ key: 'loss', step: 0, atMs: 1, value: 1 }]
  const refused = transact(db, (trx) => logBatch(trx, id, { params: { depth: '7', late: 'x' }, metrics }))
  await expect(refused).rejects.toMatchObject({ code: 'param_changed', kind: 'conflict' })
  const run = await getRun(db, id)
  expect(run.params).toEqual({ depth: '6', rate: '0.1' })
  expect(run.metrics).toEqual({})
})

test('NaN and the infinities come back as they went in', async () => {
  await using db = await open()
  const id = await transact(db, (trx) => createRun(trx, actor, { experiment: 'flights' }))
  const values = [1.5, Number.NaN, Infinity, -Infinity, 5e-324, Number.MAX_VALUE, 0.1 + 0.2]
  const metrics = values.map((value, step) => ({ key: 'loss', step, atMs: 1000 + step, value }))
  await transact(db, (trx) => logBatch(trx, id, { metrics }))
  expect(await readHistory(db, { runId: id, key: 'loss', limit: 100 })).toEqual(metrics)
  await transact(db, (trx) =>
    logBatch(trx, id, { metrics: values.slice(1, 4).map((value, i) => ({ key: `k${i}`, step: 0, atMs: 1, value })) }),
  )
  const run = await getRun(db, id)
  expect(run.metrics['loss']).toEqual({ latest: 0.1 + 0.2, step: 6, atMs: 1006, min: -Infinity, max: Infinity })
  expect(run.metrics['k0']).toEqual({ latest: Number.NaN, step: 0, atMs: 1, min: null, max: null })
  expect([run.metrics['k1']?.latest, run.metrics['k2']?.latest]).toEqual([Infinity, -Infinity])
})

test('the latest value is that of the greatest step and time, and a batch sent twice counts once', async () => {
  await using db = await open()
  const id = await transact(db, (trx) => createRun(trx, actor, { experiment: 'flights' }))
  const point = (step: number, atMs: number, value: number) => ({ key: 'auc', step, atMs, value })
  const metrics = [point(2, 5, 0.7), point(3, 1, 0.8), point(3, 1, Number.NaN), point(-1, 9, 0.9)]
  for (let time = 0; time < 2; time++) await transact(db, (trx) => logBatch(trx, id, { metrics }))
  await transact(db, (trx) => logBatch(trx, id, { metrics: [point(1, 99, 0.1)] }))
  expect((await getRun(db, id)).metrics['auc']).toEqual({ latest: 0.8, step: 3, atMs: 1, min: 0.1, max: 0.9 })
  const steps = (await readHistory(db, { runId: id, key: 'auc', limit: 100 })).map(({ step }) => step)
  expect(steps).toEqual([-1, 1, 2, 3, 3])
})

test('a history is read in pages and in buckets that keep the spikes', async () => {
  await using db = await open()
  const id = await transact(db, (trx) => createRun(trx, actor, { experiment: 'flights' }))
  for (let batch = 0; batch < 3; batch++) {
    const metrics = Array.from({ length: 1000 }, (_, i) => {
      const step = batch * 1000 + i
      return { key: 'loss', step, atMs: step, value: step === 1234 ? 1e6 : step === 2999 ? Number.NaN : step }
    })
    await transact(db, (trx) => logBatch(trx, id, { metrics }))
  }
  const buckets = await readBuckets(db, { runId: id, key: 'loss', buckets: 7 })
  expect(buckets).toHaveLength(7)
  expect(buckets.reduce((sum, { count }) => sum + count, 0)).toBe(3000)
  expect(buckets[2]).toMatchObject({ fromStep: 858, toStep: 1286, min: 858, max: 1e6, last: 1286 })
  expect(buckets[6]).toMatchObject({ toStep: 2999, max: 2998, last: Number.NaN })
  expect(await readBuckets(db, { runId: id, key: 'loss', buckets: 10, fromStep: 5, toStep: 6 })).toMatchObject([
    { fromStep: 5, toStep: 5, count: 1, last: 5 },
    { fromStep: 6, toStep: 6, count: 1, last: 6 },
  ])
  const first = await readHistory(db, { runId: id, key: 'loss', limit: 1000 })
  const second = await readHistory(db, { runId: id, key: 'loss', limit: 1000, after: first.at(-1) })
  expect([first.at(-1)?.step, second[0]?.step]).toEqual([999, 1000])
})

test('a batch beyond the limits is refused by name', async () => {
  await using db = await open()
  const id = await transact(db, (trx) => createRun(trx, actor, { experiment: 'flights' }))
  const tags = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`t${i}`, 'x']))
  await expect(transact(db, (trx) => logBatch(trx, id, { tags }))).rejects.toMatchObject({
    code: 'batch_too_large',
    detail: { what: 'tags', count: 101, max: 100 },
  })
})

test('writers beside each other, of one run and of many, lose nothing', async () => {
  await using db = await open()
  const writer = createRunWriter(db)
  const start = () => transact(db, (trx) => createRun(trx, actor, { experiment: 'flights' }))
  const [shared, ...own] = [await start(), await start(), await start(), await start()]
  const write = async (runId: string, who: number) => {
    for (let step = 0; step < 10; step++) {
      const metrics = [{ key: 'loss', step, atMs: who, value: who * 100 + step }]
      await writer.write(runId, (trx) => logBatch(trx, runId, { metrics }))
    }
  }
  await Promise.all([...[1, 2, 3, 4, 5, 6, 7, 8].map((who) => write(shared!, who)), ...own.map((id) => write(id, 1))])
  expect(await readHistory(db, { runId: shared!, key: 'loss', limit: 100 })).toHaveLength(80)
  expect((await getRun(db, shared!)).metrics['loss']).toEqual({ latest: 809, step: 9, atMs: 8, min: 100, max: 809 })
  for (const id of own) expect(await readHistory(db, { runId: id, key: 'loss', limit: 100 })).toHaveLength(10)
})

test('a run that more writers wait for than its queue holds says so, and a failed write stops no other', async () => {
  await using db = await open()
  const writer = createRunWriter(db)
  const id = await transact(db, (trx) => createRun(trx, actor, { experiment: 'flights' }))
  const failed = writer.write(id, () => Promise.reject(new Error('planted')))
  const tag = (i: number) => writer.write(id, (trx) => logBatch(trx, id, { tags: { last: String(i) } }))
  const waiting = Array.from({ length: waitingWritersMax }, (_, i) => tag(i))
  const settled = Promise.allSettled(waiting)
  await expect(failed).rejects.toThrow('planted')
  const outcomes = await settled
  expect(outcomes.filter(({ status }) => status === 'rejected')).toMatchObject([{ reason: { code: 'run_busy' } }])
  expect((await getRun(db, id)).tags).toEqual({ last: String(waitingWritersMax - 2) })
})

test('a run ends once, is announced once, and may be resumed', async () => {
  await using db = await open()
  const id = await transact(db, (trx) => createRun(trx, actor, { experiment: 'flights', name: 'first' }))
  for (let time = 0; time < 2; time++) {
    await transact(db, (trx) => finishRun(trx, actor, { runId: id, state: 'finished', endedAtMs: 5 }))
  }
  await expect(transact(db, (trx) => finishRun(trx, actor, { runId: id, state: 'failed' }))).rejects.toMatchObject({
    code: 'run_ended',
  })
  const events = await readEvents(db, { seq: 0, types: ['run.finished'] })
  expect(events.map(({ payload }) => payload)).toEqual([
    { id, experiment: 'flights', name: 'first', state: 'finished' },
  ])
  await transact(db, (trx) => resumeRun(trx, id))
  expect(await getRun(db, id)).toMatchObject({ state: 'running', endedAtMs: null })
})

test('a deleted run and a deleted experiment take no writes until they are restored', async () => {
  await using db = await open()
  const id = await transact(db, (trx) => createRun(trx, actor, { experiment: 'flights' }))
  await transact(db, (trx) => setRunDeleted(trx, actor, { runId: id, isDeleted: true }))
  await expect(transact(db, (trx) => logBatch(trx, id, { tags: { a: 'b' } }))).rejects.toMatchObject({
    code: 'run_deleted',
  })
  await transact(db, (trx) => setRunDeleted(trx, actor, { runId: id, isDeleted: false }))
  await transact(db, (trx) => logBatch(trx, id, { tags: { a: 'b' } }))
  const experiment = await getExperiment(db, 'flights')
  await transact(db, (trx) => changeExperiment(trx, actor, { id: experiment.id, isDeleted: true }))
  await expect(transact(db, (trx) => createRun(trx, actor, { experiment: 'flights' }))).rejects.toMatchObject({
    code: 'experiment_deleted',
  })
  const made = await transact(db, (trx) => createExperiment(trx, actor, { name: 'Default' }))
  expect([experiment.id, made.id]).toEqual([1, 0])
})
