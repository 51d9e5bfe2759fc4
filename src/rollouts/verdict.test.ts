// Verdicts: wrong ones stay rare under constant peeking, right ones come, and nothing unclear is promoted.
import { expect, test } from 'vitest'
import { addValue, emptyMoments, momentsOf, varianceOf } from '../statistics/moments.ts'
import { createGenerator, type Generator } from '../statistics/random.ts'
import { addSplitEvents, emptyMismatchProcess, emptySplitProcess } from '../statistics/sequential.ts'
import { judgeCanary, judgeShadow, type CanaryStatistics, type ShadowStatistics, type Verdict } from './verdict.ts'
import { CanaryPolicy, ShadowPolicy } from './verdict-policy.ts'

const shadowPolicy = ShadowPolicy.parse({})
const canaryPolicy = CanaryPolicy.parse({})

interface Truth {
  errorRate: number
  /** ln of the factor on latency. */
  slower?: number
  weight?: number
  /** Where the traffic really goes, if not as asked. */
  share?: number
}

type Draft = { -readonly [Key in keyof CanaryStatistics]: CanaryStatistics[Key] }

function freshCanary(lastStep = true): Draft {
  const arm = () => ({ requests: 0, errors: 0, logLatency: emptyMoments(), loss: emptyMoments() })
  return {
    canary: arm(),
    champion: arm(),
    errors: emptySplitProcess(),
    slow: emptySplitProcess({ nullRatio: canaryPolicy.slowRatioMargin }),
    split: emptyMismatchProcess(),
    elapsedMs: 0,
    lastStep,
  }
}

/** Sends requests through a canary phase; the champion fails on 1 % and takes about 1 ms, log-normal. */
function send(statistics: Draft, truth: Truth, traffic: { requests: number; generator: Generator }): void {
  const { weight = 0.1, share = weight, slower = 0 } = truth
  const { generator } = traffic
  for (let request = 0; request < traffic.requests; request++) {
    const isCanary = generator.uniform() < share
    const arm = (isCanary ? statistics.canary : statistics.champion) as {
      requests: number
      errors: number
    } & typeof statistics.canary
    const one = { weight, canary: isCanary ? 1 : 0, baseline: isCanary ? 0 : 1 }
    arm.requests++
    addSplitEvents(statistics.split, one)
    if (generator.uniform() < (isCanary ? truth.errorRate : 0.01)) {
      arm.errors++
      addSplitEvents(statistics.errors, one)
    }
    const logLatency = 0.4 * generator.normal() + (isCanary ? slower : 0)
    addValue(arm.logLatency, logLatency)
    if (logLatency > 0.93) addSplitEvents(statistics.slow, one)
    addValue(arm.loss, generator.uniform())
  }
}

/** Looks after every 50 requests until a verdict other than continue. */
function runCanary(
  truth: Truth,
  seed: string,
  policy = canaryPolicy,
): { verdict: Verdict; requests: number; reason: string } {
  const statistics = freshCanary()
  const generator = createGenerator(seed)
  for (;;) {
    send(statistics, truth, { requests: 50, generator })
    statistics.elapsedMs += 1000
    const { verdict, reason } = judgeCanary(statistics, policy)
    if (verdict !== 'continue') return { verdict, requests: statistics.canary.requests, reason }
  }
}

test('a healthy canary is rolled back at most as often as alpha says, asked every 50 requests, and promoted otherwise', () => {
  const verdicts = Array.from({ length: 60 }, (_, seed) => runCanary({ errorRate: 0.01 }, `healthy/${seed}`).verdict)
  expect(verdicts.filter((verdict) => verdict === 'promote').length).toBeGreaterThanOrEqual(59)
})

test('a policy that never promotes early still leaves a healthy canary alone', () => {
  const policy = CanaryPolicy.parse({ alpha: 0.05, minimumRequests: 3000, maximumRequests: 3000 })
  const verdicts = Array.from(
    { length: 40 },
    (_, seed) => runCanary({ errorRate: 0.01 }, `long/${seed}`, policy).verdict,
  )
  expect(verdicts.filter((verdict) => verdict === 'roll_back').length).toBeLessThanOrEqual(2)
})

