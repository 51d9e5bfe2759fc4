// Plan and apply over HTTP on a real database: what is made, what changes, and that a second time is no time.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { testActor, createTestServer } from '../governance/testing.ts'
import { findModel } from '../models/model-store.ts'
import { judgeVersion } from '../models/version-changes.ts'
import { registerVersion, type NewVersion } from '../models/registration.ts'
import { openDirectoryBlobs } from '../platform/blobs-directory.ts'
import { on, transact, type Connection } from '../platform/database.ts'
import { createTestDatabase } from '../platform/testing.ts'
import { findEndpoint } from '../serving/endpoint-store.ts'
import type { DecisionTables } from './decision-store.ts'
import { putFirstChampion } from './definitions.ts'
import { command, monitor, retrain } from './index.ts'
import type { ApplyTables } from './apply.ts'
import { renderPlan } from './plan-text.ts'
import type { Plan } from './plan.ts'
import { findCode, putState } from './loop-store.ts'
import { emptyState, proposalsMax } from './policy-state.ts'
import { loopRoutes } from './routes.ts'
import { applyTestLoop, loopTestMigrations, testLoop } from './testing.ts'

type Tables = ApplyTables & DecisionTables
const directory = mkdtempSync(join(tmpdir(), 'trueloop-loop-'))
const blobs = openDirectoryBlobs(directory)
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const monitorNames = async (db: Connection<Tables>): Promise<string[]> =>
  (await on(db).selectFrom('monitor').select('name').execute()).map(({ name }) => name)
const testVersion = {
  model: 'flights',
  digest: 'a'.repeat(64),
  bytes: 10,
  signature: {
    task: 'binary',
    inputs: [{ name: 'distance', type: 'float', required: true }],
    classes: ['false', 'true'],
  },
} satisfies NewVersion

test('applying makes the model, the endpoint and the monitors; applying again changes and records nothing', async () => {
  await using db = await createTestDatabase<Tables>(loopTestMigrations)
  await using server = await createTestServer(loopRoutes, { db, blobs })
  const post = async (url: string, payload: object) => (await server.inject({ method: 'POST', url, payload })).json()
  const spec = testLoop()

  const plan = await post('/loops/plan', { spec })
  expect(plan).toMatchObject({ loop: 'flights', fromVersion: 0 })
  expect(plan.changes.every(({ action }: Plan['changes'][number]) => action === 'create')).toBe(true)
  expect(await post('/loops/apply', { spec, fromVersion: 0 })).toMatchObject({ version: 1 })
  expect(await findModel(db, 'flights')).toMatchObject({ lastVersion: 0 })
  expect(await findEndpoint(db, 'flights')).toMatchObject({ clock: 'event', logShare: 1 })
  expect(await monitorNames(db)).toEqual(['calibration'])

  const audits = async () =>
    (await on(db).selectFrom('audit_event').select('action').execute()).map(({ action }) => action)
  const before = await audits()
  expect(before).toContain('loop.apply')
  expect(await post('/loops/apply', { spec, fromVersion: 1 })).toMatchObject({ version: 1 })
  expect(await audits()).toEqual(before)
  expect(renderPlan(await post('/loops/plan', { spec }))).toBe(
    'Loop flights: nothing to do. Version 1 is what the loop file says.',
  )
})

test('a change is shown field by field, and nobody applies over what they have not seen', async () => {
  await using db = await createTestDatabase<Tables>(loopTestMigrations)
  await using server = await createTestServer(loopRoutes, { db, blobs })
  const post = async (url: string, payload: object) => (await server.inject({ method: 'POST', url, payload })).json()
  await post('/loops/apply', { spec: testLoop() })
  const changed = testLoop({
    features: ['date', 'distance', 'origin'],
    monitors: [monitor.logLoss()],
    retrain: retrain({ on: 'log_loss', cooldown: '7d' }),
  })
  const plan = (await post('/loops/plan', { spec: changed })) as Plan
  expect(
    renderPlan(plan)
      .split('\n')
      .map((line) => line.trimEnd()),
  ).toEqual([
    'Loop flights, compared with version 1:',
    '',
    '  ~ features.flights',
    '    ~ columns = ["date","distance"] -> ["date","distance","origin"]',
    '',
    '  + monitor.log_loss',
    '      signal.kind                  = "log_loss"',
    '      windowDays                   = 7',
    '      threshold.fromTraining.alpha = 0.01',
    '      minimumRows                  = 100',
    '      minimumCoverage              = 0.5',
    '      outcomeDelayMs               = 86400000',
    '      openAfter                    = 2',
    '      closeAfter                   = 2',
    '      minimumEffect                = 0.02',
    '',
    '  ~ rollout.flights',
    '    ~ watchMs = 2678400000 -> 864000000',
    '',
    '  ~ retrain.flights',
    '    ~ on.0.monitor    = "calibration" -> "log_loss"',
    '    ~ cooldown        = "14d" -> "7d"',
    '    - budget.retrains = 4 -> (none)',
    '    - budget.per      = "180d" -> (none)',
    '',
    '  - monitor.calibration',
    '      signal.kind                  = "calibration_gap"',
    '      windowDays                   = 28',
    '      threshold.fromTraining.alpha = 0.01',
    '      minimumRows                  = 100',
    '      minimumCoverage              = 0.5',
    '      outcomeDelayMs               = 86400000',
    '      openAfter                    = 2',
    '      closeAfter                   = 2',
    '      minimumEffect                = 0.02',
    '',
    'Plan: 1 to create, 3 to update, 1 to delete.',
    'A retrain begins when it is applied, because of features.flights columns.',
  ])
  expect(renderPlan(plan, { color: true })).toContain('\u001B[32m  + monitor.log_loss\u001B[0m')
  expect(await post('/loops/apply', { spec: changed, fromVersion: 0 })).toMatchObject({ code: 'loop_changed' })
  expect(await post('/loops/apply', { spec: changed, fromVersion: 1 })).toMatchObject({ version: 2 })
  expect(await monitorNames(db)).toEqual(['log_loss'])
})

