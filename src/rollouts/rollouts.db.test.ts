// Rollouts from their start to their end, on traffic as gateways report it: what moves, what is written down, and what never moves.
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { findAlias } from '../models/alias-store.ts'
import { downstream } from '../governance/lineage.ts'
import { rolloutStatistics } from '../monitoring/rollout-statistics.ts'
import { binaryFacts, testCounter, testDayMs } from '../monitoring/testing.ts'
import { on, transact } from '../platform/database.ts'
import { readEvents } from '../platform/events.ts'
import { silentLog } from '../platform/log.ts'
import { takeIncident } from '../serving/gateway-intake.ts'
import { findEndpoint } from '../serving/endpoint-store.ts'
import { setVariants, startEndpoint, stopEndpoint } from '../serving/endpoints.ts'
import { judgeVersion } from '../models/version-changes.ts'
import { moveAlias } from '../models/promotion.ts'
import { canaryEvidence, shadowEvidence } from './evidence.ts'
import { RolloutPolicy } from './rollout.ts'
import { findRollout, listVerdicts } from './rollout-store.ts'
import { rollback, startRollout, takeBackPromotion } from './rollouts.ts'
import {
  canaryTraffic,
  openRolloutDatabase,
  rolloutActor,
  sendReport,
  shadowDay,
  type RolloutTestDb,
} from './testing.ts'
import { tickRollouts } from './tick.ts'
import { judgeCanary, judgeShadow } from './verdict.ts'

const day = 86_400_000

const start = (db: RolloutTestDb, policy: unknown = {}, key?: string) =>
  startRollout(db, rolloutActor, {
    endpoint: 'flights',
    model: 'flights',
    version: 2,
    policy: RolloutPolicy.parse(policy),
    nowMs: testDayMs,
    reason: 'a test',
    key,
  })
const tick = (db: RolloutTestDb, nowMs = testDayMs) =>
  tickRollouts({ db, actor: rolloutActor, log: silentLog }, { endpoint: 'flights', nowMs })

const variants = async (db: RolloutTestDb): Promise<string[]> =>
  (await findEndpoint(db, 'flights'))!.variants.map(({ version, role, weight }) => `${version} ${role} ${weight}`)
const alias = async (db: RolloutTestDb, name: string): Promise<number | undefined> =>
  (await findAlias(db, { model: 'flights', alias: name }))?.version
const events = async (db: RolloutTestDb): Promise<string[]> =>
  (await readEvents(db, { seq: 0 })).map(({ type }) => type).filter((type) => type.startsWith('rollout.'))

const shadowOnly = { canary: null, watchMs: 0 }
const canaryOnly = { shadow: null, ramp: [0.1, 0.5], canary: { minimumRequests: 500 } }

test('a better challenger goes through shadow and two canary steps to champion, and every verdict is kept', async () => {
  await using db = await openRolloutDatabase()
  const { id } = await start(db)
  expect(await variants(db)).toEqual(['flights/1 champion 1', 'flights/2 shadow 0'])
  expect([await alias(db, 'champion'), await alias(db, 'challenger')]).toEqual([1, 2])

  for (let at = 0; at < 4; at++) await shadowDay(db, { day: at, rows: 400, better: true })
  expect((await tick(db))[0]).toMatchObject({
    phase: 'shadow',
    verdict: 'advance',
    statistics: { pairs: 1600, days: 4 },
  })
  expect(await variants(db)).toEqual(['flights/1 champion 0.9', 'flights/2 canary 0.1'])

  await canaryTraffic(db, { share: 0.1, requests: 3000 })
  expect((await tick(db))[0]).toMatchObject({ verdict: 'continue' })
  await canaryTraffic(db, { share: 0.1, requests: 3000 })
  expect((await tick(db))[0]).toMatchObject({ phase: 'canary', step: 0, verdict: 'advance' })
  expect(await variants(db)).toEqual(['flights/1 champion 0.5', 'flights/2 canary 0.5'])
  // Enough requests in all, but not at this share.
  expect((await tick(db))[0]).toMatchObject({ step: 1, verdict: 'continue' })
  await canaryTraffic(db, { share: 0.5, requests: 4000 })
  expect((await tick(db))[0]).toMatchObject({ step: 1, verdict: 'promote' })

  expect([await alias(db, 'champion'), await alias(db, 'challenger')]).toEqual([2, undefined])
  expect(await variants(db)).toEqual(['flights/2 champion 1', 'flights/1 canary 0'])
  expect(await tick(db, testDayMs + day)).toEqual([])
  expect(await variants(db)).toEqual(['flights/2 champion 1'])
  expect(await events(db)).toEqual(['rollout.started', 'rollout.advanced', 'rollout.advanced', 'rollout.finished'])
  const [finished] = (await readEvents(db, { seq: 0 })).filter(({ type }) => type === 'rollout.finished')
  expect(finished!.payload).toMatchObject({ id, champion: 'flights/1', challenger: 'flights/2', outcome: 'promoted' })
  const verdicts = await listVerdicts(db, { rollout: id, limit: 100 })
  expect(verdicts.map(({ verdict }) => verdict).toReversed()).toEqual([
    'advance',
    'continue',
    'advance',
    'continue',
    'promote',
  ])
  const edges = await downstream(db, 'model_version:flights/2')
  expect(edges.map((edge) => edge.downstream)).toEqual(
    expect.arrayContaining([`rollout:${id}`, 'deployment:flights@champion']),
  )
})

