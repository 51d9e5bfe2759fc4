// How workers come to a new configuration: what loads slowly is never loaded by one that answers.
import { expect, test } from 'vitest'
import { smallModel } from '../../models/testing.ts'
import { sleep } from '../../platform/clock.ts'
import { silentLog } from '../../platform/log.ts'
import type { GatewayConfig } from '../gateway-config.ts'
import { testEndpoint, testVariant } from '../testing.ts'
import type { Fleet, Member } from './fleet.ts'
import { startConfigRollout } from './rollout.ts'

const model = { bytes: smallModel() }
const configOf = (generation: number, version: number): GatewayConfig => ({
  generation,
  endpoints: [testEndpoint([testVariant(version, model)])],
})

/** As much of a fleet as tells how workers were asked to follow. */
function openFleet() {
  const members = new Set<Member>()
  const asked: string[] = []
  const fleet = {
    members,
    start: async ({ generation }: GatewayConfig) => {
      const member = {
        name: `${members.size}`,
        state: 'serving',
        sent: 1,
        applied: 1,
        failures: [],
      } as unknown as Member
      members.add(member)
      asked.push(`start ${generation}`)
      return member
    },
    send: () => void asked.push('send'),
    leave: async (member: Member) => void members.delete(member),
  } as unknown as Fleet
  return { fleet, asked }
}

test.each([
  { name: 'a version whose graph loads slowly', loadMs: 100, asked: ['start 1', 'start 2'] },
  { name: 'one that loads unnoticed', loadMs: 1, asked: ['start 1', 'send'] },
  { name: 'one of which nothing is known', loadMs: undefined, asked: ['start 1', 'start 2'] },
])('$name, with the same graph as the one before, is loaded where nobody waits for it', async ({ loadMs, asked }) => {
  const told = openFleet()
  const rollout = startConfigRollout({
    fleet: told.fleet,
    workers: 1,
    port: 0,
    preparer: { prepare: () => undefined, loadMs: () => loadMs, hasFailed: () => false },
    log: silentLog,
  })
  rollout.setTarget(configOf(1, 1))
  expect(await rollout.reached()).toEqual([])
  rollout.setTarget(configOf(2, 2))
  expect(await rollout.reached()).toEqual([])
  expect(told.asked).toEqual(asked)
  // What is there already needs nothing.
  rollout.setTarget(configOf(3, 2))
  await rollout.reached()
  expect(told.asked).toEqual([...asked, 'send'])
  await rollout.stop()
})

/** Follows with one worker that serves; versions are prepared when the test says so, and load in no time then. */
async function openPreparing() {
  const told = openFleet()
  let isPrepared = false
  const prepared = Promise.withResolvers<void>()
  const rollout = startConfigRollout({
    fleet: told.fleet,
    workers: 1,
    port: 0,
    preparer: {
      prepare: ([variant]) => (variant?.version === 'small/2' && !isPrepared ? prepared.promise : undefined),
      loadMs: () => (isPrepared ? 1 : undefined),
      hasFailed: () => false,
    },
    log: silentLog,
  })
  rollout.setTarget(configOf(1, 1))
  expect(await rollout.reached()).toEqual([])
  rollout.setTarget(configOf(2, 2))
  await sleep(20)
  expect(told.asked).toEqual(['start 1'])
  const finish = (): void => {
    isPrepared = true
    prepared.resolve()
  }
  return { ...told, rollout, finish }
}

test('a version that is being prepared comes to the worker that serves when it is', async () => {
  const { rollout, asked, finish } = await openPreparing()
  finish()
  expect(await rollout.reached()).toEqual([])
  expect(asked).toEqual(['start 1', 'send'])
  await rollout.stop()
})

test('a newer configuration does not wait for a version that is being prepared', async () => {
  const { rollout, asked } = await openPreparing()
  rollout.setTarget(configOf(3, 1))
  expect(await rollout.reached()).toEqual([])
  expect(asked).toEqual(['start 1', 'send'])
  await rollout.stop()
})

test('a worker that is lost meanwhile is replaced at once', async () => {
  const { rollout, asked, fleet, finish } = await openPreparing()
  ;(fleet.members as Set<Member>).clear()
  rollout.refill()
  await sleep(20)
  expect(asked).toEqual(['start 1', 'start 2'])
  finish()
  await rollout.stop()
})
