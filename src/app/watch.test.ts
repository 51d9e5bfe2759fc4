// The watch after a promotion with all that takes part in it: a rollout promotes, traffic fails, a monitor opens, the loop goes back.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { testActor } from '../governance/testing.ts'
import { insertCommands, updateCommand } from '../loop/command-store.ts'
import { listDecisions } from '../loop/decision-store.ts'
import { monitor, retrain, rollout } from '../loop/index.ts'
import { findState, putState } from '../loop/loop-store.ts'
import { emptyState } from '../loop/policy-state.ts'
import { applyTestLoop, testLoop } from '../loop/testing.ts'
import { findAlias } from '../models/alias-store.ts'
import { moveAlias } from '../models/promotion.ts'
import { smallModel, smallSignature } from '../models/testing.ts'
import { judgeVersion } from '../models/version-changes.ts'
import { registerVersion } from '../models/registration.ts'
import { recordReport } from '../monitoring/report.ts'
import { binaryFacts, oneDayMs, testCounter, testDayMs, testReport } from '../monitoring/testing.ts'
import { on, transact } from '../platform/database.ts'
import { startRollout } from '../rollouts/rollouts.ts'
import { findEndpoint } from '../serving/endpoint-store.ts'
import { setVariants } from '../serving/endpoints.ts'
import { loadConfig } from './config.ts'
import { openContext, type Context } from './context.ts'

const actor = testActor('tester')
const command = 'flights.3.start_rollout'
const spec = testLoop({
  monitors: [monitor.errorRate({ window: '1d', high: 0.01, openAfter: 1 })],
  rollout: rollout.atOnce(),
  retrain: retrain({ on: 'error_rate', cooldown: '14d' }),
})

/** Two approved versions, the first of which serves. */
async function seed({ db, blobs }: Context): Promise<void> {
  const baseline = { ...binaryFacts.baseline!, features: [] }
  await applyTestLoop(db, actor, spec)
  // Real graphs: before a promotion the version that it could be taken back to is asked.
  const stored = [await blobs.put(smallModel()), await blobs.put(smallModel({ weight: 2 }))]
  await transact(db, async (trx) => {
    for (const version of [1, 2]) {
      const { digest, bytes } = stored[version - 1]!
      await registerVersion(trx, actor, { model: 'flights', digest, bytes, signature: smallSignature, baseline })
      await judgeVersion(trx, actor, { model: 'flights', version, state: 'approved', reason: 'test' })
    }
    const alias = { model: 'flights', alias: 'champion' }
    await moveAlias(trx, actor, { ...alias, version: 1, expected: null, reason: 'first' })
    const variants = [{ version: 'flights/1', role: 'champion' as const, weight: 1 }]
    await setVariants(trx, actor, { endpoint: 'flights', variants, reason: 'first' })
  })
}

/** The loop waits for a rollout of the second version that it has asked for. */
async function putIntoRollout({ db }: Context, nowMs: number): Promise<void> {
  const started = await startRollout(db, actor, {
    endpoint: 'flights',
    model: 'flights',
    version: 2,
    policy: spec.rollout,
    nowMs,
    reason: 'the gate passed it',
    key: command,
  })
  const trigger = { kind: 'manual', reason: 'ann asked for it', evidence: {} } as const
  const attempt = { number: 2, trigger, beganMs: nowMs, command, window: null, candidate: 'flights/2' }
  const state = { ...emptyState, phase: 'rolling_out', nowMs, specVersion: 1, champion: 'flights/1', attempt } as const
  await transact(db, async (trx) => {
    const asked = { id: command, kind: 'start_rollout', champion: 'flights/1', challenger: 'flights/2' } as const
    await insertCommands(trx, 'flights', [{ ...asked, sentence: 'so' }])
    await updateCommand(trx, command, { state: 'done', reference: started.id })
    await putState(trx, 'flights', { state: { ...state, commandsIssued: 3, attempts: 2 }, eventSeq: 0, decisions: 0 })
  })
}

