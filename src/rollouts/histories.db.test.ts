// What holds of rollouts and A/B tests whatever happens: random histories of evidence, commands and accidents, and failures between any two statements.
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { findAlias } from '../models/alias-store.ts'
import { moveAlias } from '../models/promotion.ts'
import { testDayMs } from '../monitoring/testing.ts'
import { on, transact } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import { silentLog } from '../platform/log.ts'
import { testDatabaseKind } from '../platform/testing.ts'
import { assertVariants } from '../serving/endpoint.ts'
import { findEndpoint } from '../serving/endpoint-store.ts'
import { releaseQuarantine, setVariants, startEndpoint, stopEndpoint } from '../serving/endpoints.ts'
import { takeIncident } from '../serving/gateway-intake.ts'
import { createGenerator, type Generator } from '../statistics/random.ts'
import { findActiveAbTest, listAbTests, listAbVerdicts } from './ab/ab-test-store.ts'
import { AbPlan } from './ab-test.ts'
import { startAbTest, stopAbTest, tickAbTest } from './ab-tests.ts'
import { isActive, RolloutPolicy } from './rollout.ts'
import { findActiveRollout, findLastPromotion, listRollouts, listVerdicts } from './rollout-store.ts'
import { rollback, startRollout, takeBackPromotion } from './rollouts.ts'
import { canaryTraffic, openRolloutDatabase, rolloutActor, shadowDay, type RolloutTestDb } from './testing.ts'
import { tickRollouts } from './tick.ts'

const dayMs = 86_400_000
const deps = (db: RolloutTestDb) => ({ db, actor: rolloutActor, log: silentLog })

interface World {
  readonly db: RolloutTestDb
  readonly random: Generator
  nowMs: number
  /** Accidents so far, so that each has an id of its own. */
  step: number
}

const pick = <T>({ random }: World, items: readonly T[]): T => items[Math.floor(random.uniform() * items.length)]!

const policies = [
  { shadow: null, canary: { minimumRequests: 200, maximumRequests: 5000 }, ramp: [0.1, 0.5] },
  {
    shadow: { minimumPairs: 100, minimumDays: 0 },
    canary: { minimumRequests: 200, maximumMs: 3 * dayMs },
    ramp: [0.5],
  },
  { shadow: { minimumPairs: 100, maximumDays: 5 }, canary: null },
  { shadow: null, canary: null, watchMs: 2 * dayMs },
]

async function look(world: World): Promise<void> {
  const { db, nowMs } = world
  const passed = world.random.uniform() < 0.8
  const rehearse = async (version: string) => ({ version, atMs: 1, passed, examples: 1, sentence: 'so' })
  await tickRollouts({ ...deps(db), ...(world.step % 2 === 0 ? { rehearse } : {}) }, { endpoint: 'flights', nowMs })
  await tickAbTest(deps(db), { endpoint: 'flights', nowMs })
}

async function traffic(world: World): Promise<void> {
  const { db, random } = world
  const endpoint = (await findEndpoint(db, 'flights'))!
  const canary = endpoint.variants.find(({ role, weight }) => role === 'canary' && weight > 0)
  if (!canary) return shadowDay(db, { day: world.step, rows: 150, better: random.uniform() < 0.7 })
  const errors = { canary: pick(world, [0, 0, 1, 60]), champion: pick(world, [0, 1, 5]) }
  await canaryTraffic(db, {
    share: canary.weight,
    requests: 4000,
    errors,
    canary: { version: canary.version },
    champion: { version: endpoint.variants[0]!.version },
  })
}

async function begin(world: World): Promise<void> {
  const { db, nowMs } = world
  const version = pick(world, [1, 2, 3])
  const policy = RolloutPolicy.parse(pick(world, policies))
  await startRollout(db, rolloutActor, { endpoint: 'flights', model: 'flights', version, policy, nowMs, reason: 'so' })
}

async function beginTest(world: World): Promise<void> {
  const { db, nowMs } = world
  const plan = AbPlan.parse({
    hypothesis: 'so',
    treatments: [{ version: `flights/${pick(world, [2, 3])}`, weight: 0.5 }],
    metric: pick(world, ['error_rate', 'latency']),
    maximumMs: 3 * dayMs,
    whenBetter: pick(world, ['tell', 'promote']),
  })
  await startAbTest(db, rolloutActor, { endpoint: 'flights', plan, nowMs, reason: 'so' })
}

async function takeBack({ db, nowMs }: World): Promise<void> {
  const promoted = await findLastPromotion(db, 'flights')
  if (promoted) await takeBackPromotion(db, rolloutActor, { rollout: promoted.id, reason: 'so', nowMs })
}

