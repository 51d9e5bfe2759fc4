// A candidate before the gate, on both databases: approved or rejected, told, and found again from what it serves.
import { expect, test } from 'vitest'
import { listAudit } from '../governance/audit.ts'
import { upstream } from '../governance/lineage.ts'
import { governanceMigrations } from '../governance/migrations.ts'
import { createTestServer, testActor } from '../governance/testing.ts'
import type { BlobStore } from '../platform/blobs.ts'
import { transact } from '../platform/database.ts'
import { eventMigrations, readEvents } from '../platform/events.ts'
import { createTestDatabase } from '../platform/testing.ts'
import type { GateEvidence } from './evaluation.ts'
import { passGate, type GateRequest } from './gate-decision.ts'
import { GatePolicy } from './gate-policy.ts'
import { modelMigrations } from './migrations.ts'
import { moveAlias } from './promotion.ts'
import { getVersion } from './model-version-store.ts'
import { registerVersion } from './registration.ts'
import { versionRoutes, type ModelRouteTables } from './routes.ts'
import { smallSignature } from './testing.ts'

const openDatabase = () =>
  createTestDatabase<ModelRouteTables>({ ...eventMigrations, ...governanceMigrations, ...modelMigrations })
const actor = testActor('loop:flights', () => 9)

const evaluation = {
  task: 'binary' as const,
  rows: 5000,
  brokenRows: 0,
  metrics: { auc: 0.66 },
  slices: [],
  reliability: [],
}
const comparison = {
  metric: 'log_loss' as const,
  rows: 5000,
  difference: -0.01,
  lower: -0.02,
  upper: -0.005,
  confidence: 0.95,
}
const evidence: GateEvidence = { candidate: evaluation, champion: null, comparison: null, sliceComparisons: [] }
const request = (version: number, change: Partial<GateRequest> = {}): GateRequest => ({
  model: 'flights',
  version,
  policy: GatePolicy.parse({ metrics: { auc: { min: 0.6 } }, notWorseThanChampion: {} }),
  champion: null,
  evidence,
  datasetVersion: 'flights/2',
  heldOut: { fromMs: 1000, toMs: 2000 },
  ...change,
})

async function register(db: Awaited<ReturnType<typeof openDatabase>>) {
  const trainedOn = { fromMs: 0, toMs: 1000 }
  const input = {
    model: 'flights',
    digest: 'a'.repeat(64),
    bytes: 1,
    signature: smallSignature,
    runId: 'run_1',
    datasetVersion: 'flights/1',
    trainedOn,
  }
  return transact(db, (trx) => registerVersion(trx, actor, input))
}

test('a version that passes is approved by the policy, and everything behind it is found from what serves', async () => {
  await using db = await openDatabase()
  await register(db)
  const first = await transact(db, (trx) => passGate(trx, actor, request(1)))
  expect(first).toMatchObject({ passed: true, champion: null, judgedBy: 'loop:flights', atMs: 9 })
  expect(await getVersion(db, { model: 'flights', version: 1 })).toMatchObject({
    state: 'approved',
    approvedBy: 'loop:flights',
    approvedAtMs: 9,
  })
  await moveAlias(db, actor, { model: 'flights', alias: 'champion', version: 1, expected: null, reason: 'first' })
  await register(db)
  const compared = { ...evidence, champion: evaluation, comparison }
  const second = await transact(db, (trx) => passGate(trx, actor, request(2, { champion: 1, evidence: compared })))
  await moveAlias(db, actor, { model: 'flights', alias: 'champion', version: 2, expected: 1, reason: second.sentence })
  const nodes = new Set((await upstream(db, 'deployment:flights@champion')).map((edge) => edge.upstream))
  for (const node of [
    'model_version:flights/2',
    'run:run_1',
    'dataset_version:flights/1',
    'dataset_version:flights/2',
    `gate:${first.id}`,
    `gate:${second.id}`,
  ]) {
    expect(nodes).toContain(node)
  }
  const events = await readEvents(db, { seq: 0, types: ['gate.passed', 'gate.failed'] })
  expect(events).toMatchObject([
    { type: 'gate.passed', subject: 'flights/1', payload: { id: first.id, version: 1, failed: [] } },
    {
      type: 'gate.passed',
      subject: 'flights/2',
      payload: { id: second.id, champion: 1, sentence: expect.stringContaining('better by 0.01') as string },
    },
  ])
  await using server = await createTestServer(versionRoutes, { db, blobs: {} as BlobStore })
  expect((await server.inject({ url: `/gates/${second.id}` })).json()).toEqual(second)
  expect((await server.inject({ url: '/models/flights/versions/2/gates' })).json()).toEqual([second])
})

test('a version that fails is rejected with every reason, and cannot serve or be judged again', async () => {
  await using db = await openDatabase()
  await register(db)
  const poor = { ...evidence, candidate: { ...evaluation, rows: 10, metrics: { auc: 0.51 } } }
  const gate = await transact(db, (trx) => passGate(trx, actor, request(1, { evidence: poor })))
  expect(gate.sentence).toContain('flights/1 failed 2 of 5 checks: it answered 10 held-out rows')
  expect(gate.sentence).toContain('AUC is 0.51, wanted at least 0.6')
  expect(await getVersion(db, { model: 'flights', version: 1 })).toMatchObject({ state: 'rejected', approvedBy: null })
  const [event] = await readEvents(db, { seq: 0, types: ['gate.failed'] })
  expect(event).toMatchObject({ payload: { failed: ['rows', 'metric:auc'] } })
  expect((await listAudit(db, { subject: 'flights/1', limit: 10 })).map(({ action }) => action).toSorted()).toEqual([
    'gate.judge',
    'model.register',
    'model_version.judge',
  ])
  const move = moveAlias(db, actor, { model: 'flights', alias: 'champion', version: 1, expected: null, reason: 'no' })
  await expect(move).rejects.toMatchObject({ code: 'version_not_approved' })
  const again = transact(db, (trx) => passGate(trx, actor, request(1)))
  await expect(again).rejects.toMatchObject({ code: 'gate_already_judged' })
})