test('the verdict is the pure function on what the rows add up to', async () => {
  await using db = await openRolloutDatabase()
  const { policy } = await start(db)
  for (let at = 0; at < 3; at++) await shadowDay(db, { day: at, rows: 200, better: true })
  await canaryTraffic(db, { share: 0.1, requests: 2000, errors: { canary: 7, champion: 3 } })
  const statistics = await rolloutStatistics(db, {
    endpoint: 'flights',
    champion: 'flights/1',
    challenger: 'flights/2',
    sinceMs: testDayMs,
  })
  const rows = await on(db).selectFrom('prediction').selectAll().execute()
  const differences = rows.map((row) => {
    const [said] = JSON.parse(row.shadows!) as [{ output: [number] }]
    const late = Number(row.id.split('-')[1]) % 5 === 0
    const loss = (p: number): number => -Math.log(late ? p : 1 - p)
    return loss(said.output[0]) - loss(0.2)
  })
  const mean = differences.reduce((sum, value) => sum + value, 0) / 600
  const variance = differences.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 599
  const evidence = shadowEvidence(statistics)
  expect(evidence).toMatchObject({ pairs: 600, days: 3, rows: 600, failures: 0 })
  expect(evidence.meanDifference).toBeCloseTo(mean, 12)
  expect(evidence.varianceDifference).toBeCloseTo(variance, 12)
  const wanted = judgeShadow(evidence, policy.shadow!)
  expect((await tick(db))[0]).toMatchObject({
    verdict: 'advance',
    reason: wanted.reason,
    statistics: wanted.statistics,
  })
  const canary = canaryEvidence(statistics, { policy: policy.canary!, elapsedMs: 0, lastStep: false })
  expect(canary.canary).toMatchObject({ requests: 200, errors: 7 })
  expect(canary.errors).toMatchObject({ canary: 7, baseline: 3 })
  expect(canary.split).toMatchObject({ canary: 200, baseline: 1800 })
  const judged = (await tick(db))[0]!
  expect(judged.statistics['errorEvidence']).toBeCloseTo(
    judgeCanary(canary, policy.canary!).statistics['errorEvidence']!,
    9,
  )
})

test('a worse challenger is rolled back in the shadow, and answers nobody', async () => {
  await using db = await openRolloutDatabase()
  const { id } = await start(db)
  for (let at = 0; at < 4; at++) await shadowDay(db, { day: at, rows: 400, better: false })
  await tick(db)
  expect(await findRollout(db, id)).toMatchObject({ state: 'rolled_back' })
  expect(await variants(db)).toEqual(['flights/1 champion 1'])
  expect([await alias(db, 'champion'), await alias(db, 'challenger')]).toEqual([1, undefined])
})

test('a canary that fails more often is rolled back, whatever was counted before its split', async () => {
  await using db = await openRolloutDatabase()
  // The champion's errors before the canary began are no evidence for it.
  await sendReport(db, { counters: [testCounter({ requests: 5000, errors: 2000 })] })
  const { id } = await start(db, canaryOnly)
  await canaryTraffic(db, { share: 0.1, requests: 3000, errors: { canary: 40, champion: 6 } })
  const [verdict] = await tick(db)
  expect(verdict).toMatchObject({ verdict: 'roll_back', statistics: { canaryErrors: 40, championRequests: 2700 } })
  expect(await findRollout(db, id)).toMatchObject({ state: 'rolled_back', sentence: verdict!.reason })
  expect(await variants(db)).toEqual(['flights/1 champion 1'])
})

