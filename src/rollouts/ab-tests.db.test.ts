// A/B tests from their start to their end over HTTP and a real database: traffic as gateways report it, what moves and what never does.
import { expect, test } from 'vitest'
import { listAudit } from '../governance/audit.ts'
import { downstream } from '../governance/lineage.ts'
import { createTestServer } from '../governance/testing.ts'
import { findAlias } from '../models/alias-store.ts'
import { testCounter, testDayMs } from '../monitoring/testing.ts'
import { transact } from '../platform/database.ts'
import { readEvents } from '../platform/events.ts'
import { silentLog } from '../platform/log.ts'
import { takeIncident } from '../serving/gateway-intake.ts'
import { findEndpoint } from '../serving/endpoint-store.ts'
import { setVariants, stopEndpoint } from '../serving/endpoints.ts'
import type { AbTest, AbVerdict } from './ab-test.ts'
import { abTestRoutes } from './ab-routes.ts'
import { tickAbTest } from './ab-tests.ts'
import { RolloutPolicy } from './rollout.ts'
import { startRollout } from './rollouts.ts'
import { openRolloutDatabase, rolloutActor, sendReport, type RolloutTestDb } from './testing.ts'
import { tickRollouts } from './tick.ts'

const day = 86_400_000
const plan = {
  endpoint: 'flights',
  hypothesis: 'version 2 fails less often',
  treatments: [
    { version: 'flights/2', weight: 0.25 },
    { version: 'flights/3', weight: 0.25 },
  ],
  metric: 'error_rate',
  reason: 'we want to know',
}

async function openServer(db: RolloutTestDb) {
  const server = await createTestServer(abTestRoutes, { db }, { clock: () => testDayMs })
  const call = async <T>(method: 'GET' | 'POST', url: string, payload?: object) => {
    const response = await server.inject({ method, url, ...(payload ? { payload } : {}) })
    return { status: response.statusCode, body: response.json<T & { code?: string }>() }
  }
  return Object.assign(server, { call })
}

const tick = (db: RolloutTestDb, nowMs = testDayMs) =>
  tickAbTest({ db, actor: rolloutActor, log: silentLog }, { endpoint: 'flights', nowMs })
const variants = async (db: RolloutTestDb): Promise<string[]> =>
  (await findEndpoint(db, 'flights'))!.variants.map(({ version, role, weight }) => `${version} ${role} ${weight}`)
const champion = async (db: RolloutTestDb): Promise<number | undefined> =>
  (await findAlias(db, { model: 'flights', alias: 'champion' }))?.version

/** Requests as the plan splits them, with so many errors of each: control, flights/2, flights/3. */
async function traffic(db: RolloutTestDb, requests: number, errors: readonly [number, number, number]): Promise<void> {
  const canary = { role: 'canary' as const, assignedWith: 0.25, requests: requests / 4 }
  await sendReport(db, {
    counters: [
      testCounter({ requests: requests / 2, assignedWith: 0.5, errors: errors[0] }),
      testCounter({ ...canary, version: 'flights/2', errors: errors[1] }),
      testCounter({ ...canary, version: 'flights/3', errors: errors[2] }),
    ],
  })
}

test('a test is planned, measured on its own lots only, and concluded; nothing is promoted by it', async () => {
  await using db = await openRolloutDatabase()
  await using server = await openServer(db)
  // What was answered before, by the champion alone, is none of the test's.
  await sendReport(db, { counters: [testCounter({ requests: 5000, errors: 0, assignedWith: 1 })] })
  const { status, body } = await server.call<AbTest>('POST', '/ab-tests', plan)
  expect([status, body.state, body.control]).toEqual([201, 'running', 'flights/1'])
  expect(await variants(db)).toEqual(['flights/1 champion 0.5', 'flights/2 canary 0.25', 'flights/3 canary 0.25'])
  await traffic(db, 800, [40, 5, 20])
  expect(await tick(db)).toMatchObject({ sequence: 1, outcome: 'continue' })
  expect(await tick(db), 'the same evidence is judged once').toBeUndefined()
  await traffic(db, 20_000, [1000, 100, 490])
  expect(await tick(db)).toMatchObject({
    outcome: 'continue',
    arms: [{ version: 'flights/2', verdict: 'better' }, { verdict: 'open' }],
  })
  expect(await tick(db, testDayMs + 14 * day)).toMatchObject({ outcome: 'conclude' })

  const { body: ended } = await server.call<AbTest>('GET', `/ab-tests/${body.id}`)
  expect(ended).toMatchObject({ state: 'concluded', winner: 'flights/2', finishedMs: testDayMs + 14 * day })
  expect(await variants(db)).toEqual(['flights/1 champion 1'])
  expect(await champion(db)).toBe(1)
  const { verdicts } = (await server.call<{ verdicts: AbVerdict[] }>('GET', `/ab-tests/${body.id}/verdicts`)).body
  expect(verdicts.map(({ sequence }) => sequence)).toEqual([3, 2, 1])
  expect(verdicts[1]!.arms[0]!.statistics).toMatchObject({ requests: 5200, errors: 105, controlRows: 10_400 })
  expect(new Set(verdicts.map(({ planDigest }) => planDigest))).toEqual(new Set([body.planDigest]))
  expect((await downstream(db, 'model_version:flights/2')).map((edge) => edge.downstream)).toContain(
    `ab_test:${body.id}`,
  )
  const actions = (await listAudit(db, { subject: body.id, limit: 9 })).map(({ action }) => action)
  expect(actions.toSorted()).toEqual(['ab_test.concluded', 'ab_test.start'])
  const events = await readEvents(db, { seq: 0, types: ['ab_test.started', 'ab_test.finished'] })
  expect(events.map(({ payload }) => payload)).toMatchObject([{ id: body.id }, { winner: 'flights/2' }])
})

