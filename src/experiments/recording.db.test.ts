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
import { logBatch } from './log-batch.ts'
import { artifactMigrations } from '../artifacts/migrations.ts'
import { experimentMigrations } from './migrations.ts'
import { getRun } from './reading.ts'
import { createRun, finishRun, logArtifact, resumeRun, setRunDeleted, type RecordingTables } from './recording.ts'

const migrations = { ...eventMigrations, ...governanceMigrations, ...artifactMigrations, ...experimentMigrations }
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