test('a version that the gateway took out is rolled back at once, also after its promotion', async () => {
  await using db = await openRolloutDatabase()
  await start(db, canaryOnly)
  const incident = { atMs: 1, worker: 'w', isQuarantined: true, kind: 'hung', detail: 'it hung twice' } as const
  await takeIncident(db, rolloutActor, { ...incident, id: 'i1', version: 'flights/2' })
  expect(await tick(db)).toMatchObject([{ verdict: 'roll_back' }])
  expect(await variants(db)).toEqual(['flights/1 champion 1'])

  await startRollout(db, rolloutActor, {
    endpoint: 'flights',
    model: 'flights',
    version: 3,
    policy: RolloutPolicy.parse({ shadow: null, canary: null }),
    nowMs: testDayMs,
    reason: 'no phases',
  })
  await tick(db)
  expect(await variants(db)).toEqual(['flights/3 champion 1', 'flights/1 canary 0'])
  await takeIncident(db, rolloutActor, { ...incident, id: 'i2', version: 'flights/3' })
  await tick(db)
  expect(await variants(db)).toEqual(['flights/1 champion 1'])
  expect(await alias(db, 'champion')).toBe(1)
  expect(await events(db)).toContain('rollout.taken_back')
})

test('an open question at the end of the budget is never a promotion', async () => {
  await using db = await openRolloutDatabase()
  const { id } = await start(db, shadowOnly)
  expect(await tick(db, testDayMs + 10 * day)).toMatchObject([{ verdict: 'continue' }])
  expect(await tick(db, testDayMs + 30 * day)).toMatchObject([{ verdict: 'inconclusive' }])
  expect(await findRollout(db, id)).toMatchObject({ state: 'inconclusive' })
  expect(await alias(db, 'champion')).toBe(1)

  const held = await start(db, { ...shadowOnly, onInconclusive: 'hold' })
  await tick(db, testDayMs + 30 * day)
  await tick(db, testDayMs + 31 * day)
  expect(await findRollout(db, held.id)).toMatchObject({ state: 'shadow', held: true })
  expect(await variants(db)).toEqual(['flights/1 champion 1', 'flights/2 shadow 0'])
  expect((await events(db)).filter((type) => type === 'rollout.held')).toHaveLength(1)
})

test('a split that is not as asked for makes the comparison void', async () => {
  await using db = await openRolloutDatabase()
  await start(db, canaryOnly)
  await canaryTraffic(db, { share: 0.1, requests: 6000, canaryRequests: 1200 })
  expect(await tick(db)).toMatchObject([{ verdict: 'inconclusive' }])
  expect(await alias(db, 'champion')).toBe(1)
})

test('one rollout at a time, the same key is the same rollout, and a start that is refused changes nothing', async () => {
  await using db = await openRolloutDatabase()
  const first = await start(db, {}, 'cmd-1')
  expect((await start(db, {}, 'cmd-1')).id).toBe(first.id)
  await expect(start(db)).rejects.toMatchObject({ code: 'rollout_active' })
  await rollback(db, rolloutActor, { endpoint: 'flights', reason: 'enough', nowMs: testDayMs })
  await expect(rollback(db, rolloutActor, { endpoint: 'flights', reason: 'x', nowMs: 0 })).rejects.toMatchObject({
    code: 'nothing_to_roll_back',
  })
  await transact(db, (trx) =>
    setVariants(trx, rolloutActor, {
      endpoint: 'flights',
      variants: [
        { version: 'flights/1', role: 'champion', weight: 0.8 },
        { version: 'flights/3', role: 'canary', weight: 0.2 },
      ],
      reason: 'by hand',
    }),
  )
  await expect(start(db)).rejects.toMatchObject({ code: 'endpoint_variants_taken' })
  expect(await alias(db, 'challenger')).toBeUndefined()
})