test('told to, it promotes the better one as any rollout does: watched, and with a way back', async () => {
  await using db = await openRolloutDatabase()
  await using server = await openServer(db)
  const treatments = [{ version: 'flights/2', weight: 0.25 }]
  await server.call('POST', '/ab-tests', { ...plan, treatments, whenBetter: 'promote' })
  const canary = { role: 'canary' as const, assignedWith: 0.25, version: 'flights/2' }
  await sendReport(db, {
    counters: [
      testCounter({ requests: 15_000, assignedWith: 0.75, errors: 1500 }),
      testCounter({ ...canary, requests: 5000, errors: 50 }),
    ],
  })
  expect(await tick(db)).toMatchObject({ outcome: 'conclude' })
  expect(await champion(db)).toBe(1)
  await tickRollouts({ db, actor: rolloutActor, log: silentLog }, { nowMs: testDayMs })
  expect(await champion(db)).toBe(2)
  expect(await variants(db)).toEqual(['flights/2 champion 1', 'flights/1 canary 0'])
})

test('one comparison at a time: tests and rollouts refuse each other, and what cannot be compared is refused', async () => {
  await using db = await openRolloutDatabase()
  await using server = await openServer(db)
  const codeOf = async (how: object): Promise<string | undefined> =>
    (await server.call('POST', '/ab-tests', { ...plan, ...how })).body.code
  expect(await codeOf({ treatments: [{ version: 'flights/1', weight: 0.5 }] })).toBe('treatment_serves')
  expect(await codeOf({ treatments: [{ version: 'flights/9', weight: 0.5 }] })).toBe('model_version_not_found')
  expect(await codeOf({ endpoint: 'none' })).toBe('endpoint_not_found')
  expect(await codeOf({ treatments: [{ version: 'flights/2', weight: 1 }] })).toBe('request_invalid')
  const twice = [0.2, 0.3].map((weight) => ({ version: 'flights/2', weight }))
  expect(await codeOf({ treatments: twice })).toBe('request_invalid')
  expect(await variants(db)).toEqual(['flights/1 champion 1'])

  const { id } = (await server.call<AbTest>('POST', '/ab-tests', plan)).body
  expect(await codeOf({})).toBe('ab_test_active')
  const policy = RolloutPolicy.parse({})
  const rollout = { endpoint: 'flights', model: 'flights', version: 2, policy, nowMs: 0, reason: 'x' }
  await expect(startRollout(db, rolloutActor, rollout)).rejects.toMatchObject({ code: 'ab_test_active' })
  const stopped = await server.call<AbTest>('POST', `/ab-tests/${id}/stop`, { reason: 'enough' })
  expect(stopped.body).toMatchObject({ state: 'stopped', sentence: 'tester stopped it: enough' })
  expect(await variants(db)).toEqual(['flights/1 champion 1'])
  expect((await server.call('POST', `/ab-tests/${id}/stop`, { reason: 'again' })).body.code).toBe('ab_test_over')
  expect((await server.call('GET', '/ab-tests/none')).body.code).toBe('ab_test_not_found')
  await startRollout(db, rolloutActor, rollout)
  expect(await codeOf({})).toBe('rollout_active')
  expect((await server.call<{ tests: AbTest[] }>('GET', '/ab-tests?endpoint=flights')).body.tests).toHaveLength(1)
})

test('who moves traffic meanwhile ends the test and keeps what was moved', async () => {
  await using db = await openRolloutDatabase()
  await using server = await openServer(db)
  const { id } = (await server.call<AbTest>('POST', '/ab-tests', plan)).body
  const by = [
    { version: 'flights/1', role: 'champion' as const, weight: 0.9 },
    { version: 'flights/2', role: 'canary' as const, weight: 0.1 },
  ]
  await transact(db, (trx) => setVariants(trx, rolloutActor, { endpoint: 'flights', variants: by, reason: 'by hand' }))
  await tick(db)
  expect((await server.call<AbTest>('GET', `/ab-tests/${id}`)).body).toMatchObject({ state: 'cancelled' })
  expect(await variants(db)).toEqual(['flights/1 champion 0.9', 'flights/2 canary 0.1'])
})

test('a version that the gateway takes out ends the test, and a stopped endpoint is not judged', async () => {
  await using db = await openRolloutDatabase()
  await using server = await openServer(db)
  const { id } = (await server.call<AbTest>('POST', '/ab-tests', plan)).body
  await transact(db, (trx) => stopEndpoint(trx, rolloutActor, { name: 'flights', reason: 'x' }))
  await traffic(db, 800, [0, 200, 0])
  expect(await tick(db)).toBeUndefined()
  await using other = await openRolloutDatabase()
  await using second = await openServer(other)
  const made = (await second.call<AbTest>('POST', '/ab-tests', plan)).body
  const incident = {
    id: 'i1',
    atMs: 1,
    worker: 'w',
    isQuarantined: true,
    kind: 'hung',
    detail: 'it hung twice',
  } as const
  await takeIncident(other, rolloutActor, { ...incident, version: 'flights/3' })
  expect(await tick(other)).toMatchObject({ outcome: 'abort' })
  expect((await second.call<AbTest>('GET', `/ab-tests/${made.id}`)).body).toMatchObject({ state: 'aborted' })
  expect(await variants(other)).toEqual(['flights/1 champion 1'])
  expect((await server.call<AbTest>('GET', `/ab-tests/${id}`)).body).toMatchObject({ state: 'running' })
})
