// How often looks are written down: under traffic the evidence changes with every report, and most of them settle nothing.
import { expect, test } from 'vitest'
import { testActor } from '../governance/testing.ts'
import { testDayMs } from '../monitoring/testing.ts'
import { silentLog } from '../platform/log.ts'
import { listAbVerdicts } from './ab/ab-test-store.ts'
import { AbPlan } from './ab-test.ts'
import { startAbTest, tickAbTest } from './ab-tests.ts'
import { RolloutPolicy } from './rollout.ts'
import { listVerdicts } from './rollout-store.ts'
import { startRollout } from './rollouts.ts'
import { canaryTraffic, openRolloutDatabase, rolloutActor } from './testing.ts'
import { tickRollouts } from './tick.ts'

const start = { endpoint: 'flights', nowMs: testDayMs, reason: 'so' }
/** Seconds between two looks. */
const seconds = Array.from({ length: 150 }, (_, at) => at)

test('a rollout that goes on is written down once a minute, and what settles it at once', async () => {
  await using db = await openRolloutDatabase()
  let wallMs = 1_000_000
  const actor = testActor('tester', () => wallMs)
  const policy = RolloutPolicy.parse({ shadow: null, ramp: [0.5] })
  const { id } = await startRollout(db, rolloutActor, { ...start, model: 'flights', version: 2, policy })
  const look = () => tickRollouts({ db, actor, log: silentLog }, { endpoint: 'flights', nowMs: testDayMs })
  for (const _ of seconds) {
    await canaryTraffic(db, { share: 0.5, requests: 4 })
    await look()
    wallMs += 1000
  }
  const stored = async () => (await listVerdicts(db, { rollout: id, limit: 500 })).map(({ verdict }) => verdict)
  expect(await stored()).toEqual(['continue', 'continue', 'continue'])
  await canaryTraffic(db, { share: 0.5, requests: 200, errors: { canary: 90, champion: 0 } })
  expect(await look()).toMatchObject([{ verdict: 'roll_back' }])
  expect((await stored())[0]).toBe('roll_back')
})

test('so is a test between two versions', async () => {
  await using db = await openRolloutDatabase()
  let wallMs = 1_000_000
  const actor = testActor('tester', () => wallMs)
  const treatments = [{ version: 'flights/2', weight: 0.5 }]
  const plan = AbPlan.parse({ hypothesis: 'so', treatments, metric: 'error_rate' })
  const { id } = await startAbTest(db, rolloutActor, { ...start, plan })
  const look = () => tickAbTest({ db, actor, log: silentLog }, { endpoint: 'flights', nowMs: testDayMs })
  for (const _ of seconds) {
    await canaryTraffic(db, { share: 0.5, requests: 4 })
    await look()
    wallMs += 1000
  }
  expect(await listAbVerdicts(db, { test: id, limit: 500 })).toHaveLength(3)
  await canaryTraffic(db, { share: 0.5, requests: 200, errors: { canary: 0, champion: 90 } })
  await canaryTraffic(db, { share: 0.5, requests: 2000 })
  expect(await look()).toMatchObject({ outcome: 'conclude', arms: [{ verdict: 'better' }] })
})