/** Alias and traffic at once, as a person would. */
async function moveByHand(world: World): Promise<void> {
  const { db } = world
  const version = pick(world, [1, 2, 3])
  await transact(db, async (trx) => {
    const alias = await findAlias(trx, { model: 'flights', alias: 'champion' })
    const move = { model: 'flights', alias: 'champion', version, expected: alias!.version, reason: 'by hand' }
    await moveAlias(trx, rolloutActor, move)
    const variants = [{ version: `flights/${version}`, role: 'champion' as const, weight: 1 }]
    await setVariants(trx, rolloutActor, { endpoint: 'flights', variants, reason: 'by hand' })
  })
}

async function accident(world: World): Promise<void> {
  const { db, step } = world
  const version = `flights/${pick(world, [1, 2, 3])}`
  const about = { id: `i${step}`, atMs: 1, worker: 'w', isQuarantined: true, kind: 'hung', detail: 'so' } as const
  await takeIncident(db, rolloutActor, { ...about, version })
}

async function release(world: World): Promise<void> {
  const change = { version: `flights/${pick(world, [1, 2, 3])}`, reason: 'mended' }
  await transact(world.db, (trx) => releaseQuarantine(trx, rolloutActor, change))
}

async function throwSwitch({ db, random }: World): Promise<void> {
  const change = { name: 'flights', reason: 'so' }
  await transact(db, (trx) => (random.uniform() < 0.3 ? stopEndpoint : startEndpoint)(trx, rolloutActor, change))
}

async function stopTest({ db, nowMs }: World): Promise<void> {
  const running = await findActiveAbTest(db, 'flights')
  if (running) await stopAbTest(db, rolloutActor, { id: running.id, reason: 'so', nowMs })
}

const back = ({ db, nowMs }: World): Promise<unknown> =>
  rollback(db, rolloutActor, { endpoint: 'flights', reason: 'so', nowMs })

/** The common ones stand there more than once. */
// prettier-ignore
const steps: readonly ((world: World) => Promise<unknown>)[] = [
  look, look, look, look, traffic, traffic, traffic, traffic, begin, begin, beginTest,
  takeBack, moveByHand, accident, release, throwSwitch, stopTest, back,
]

/** What holds after every step. Answers the states of the rollouts. */
async function assertWhole({ db }: World, after = 'the end'): Promise<string[]> {
  const { variants } = (await findEndpoint(db, 'flights'))!
  assertVariants(variants)
  const champions = variants.filter(({ role }) => role === 'champion')
  const alias = await findAlias(db, { model: 'flights', alias: 'champion' })
  expect(
    champions.map(({ version }) => version),
    `the alias and the traffic tell one story after ${after}`,
  ).toEqual([`flights/${alias!.version}`])
  const rollouts = await listRollouts(db, { limit: 100 })
  const tests = await listAbTests(db, { limit: 100 })
  const underWay = rollouts.filter(isActive).length + tests.filter(({ state }) => state === 'running').length
  expect(underWay).toBeLessThanOrEqual(1)
  for (const rollout of rollouts) {
    const [last] = await listVerdicts(db, { rollout: rollout.id, limit: 1 })
    expect(isActive(rollout), rollout.sentence).toBe(rollout.finishedMs === null)
    if (rollout.state === 'promoted') expect(last?.verdict).toBe('promote')
    if (last?.verdict === 'inconclusive') expect(rollout.state).not.toBe('promoted')
  }
  for (const found of tests) {
    const [last] = await listAbVerdicts(db, { test: found.id, limit: 1 })
    if (found.winner !== null)
      expect(last?.arms.find(({ version }) => version === found.winner)?.verdict).toBe('better')
  }
  return [...rollouts.map(({ state }) => state), ...tests.map(({ state }) => `test ${state}`)]
}

test('no history leaves two champions, promotes what is unclear, or goes on for ever', async () => {
  const seen = new Set<string>()
  for (let seed = 0; seed < 25; seed++) {
    await using db = await openRolloutDatabase()
    const world: World = { db, random: createGenerator(`history/${seed}`), nowMs: testDayMs, step: 0 }
    for (; world.step < 60; world.step++) {
      world.nowMs += Math.floor(world.random.uniform() * 0.6 * dayMs)
      let what: (world: World) => Promise<unknown> = look
      try {
        what = pick(world, steps)
        await what(world)
      } catch (error) {
        // Refused, and told so: nothing else may go wrong.
        if (!(error instanceof DomainError)) throw error
      }
      await assertWhole(world, `${seed}.${world.step} ${what.name}`)
    }
    await transact(db, (trx) => startEndpoint(trx, rolloutActor, { name: 'flights', reason: 'the end' }))
    for (let turn = 0; turn < 4; turn++) {
      world.nowMs += 40 * dayMs
      await look(world)
    }
    for (const state of await assertWhole(world)) seen.add(state)
    expect(await findActiveRollout(db, 'flights')).toBeUndefined()
    expect(await findActiveAbTest(db, 'flights')).toBeUndefined()
  }
  // Histories that never come to anything would prove nothing.
  expect([...seen]).toEqual(expect.arrayContaining(['promoted', 'rolled_back', 'inconclusive', 'cancelled']))
  expect([...seen].filter((state) => state.startsWith('test ')).length).toBeGreaterThan(2)
})