test('when somebody moves the champion meanwhile, the rollout ends and leaves the traffic alone', async () => {
  await using db = await openRolloutDatabase()
  const { id } = await start(db)
  await transact(db, async (trx) => {
    const move = { model: 'flights', alias: 'champion', version: 3, expected: 1, reason: 'by hand' }
    await moveAlias(trx, rolloutActor, move)
    const by = [{ version: 'flights/3', role: 'champion' as const, weight: 1 }]
    await setVariants(trx, rolloutActor, { endpoint: 'flights', variants: by, reason: 'by hand' })
  })
  await tick(db)
  expect(await findRollout(db, id)).toMatchObject({ state: 'cancelled' })
  expect(await variants(db)).toEqual(['flights/3 champion 1'])
  expect([await alias(db, 'champion'), await alias(db, 'challenger')]).toEqual([3, undefined])
})

test('a challenger that may no longer serve is taken away instead of promoted', async () => {
  await using db = await openRolloutDatabase()
  const { id } = await start(db, { ...canaryOnly, ramp: [0.5] })
  await canaryTraffic(db, { share: 0.5, requests: 4000 })
  await transact(db, (trx) =>
    judgeVersion(trx, rolloutActor, { model: 'flights', version: 2, state: 'rejected', reason: 'no' }),
  )
  await tick(db)
  expect(await findRollout(db, id)).toMatchObject({ state: 'rolled_back' })
  expect(await variants(db)).toEqual(['flights/1 champion 1'])
  expect(await alias(db, 'champion')).toBe(1)
})

test('a promotion is taken back by hand, to the version before', async () => {
  await using db = await openRolloutDatabase()
  await start(db, { shadow: null, canary: null })
  await tick(db)
  expect(await alias(db, 'champion')).toBe(2)
  const back = await rollback(db, rolloutActor, { endpoint: 'flights', reason: 'complaints', nowMs: testDayMs })
  expect(back).toMatchObject({ state: 'rolled_back', sentence: 'tester rolled back: complaints' })
  expect(await alias(db, 'champion')).toBe(1)
  expect(await variants(db)).toEqual(['flights/1 champion 1'])
})

test('one promotion is taken back by name, once, while its version is champion and nothing else is tried', async () => {
  await using db = await openRolloutDatabase()
  const { id } = await start(db, { shadow: null, canary: null })
  const back = (rollout = id) =>
    takeBackPromotion(db, rolloutActor, { rollout, reason: 'the error rate is 0.08', nowMs: testDayMs + day })
  await expect(back()).rejects.toMatchObject({ code: 'rollout_active' })
  await tick(db)
  expect(await variants(db), 'the version before is kept loaded').toEqual([
    'flights/2 champion 1',
    'flights/1 canary 0',
  ])
  const other = await startRollout(db, rolloutActor, {
    endpoint: 'flights',
    model: 'flights',
    version: 3,
    policy: RolloutPolicy.parse({}),
    nowMs: testDayMs,
    reason: 'a test',
  })
  await expect(back()).rejects.toMatchObject({ code: 'rollout_active' })
  await rollback(db, rolloutActor, { endpoint: 'flights', reason: 'no', nowMs: testDayMs })
  expect(await back(other.id), 'it is rolled back already').toMatchObject({ id: other.id, state: 'rolled_back' })
  expect(await alias(db, 'champion')).toBe(2)

  expect(await back()).toMatchObject({ state: 'rolled_back', sentence: 'the error rate is 0.08', watchUntilMs: null })
  expect(await alias(db, 'champion')).toBe(1)
  expect(await variants(db)).toEqual(['flights/1 champion 1'])
  const moves = async () => (await readEvents(db, { seq: 0, types: ['rollout.taken_back', 'alias.moved'] })).length
  const before = await moves()
  expect(await back()).toMatchObject({ id, state: 'rolled_back' })
  expect(await moves(), 'asked again, nothing moves again').toBe(before)
  await expect(back('rol_none')).rejects.toMatchObject({ code: 'rollout_not_found' })
})

test('a version that somebody else put there is not taken back', async () => {
  await using db = await openRolloutDatabase()
  const { id } = await start(db, { shadow: null, canary: null })
  await tick(db)
  const move = { model: 'flights', alias: 'champion', version: 3, expected: 2, reason: 'by hand' }
  await transact(db, (trx) => moveAlias(trx, rolloutActor, move))
  const back = takeBackPromotion(db, rolloutActor, { rollout: id, reason: 'so', nowMs: testDayMs })
  await expect(back).rejects.toMatchObject({ code: 'nothing_to_roll_back' })
  expect(await alias(db, 'champion')).toBe(3)
})