test('a spec that is wrong is refused with its field, an unknown loop is not found, and reading is no writing', async () => {
  await using db = await createTestDatabase<Tables>(loopTestMigrations)
  await using server = await createTestServer(loopRoutes, { db, blobs }, { permissions: ['loop.read'] })
  const { labelDelay: _, ...spec } = testLoop()
  const planned = await server.inject({ method: 'POST', url: '/loops/plan', payload: { spec } })
  expect(planned.json()).toMatchObject({
    status: 400,
    code: 'loop_invalid',
    detail: expect.stringContaining('labelDelay'),
  })
  const missing = await server.inject({ method: 'GET', url: '/loops/missing/history' })
  expect(missing.json()).toMatchObject({ status: 404, code: 'loop_not_found' })
  const applied = await server.inject({ method: 'POST', url: '/loops/apply', payload: { spec: testLoop() } })
  expect(applied.json()).toMatchObject({ status: 403, code: 'permission_missing' })
})

test('a person asks for a retrain and a pause; both are audited and told to the engine', async () => {
  await using db = await createTestDatabase<Tables>(loopTestMigrations)
  await using server = await createTestServer(loopRoutes, { db, blobs }, { name: 'ann' })
  await applyTestLoop(db, testActor())
  for (const verb of ['trigger', 'pause', 'resume']) {
    const url = `/loops/flights/${verb}`
    expect(await server.inject({ method: 'POST', url, payload: { reason: 'new tariff' } })).toMatchObject({
      statusCode: 202,
    })
  }
  const events = await on(db).selectFrom('event').select(['type', 'payload']).where('type', 'like', 'loop.%').execute()
  expect(events.map(({ type }) => type)).toEqual([
    'loop.applied',
    'loop.retrain_requested',
    'loop.paused',
    'loop.resumed',
  ])
  expect(JSON.parse(events[1]!.payload)).toEqual({ loop: 'flights', actor: 'ann', reason: 'new tariff' })
  const listed = await server.inject({ method: 'GET', url: '/loops' })
  expect(listed.json()).toEqual({
    loops: [{ loop: 'flights', version: 1, phase: 'waiting_for_data', paused: false, champion: null }],
  })
  expect((await server.inject({ method: 'GET', url: '/loops/flights' })).json()).toMatchObject({
    version: 1,
    spec: { name: 'flights' },
    state: { phase: 'waiting_for_data' },
  })
  expect((await server.inject({ method: 'GET', url: '/loops/flights/history' })).json()).toEqual({ decisions: [] })
})

test('a person proposes a graph that is stored already; the engine is told what and why, and a long queue says so', async () => {
  await using db = await createTestDatabase<Tables>(loopTestMigrations)
  await using server = await createTestServer(loopRoutes, { db, blobs }, { name: 'ann' })
  await applyTestLoop(db, testActor())
  const propose = async (digest: string, loop = 'flights') =>
    server.inject({ method: 'POST', url: `/loops/${loop}/proposals`, payload: { digest, reason: 'our own forest' } })
  expect((await propose('0'.repeat(64))).json()).toMatchObject({ status: 404, code: 'blob_not_found' })
  expect((await propose('../etc/passwd')).json()).toMatchObject({ status: 400, code: 'request_invalid' })

  const { digest } = await blobs.put(Buffer.from('a graph'))
  expect((await propose(digest, 'missing')).json()).toMatchObject({ status: 404, code: 'loop_not_found' })
  expect(await propose(digest)).toMatchObject({ statusCode: 202 })
  const told = await on(db)
    .selectFrom('event')
    .select('payload')
    .where('type', '=', 'loop.candidate_proposed')
    .execute()
  expect(told.map(({ payload }) => JSON.parse(payload))).toEqual([
    { loop: 'flights', actor: 'ann', onnx: digest, reason: 'our own forest' },
  ])
  const audits = await on(db)
    .selectFrom('audit_event')
    .select(['actor', 'subject'])
    .where('action', '=', 'loop.propose')
    .execute()
  expect(audits).toEqual([{ actor: 'ann', subject: 'flights' }])

  const waiting = Array.from({ length: proposalsMax }, () => ({
    onnx: digest,
    actor: 'bob',
    reason: 'his',
    evidence: {},
  }))
  await transact(db, (trx) =>
    putState(trx, 'flights', { state: { ...emptyState, proposals: waiting }, eventSeq: 0, decisions: 0 }),
  )
  expect((await propose(digest)).json()).toMatchObject({ status: 409, code: 'proposals_full' })
})