test('errors, latency and outright failure are each found and named', () => {
  const errors = runCanary({ errorRate: 0.08 }, 'errors')
  expect(errors).toMatchObject({ verdict: 'roll_back' })
  expect(errors.requests).toBeLessThan(500)
  expect(errors.reason).toMatch(/requests failed.*evidence/v)
  const slow = runCanary({ errorRate: 0.01, slower: Math.log(3) }, 'slow')
  expect(slow.verdict).toBe('roll_back')
  expect(slow.reason).toMatch(/slow requests|latency/v)
  const broken = runCanary({ errorRate: 1 }, 'broken')
  expect(broken.verdict).toBe('roll_back')
  expect(broken.requests).toBeLessThan(60)
})

test('latency alone is found by its confidence sequence where no request is slow enough to count', () => {
  const statistics = freshCanary()
  send(statistics, { errorRate: 0.01, slower: Math.log(3) }, { requests: 5000, generator: createGenerator('latency') })
  const judgement = judgeCanary({ ...statistics, slow: emptySplitProcess() }, canaryPolicy)
  expect(judgement).toMatchObject({ verdict: 'roll_back' })
  expect(judgement.reason).toMatch(/latency is \S+ \[\S+, \S+\] times/v)
})

test('a wide loss of quality is found though nothing fails', () => {
  const statistics = freshCanary()
  send(statistics, { errorRate: 0.01 }, { requests: 6000, generator: createGenerator('loss') })
  const loss = momentsOf(Array.from({ length: 500 }, (_, row) => 1.4 + (row % 7) / 10))
  expect(judgeCanary({ ...statistics, canary: { ...statistics.canary, loss } }, canaryPolicy).reason).toMatch(
    /loss is/v,
  )
})

test('an objective for latency is held to, whatever the champion does', () => {
  const policy = CanaryPolicy.parse({ objective: { quantile: 0.95, latencyMs: 200 } })
  const statistics = freshCanary()
  send(statistics, { errorRate: 0.001, weight: 0.5 }, { requests: 12_000, generator: createGenerator('objective') })
  const n = statistics.canary.logLatency.n
  const judged = (share: number) =>
    judgeCanary({ ...statistics, beyondObjective: { n, hits: Math.round(n * share) } }, policy)
  expect(judged(0.04).verdict).toBe('promote')
  const missed = judged(0.15)
  expect(missed).toMatchObject({ verdict: 'roll_back', statistics: { beyondObjective: Math.round(n * 0.15) } })
  expect(missed.reason).toMatch(/took over 200 ms, where 5 % may: evidence/v)
})

test('more slow requests than the margin are not promoted, though their like in the mean is fast', () => {
  const statistics = freshCanary()
  send(statistics, { errorRate: 0.001, weight: 0.5 }, { requests: 12_000, generator: createGenerator('tail') })
  expect(judgeCanary(statistics, canaryPolicy).verdict).toBe('promote')
  const narrow = CanaryPolicy.parse({ slowMargin: 0.001, maximumRequests: 1000 })
  expect(judgeCanary(statistics, narrow)).toMatchObject({ verdict: 'inconclusive' })
  expect(judgeCanary(statistics, narrow).reason).toContain('share of slow requests')
})

test('predictions that have left their training stand in the way of a promotion, and of nothing else', () => {
  const statistics = freshCanary()
  send(statistics, { errorRate: 0.001, weight: 0.5 }, { requests: 12_000, generator: createGenerator('shift') })
  const judged = (canary: number, rows = 5000, champion = 0.1) =>
    judgeCanary({ ...statistics, predictionShift: { canary, champion, rows } }, canaryPolicy).verdict
  expect([judged(0.3), judged(0.6), judged(0.6, 500), judged(0.9, 5000, 0.8)]).toEqual([
    'promote',
    'continue',
    'promote',
    'promote',
  ])
})

test('a wrong split is inconclusive, never promoted', () => {
  const { verdict, reason } = runCanary({ errorRate: 0.01, share: 0.2 }, 'split')
  expect(verdict).toBe('inconclusive')
  expect(reason).toMatch(/split/v)
})