/** What a version says when it is asked before a promotion, and how often that was. */
function rehearsing(passed: boolean) {
  const asked: string[] = []
  const rehearse = async (version: string) => {
    asked.push(version)
    const sentence = passed
      ? `${version} answers its 50 examples as it did`
      : 'example 3: expected 0.5, it answered 0.7'
    return { version, atMs: 1, passed, examples: passed ? 50 : 0, sentence }
  }
  return { asked, deps: { actor: rolloutActor, log: silentLog, rehearse } }
}

test('before a promotion the way back is rehearsed, once, and the promotion says so', async () => {
  await using db = await openRolloutDatabase()
  const { id, policy } = await start(db, { ...canaryOnly, ramp: [0.5] })
  const { asked, deps } = rehearsing(true)
  await canaryTraffic(db, { share: 0.5, requests: 200 })
  await tickRollouts({ db, ...deps }, { nowMs: testDayMs })
  expect(asked, 'nothing speaks for a promotion yet').toEqual([])
  await canaryTraffic(db, { share: 0.5, requests: 4000 })
  const [verdict] = await tickRollouts({ db, ...deps }, { nowMs: testDayMs })
  expect(verdict).toMatchObject({ verdict: 'promote', statistics: { rehearsedExamples: 50 } })
  expect(verdict!.reason).toContain('rehearsal: flights/1 answers its 50 examples as it did')
  expect(asked).toEqual(['flights/1'])
  expect((await findRollout(db, id))!.rehearsal).toMatchObject({ version: 'flights/1', passed: true, examples: 50 })
  const digest = createHash('sha256').update(JSON.stringify(policy)).digest('hex')
  const verdicts = await listVerdicts(db, { rollout: id, limit: 10 })
  expect(verdicts.map(({ policyDigest }) => policyDigest)).toEqual([digest, digest])
})

test('without a way back nothing is promoted, however good it is', async () => {
  await using db = await openRolloutDatabase()
  const { id } = await start(db, { ...canaryOnly, ramp: [0.5], onInconclusive: 'hold' })
  await canaryTraffic(db, { share: 0.5, requests: 4000 })
  const { asked, deps } = rehearsing(false)
  for (let turn = 0; turn < 3; turn++) await tickRollouts({ db, ...deps }, { nowMs: testDayMs })
  expect(asked, 'held, it is not asked over and over').toEqual(['flights/1'])
  expect(await findRollout(db, id)).toMatchObject({ state: 'canary', held: true, rehearsal: { passed: false } })
  expect((await findRollout(db, id))!.sentence).toContain('expected 0.5, it answered 0.7')
  expect(await alias(db, 'champion')).toBe(1)
})

test('what callers are refused is no evidence: a stopped endpoint is not judged until it is started', async () => {
  await using db = await openRolloutDatabase()
  const { id } = await start(db, canaryOnly)
  await transact(db, (trx) => stopEndpoint(trx, rolloutActor, { name: 'flights', reason: 'wrong prices' }))
  await canaryTraffic(db, { share: 0.1, requests: 3000, errors: { canary: 250, champion: 6 } })
  expect(await tick(db)).toEqual([])
  expect(await findRollout(db, id)).toMatchObject({ state: 'canary' })
  expect((await findEndpoint(db, 'flights'))!.stopped).toMatchObject({ reason: 'wrong prices' })
  await transact(db, (trx) => startEndpoint(trx, rolloutActor, { name: 'flights', reason: 'mended' }))
  expect(await tick(db)).toMatchObject([{ verdict: 'roll_back' }])
})

test('a canary whose predictions have left its training is not promoted', async () => {
  await using db = await openRolloutDatabase()
  const { id } = await start(db, { ...canaryOnly, ramp: [0.5] })
  const { prediction } = binaryFacts.baseline!
  const usual = prediction.counts.map((count) => count * 100)
  const others = usual.toReversed().map((count, at) => (at === 1 ? count + 9000 : count))
  await canaryTraffic(db, {
    share: 0.5,
    requests: 4000,
    canary: { prediction: others },
    champion: { prediction: usual },
  })
  expect(await tick(db)).toMatchObject([{ verdict: 'continue' }])
  const [verdict] = await listVerdicts(db, { rollout: id, limit: 1 })
  expect(verdict!.reason).toMatch(/its predictions lie \S+ \(population stability index\)/v)
  expect(verdict!.statistics['predictionShift']).toBeGreaterThan(verdict!.statistics['championPredictionShift']! + 0.25)
})