/** Every row of every table. */
async function dump(db: RolloutTestDb, tables: readonly string[]): Promise<string> {
  const all: unknown[] = []
  for (const table of tables) all.push((await sql`select * from ${sql.id(table)}`.execute(on(db))).rows)
  return JSON.stringify(all)
}

interface Move {
  readonly name: string
  readonly prepare: (db: RolloutTestDb) => Promise<unknown>
  readonly move: (db: RolloutTestDb) => Promise<unknown>
}

const start = (db: RolloutTestDb, policy: object): Promise<unknown> =>
  startRollout(db, rolloutActor, {
    endpoint: 'flights',
    model: 'flights',
    version: 2,
    policy: RolloutPolicy.parse(policy),
    nowMs: testDayMs,
    reason: 'so',
  })
const tick = (db: RolloutTestDb): Promise<unknown> => tickRollouts(deps(db), { nowMs: testDayMs })
const rollBack = (db: RolloutTestDb): Promise<unknown> =>
  rollback(db, rolloutActor, { endpoint: 'flights', reason: 'so', nowMs: testDayMs })
const atOnce = { shadow: null, canary: null }
const abPlan = AbPlan.parse({
  hypothesis: 'so',
  treatments: [{ version: 'flights/2', weight: 0.5 }],
  metric: 'latency',
})
const startTest = (db: RolloutTestDb): Promise<unknown> =>
  startAbTest(db, rolloutActor, { endpoint: 'flights', plan: abPlan, nowMs: testDayMs, reason: 'so' })

const moves: readonly Move[] = [
  { name: 'start', prepare: async () => undefined, move: (db) => start(db, {}) },
  { name: 'promote', prepare: (db) => start(db, atOnce), move: tick },
  { name: 'roll back', prepare: (db) => start(db, { shadow: null }), move: rollBack },
  { name: 'take back', prepare: (db) => start(db, atOnce).then(() => tick(db)), move: rollBack },
  { name: 'start a test', prepare: async () => undefined, move: startTest },
  {
    name: 'end a test',
    prepare: startTest,
    move: (db) => tickAbTest(deps(db), { endpoint: 'flights', nowMs: testDayMs + 30 * dayMs }),
  },
]

interface Statement {
  readonly table: string
  readonly change: 'insert' | 'update' | 'delete'
}

async function tablesOf(db: RolloutTestDb): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`select name from sqlite_master where type = 'table'`.execute(on(db))
  return rows.map(({ name }) => name).filter((name) => !/^(?:sqlite_|kysely_)/v.test(name))
}

/** Before each such statement SQLite does what `action` says. */
const trigger = (name: string, { table, change }: Statement, action: string) =>
  sql`create trigger ${sql.id(name)} before ${sql.raw(change)} on ${sql.id(table)} begin ${sql.raw(action)}; end`

/** What a move writes: found by making it once, on a database of its own. */
async function statementsOf({ prepare, move }: Move): Promise<Statement[]> {
  await using db = await openRolloutDatabase()
  await prepare(db)
  const tables = await tablesOf(db)
  await sql`create table touched (place text primary key)`.execute(on(db))
  for (const table of tables) {
    for (const change of ['insert', 'update', 'delete'] as const) {
      const action = `insert or ignore into touched values ('${table} ${change}')`
      await trigger(`${table}_${change}`, { table, change }, action).execute(on(db))
    }
  }
  await move(db)
  const { rows } = await sql<{ place: string }>`select place from touched`.execute(on(db))
  return rows.map(({ place }) => {
    const [table, change] = place.split(' ') as [string, Statement['change']]
    return { table, change }
  })
}

test.skipIf(testDatabaseKind !== 'sqlite')('a failure at any statement of a move leaves all as it was', async () => {
  for (const each of moves) {
    const statements = await statementsOf(each)
    expect(statements.length, each.name).toBeGreaterThan(5)
    await using db = await openRolloutDatabase()
    await each.prepare(db)
    const tables = await tablesOf(db)
    const before = await dump(db, tables)
    for (const statement of statements) {
      await trigger('crash', statement, `select raise(abort, 'a crash')`).execute(on(db))
      await expect(each.move(db), each.name).rejects.toThrow('a crash')
      await sql`drop trigger crash`.execute(on(db))
      expect(await dump(db, tables), `${each.name}: ${statement.change} of ${statement.table}`).toBe(before)
    }
    // Nothing was left behind that would stand in the way of the same move made again.
    await each.move(db)
    expect(await dump(db, tables)).not.toBe(before)
  }
})