test('without enough traffic it goes on, and at the end of its time it is inconclusive', () => {
  const statistics = freshCanary()
  send(statistics, { errorRate: 0.01 }, { requests: 300, generator: createGenerator('few') })
  expect(judgeCanary(statistics, canaryPolicy).verdict).toBe('continue')
  statistics.elapsedMs = canaryPolicy.maximumMs
  expect(judgeCanary(statistics, canaryPolicy).verdict).toBe('inconclusive')
  const nothing = judgeCanary(freshCanary(), canaryPolicy)
  expect(nothing.verdict).toBe('continue')
  expect(JSON.parse(JSON.stringify(nothing.statistics))).toEqual(nothing.statistics)
})

test('before the last step of a ramp, exposure without harm advances', () => {
  const statistics = freshCanary(false)
  send(statistics, { errorRate: 0.01 }, { requests: 7000, generator: createGenerator('ramp') })
  expect(judgeCanary(statistics, canaryPolicy).verdict).toBe('advance')
})

test('a canary somewhat worse than the error margin is not promoted', () => {
  const policy = CanaryPolicy.parse({ maximumRequests: 3000 })
  for (let seed = 0; seed < 15; seed++) {
    expect(runCanary({ errorRate: 0.025 }, `worse/${seed}`, policy).verdict).not.toBe('promote')
  }
})

/** Looks at a growing shadow phase after each 100 pairs. */
function runShadow(
  shift: number,
  seed: string,
  policy = shadowPolicy,
): { verdict: Verdict; pairs: number; reason: string } {
  const generator = createGenerator(seed)
  const moments = emptyMoments()
  for (;;) {
    for (let pair = 0; pair < 100; pair++) addValue(moments, shift + 0.05 * generator.normal())
    const statistics: ShadowStatistics = {
      pairs: moments.n,
      meanDifference: moments.mean,
      varianceDifference: varianceOf(moments),
      days: moments.n / 2000,
    }
    const { verdict, reason } = judgeShadow(statistics, policy)
    if (verdict !== 'continue') return { verdict, pairs: moments.n, reason }
  }
}

test('a better challenger advances, a worse one is rolled back, and the sentence has the numbers', () => {
  const better = runShadow(-0.006, 'better')
  expect(better.verdict).toBe('advance')
  expect(better.reason).toMatch(/better: loss difference -0\.00\S+ \[-0\.0\S+, -0\.0\S+\] on \d+ paired rows/v)
  expect(runShadow(0.01, 'worse').verdict).toBe('roll_back')
})

test('a challenger exactly at the margin is decided, either way, at most as often as alpha says', () => {
  const policy = ShadowPolicy.parse({ maximumPairs: 10_000 })
  const verdicts = Array.from(
    { length: 120 },
    (_, seed) => runShadow(policy.nonInferiorityMargin, `margin/${seed}`, policy).verdict,
  )
  expect(verdicts.filter((verdict) => verdict !== 'inconclusive').length / 120).toBeLessThanOrEqual(0.06)
})

test('one that is as good as the champion passes as not worse, and is inconclusive where better is asked for', () => {
  expect(runShadow(0, 'same').verdict).toBe('advance')
  const strict = ShadowPolicy.parse({ requirement: 'better', maximumPairs: 5000 })
  expect(runShadow(0, 'same', strict).verdict).toBe('inconclusive')
})

test('days that differ widen the interval: many pairs of few unlike days do not pass', () => {
  const statistics = { pairs: 10_000, meanDifference: -0.005, varianceDifference: 0.0025, days: 5 }
  expect(judgeShadow(statistics, shadowPolicy).verdict).toBe('advance')
  expect(judgeShadow({ ...statistics, varianceOfDays: 0.01 ** 2 }, shadowPolicy).verdict).toBe('continue')
})

test('a challenger that fails on the rows is rolled back before any outcome is known', () => {
  const nothing = { pairs: 0, meanDifference: 0, varianceDifference: 0 }
  expect(judgeShadow({ ...nothing, rows: 40, failures: 12 }, shadowPolicy).verdict).toBe('roll_back')
  expect(judgeShadow(nothing, shadowPolicy).verdict).toBe('continue')
  expect(judgeShadow({ ...nothing, days: 30 }, shadowPolicy).verdict).toBe('inconclusive')
})
