// Rollouts over HTTP: started, read with their verdicts, taken back.
import { expect, test } from 'vitest'
import { createTestServer } from '../governance/testing.ts'
import { silentLog } from '../platform/log.ts'
import { testDayMs } from '../monitoring/testing.ts'
import { rolloutRoutes } from './routes.ts'
import { canaryTraffic, openRolloutDatabase, rolloutActor } from './testing.ts'
import { tickRollouts } from './tick.ts'

test('a rollout is started, read with its verdicts, and taken back', async () => {
  await using db = await openRolloutDatabase()
  await using server = await createTestServer(rolloutRoutes, { db }, { clock: () => testDayMs })
  const body = { endpoint: 'flights', model: 'flights', version: 2, policy: { shadow: null }, reason: 'by hand' }
  const started = await server.inject({ method: 'POST', url: '/rollouts', payload: body })
  expect(started.statusCode).toBe(201)
  const { id } = started.json<{ id: string }>()
  expect(started.json()).toMatchObject({ state: 'canary', policy: { ramp: [0.1, 0.5] }, createdBy: 'tester' })
  expect((await server.inject({ method: 'POST', url: '/rollouts', payload: body })).json()).toMatchObject({
    code: 'rollout_active',
  })
  await canaryTraffic(db, { share: 0.1, requests: 100 })
  await tickRollouts({ db, actor: rolloutActor, log: silentLog }, { nowMs: testDayMs })
  const verdicts = (await server.inject(`/rollouts/${id}/verdicts`)).json()
  expect(verdicts).toMatchObject({ verdicts: [{ sequence: 1, verdict: 'continue', phase: 'canary' }] })
  expect((await server.inject('/rollouts?endpoint=flights')).json()).toMatchObject({ rollouts: [{ id }] })

  const url = '/endpoints/flights/rollback'
  const back = await server.inject({ method: 'POST', url, payload: { reason: 'complaints' } })
  expect(back.json()).toMatchObject({ id, state: 'rolled_back', sentence: 'tester rolled back: complaints' })
  expect((await server.inject({ method: 'POST', url, payload: { reason: 'again' } })).statusCode).toBe(409)
  expect((await server.inject('/rollouts/none')).json()).toMatchObject({ code: 'rollout_not_found' })
})

test('a version that nobody registered does not start', async () => {
  await using db = await openRolloutDatabase()
  await using server = await createTestServer(rolloutRoutes, { db })
  const body = { endpoint: 'flights', model: 'flights', version: 9, reason: 'by hand' }
  const refused = await server.inject({ method: 'POST', url: '/rollouts', payload: body })
  expect(refused.json()).toMatchObject({ code: 'model_version_not_found' })
  expect((await server.inject('/rollouts')).json()).toEqual({ rollouts: [] })
})

test('a rollback asks the version that would come back first, and goes to one that fails only when told to', async () => {
  await using db = await openRolloutDatabase()
  let isWell = false
  const asked: string[] = []
  const rehearse = async (version: string) => {
    asked.push(version)
    return { version, atMs: 1, passed: isWell, examples: 0, sentence: isWell ? 'as it did' : 'example 3 differs' }
  }
  await using server = await createTestServer(rolloutRoutes, { db, rehearse }, { clock: () => testDayMs })
  const body = {
    endpoint: 'flights',
    model: 'flights',
    version: 2,
    policy: { shadow: null, canary: null },
    reason: 'x',
  }
  const promoted = async (): Promise<void> => {
    await server.inject({ method: 'POST', url: '/rollouts', payload: body })
    await tickRollouts({ db, actor: rolloutActor, log: silentLog }, { nowMs: testDayMs })
  }
  const back = async (payload: object) =>
    server.inject({ method: 'POST', url: '/endpoints/flights/rollback', payload: { reason: 'complaints', ...payload } })
  await promoted()
  const refused = await back({})
  expect([refused.statusCode, refused.json<{ code: string }>().code]).toEqual([409, 'rollback_unrehearsed'])
  expect(refused.body).toContain('example 3 differs')
  expect((await back({ force: true })).json()).toMatchObject({
    state: 'rolled_back',
    sentence: 'tester rolled back: complaints (forced)',
  })
  await promoted()
  isWell = true
  expect((await back({})).json()).toMatchObject({ state: 'rolled_back' })
  expect(asked).toEqual(['flights/1', 'flights/1'])

  // The champion answers already while a challenger is tried: there is nothing to ask.
  isWell = false
  await server.inject({ method: 'POST', url: '/rollouts', payload: { ...body, policy: {} } })
  expect((await back({})).json()).toMatchObject({ state: 'rolled_back' })
  expect(asked).toHaveLength(2)
})