/** A day of answers, and the first hour of the next one, so that it is complete. */
async function liveDay({ db, versions, wake }: Context, day: number, answers: { version: string; errors: number }) {
  const counter = testCounter({ ...answers, dayMs: testDayMs + day * oneDayMs, requests: 1_000 })
  const eventTimes = { flights: testDayMs + (day + 1) * oneDayMs + 3_600_000 }
  const report = testReport({ sequence: day + 1, counters: [counter], eventTimes })
  await transact(db, (trx) => recordReport({ versions, nowMs: 1 }, trx, report))
  wake()
}

test('a version that was promoted and fails gives its place back to the one before, by the loop itself', async () => {
  const home = mkdtempSync(join(tmpdir(), 'trueloop-watch-'))
  const config = loadConfig({ TRUELOOP_HOME: home, TRUELOOP_LOG_LEVEL: 'error' })
  try {
    await using context = await openContext(config)
    const { db } = context
    const champion = async (): Promise<number | undefined> =>
      (await findAlias(db, { model: 'flights', alias: 'champion' }))?.version
    const story = () => listDecisions(db, { loop: 'flights', limit: 100 })
    const serving = async (): Promise<string[]> =>
      (await findEndpoint(db, 'flights'))!.variants.map(({ version, role }) => `${version} ${role}`)
    await seed(context)
    await liveDay(context, 0, { version: 'flights/1', errors: 0 })
    await putIntoRollout(context, testDayMs + oneDayMs + 3_600_000)
    await context.listening('http://127.0.0.1:1')
    await expect.poll(async () => (await story()).map(({ kind }) => kind), { timeout: 60_000 }).toContain('promoted')
    expect(await champion()).toBe(2)
    expect(await serving()).toEqual(['flights/2 champion', 'flights/1 canary'])

    await liveDay(context, 1, { version: 'flights/2', errors: 80 })
    await expect.poll(champion, { timeout: 60_000 }).toBe(1)
    await expect.poll(async () => (await story()).at(-1)?.kind, { timeout: 60_000 }).toBe('taken_back')
    expect(await serving()).toEqual(['flights/1 champion'])
    const told = (await story()).slice(-3)
    expect(told.map(({ kind }) => kind)).toEqual(['alert_opened', 'take_back_started', 'taken_back'])
    expect(told[2]).toMatchObject({
      sentence:
        'flights/2 was taken back and flights/1 serves again: monitor error_rate opened on flights/2, promoted 2001-02-02T01:00Z (flights: error rate of flights/2 over 2001-02-02 to 2001-02-02 is 0.08, above 0.01 (range [-∞, 0.01]), on 1000 rows).',
      evidence: { modelVersion: 'flights/1', command: 'flights.4.take_back' },
    })
    expect(told[1]!.evidence).toMatchObject({ monitor: 'error_rate', modelVersion: 'flights/2' })
    expect((await findState(db, 'flights'))?.state).toMatchObject({
      phase: 'cooling_down',
      openAlerts: [],
      watch: null,
    })

    // The failing version's alert is closed with it, and the story is at its end.
    await liveDay(context, 2, { version: 'flights/1', errors: 0 })
    const alerts = () => on(db).selectFrom('alert').select(['version', 'close_reason']).execute()
    await expect.poll(alerts, { timeout: 60_000 }).toEqual([{ version: 'flights/2', close_reason: 'version_replaced' }])
    const heard = on(db).selectFrom('event').where('type', '=', 'monitor.alert_closed')
    const { seq } = await heard.select('seq').executeTakeFirstOrThrow()
    const cursor = on(db).selectFrom('event_cursor').where('consumer', '=', 'loop').select('seq')
    await expect.poll(async () => (await cursor.executeTakeFirstOrThrow()).seq, { timeout: 60_000 }).toBe(seq)
    expect(await champion()).toBe(1)
    expect((await story()).at(-1)?.kind).toBe('taken_back')
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
})