test('the first champion needs the approval of a gate, and is put in place once', async () => {
  await using db = await createTestDatabase<Tables>(loopTestMigrations)
  const actor = testActor('loop:flights')
  const spec = testLoop()
  await applyTestLoop(db, actor)
  const put = () =>
    transact(db, (trx) => putFirstChampion(trx, actor, { spec, modelVersion: 'flights/1', reason: 'gate passed' }))
  await transact(db, (trx) => registerVersion(trx, actor, testVersion))
  await expect(put()).rejects.toMatchObject({ code: 'version_not_approved' })
  await transact(db, (trx) =>
    judgeVersion(trx, actor, { model: 'flights', version: 1, state: 'approved', reason: 'ok' }),
  )
  await put()
  const before = await on(db).selectFrom('audit_event').selectAll().execute()
  await put()
  expect(await on(db).selectFrom('audit_event').selectAll().execute()).toEqual(before)
  expect(await findEndpoint(db, 'flights')).toMatchObject({
    variants: [{ version: 'flights/1', role: 'champion', weight: 1 }],
  })
})

test('code comes with a version: changed code is another version and no retrain, and it must be stored', async () => {
  await using db = await createTestDatabase<Tables>(loopTestMigrations)
  await using server = await createTestServer(loopRoutes, { db, blobs })
  const post = async (url: string, payload: object) => (await server.inject({ method: 'POST', url, payload })).json()
  const snapshotOf = async (text: string): Promise<string> => {
    const { digest, bytes } = await blobs.put(Buffer.from(text))
    const files = [{ path: 'train.py', digest, bytes, mode: 'file' }]
    return (await blobs.put(Buffer.from(JSON.stringify({ version: 1, files })))).digest
  }
  const spec = testLoop()
  const code = { commit: 'c'.repeat(40), isDirty: false, snapshot: await snapshotOf('first') }
  expect(await post('/loops/apply', { spec, code })).toMatchObject({ version: 1 })
  expect(await post('/loops/apply', { spec, code })).toMatchObject({ version: 1 })
  expect(await post('/loops/apply', { spec })).toMatchObject({ version: 1 }) // Sent without: it stays.

  const changed = { ...code, isDirty: true, snapshot: await snapshotOf('second') }
  const plan = (await post('/loops/plan', { spec, code: changed })) as Plan
  expect(renderPlan(plan).split('\n')).toEqual([
    'Loop flights, compared with version 1:',
    '',
    '  ~ code.flights',
    '    ~ isDirty  = false -> true',
    `    ~ snapshot = "${code.snapshot}" -> "${changed.snapshot}"`,
    '',
    'Plan: 0 to create, 1 to update, 0 to delete.',
    'The code changed: runs that begin after it is applied use it, and none begins because of it.',
  ])
  expect(await post('/loops/apply', { spec, code: changed, fromVersion: 1 })).toMatchObject({ version: 2 })
  const loop = (await server.inject({ method: 'GET', url: '/loops/flights' })).json()
  expect(loop).toMatchObject({ version: 2, code: changed })
  const applied = on(db).selectFrom('event').select('payload').where('type', '=', 'loop.applied').orderBy('seq')
  const [, second] = await applied.execute()
  expect(JSON.parse(second!.payload)).toMatchObject({ specVersion: 2, retrainFor: [] })
  expect(await findCode(db, { loop: 'flights', version: 1 })).toEqual(code)

  const trained = testLoop({
    name: 'other',
    training: { trainer: command(['python3', 'train.py'], { folds: 5 }), window: '28d' },
  })
  expect(await post('/loops/apply', { spec: trained })).toMatchObject({ status: 400, code: 'loop_code_missing' })
  expect(await post('/loops/apply', { spec: trained, code })).toMatchObject({ version: 1 })

  const absent = { path: 'gone.py', digest: 'd'.repeat(64), bytes: 1, mode: 'file' }
  const { digest: partial } = await blobs.put(Buffer.from(JSON.stringify({ version: 1, files: [absent] })))
  const { digest: noManifest } = await blobs.put(Buffer.from('no manifest'))
  const refusals = {
    blob_not_found: 'e'.repeat(64),
    snapshot_incomplete: partial,
    snapshot_invalid: noManifest,
  }
  for (const [refusal, snapshot] of Object.entries(refusals)) {
    expect(await post('/loops/apply', { spec, code: { ...code, snapshot } })).toMatchObject({ code: refusal })
  }
  expect((await server.inject({ method: 'GET', url: '/loops/flights' })).json()).toMatchObject({ version: 2 })
})
