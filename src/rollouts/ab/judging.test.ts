// Verdicts of A/B tests: wrong ones stay rare under constant peeking though there are several treatments, right ones come, and harm ends it.
import { expect, test } from 'vitest'
import type { SharedArmStatistics } from '../../monitoring/arm-statistics.ts'
import { addValue, emptyMoments } from '../../statistics/moments.ts'
import { createGenerator, type Generator } from '../../statistics/random.ts'
import { AbPlan } from '../ab-test.ts'
import { judgeAbTest, type AbJudgement } from './judging.ts'

type Draft = { -readonly [Key in keyof SharedArmStatistics]: SharedArmStatistics[Key] }
const arm = (): Draft => ({
  requests: 0,
  errors: 0,
  logLatency: emptyMoments(),
  loss: emptyMoments(),
  outcome: emptyMoments(),
})

const planOf = (how: object = {}, count = 2): AbPlan =>
  AbPlan.parse({
    hypothesis: 'newer is better',
    treatments: Array.from({ length: count }, (_, at) => ({ version: `flights/${at + 2}`, weight: 0.2 })),
    metric: 'outcome',
    minimumRequests: 200,
    ...how,
  })

/** What is true of one side: the rate of outcomes and of errors. */
interface Truth {
  readonly outcome: number
  readonly error?: number
  /** ln of the factor on latency. */
  readonly slower?: number
}

/** Control first. Looks after every 100 requests, until something is settled or the time is over. */
function run(
  plan: AbPlan,
  truths: readonly Truth[],
  { seed, looks = 200 }: { seed: string; looks?: number },
): AbJudgement & { requests: number } {
  const random = createGenerator(seed)
  const arms = truths.map(arm)
  for (let look = 1; ; look++) {
    for (let request = 0; request < 100; request++) sendOne(random, plan, { arms, truths })
    const [control, ...treatments] = arms
    const elapsedMs = look >= looks ? plan.maximumMs : 0
    const judged = judgeAbTest(plan, { control: control!, treatments, elapsedMs })
    if (judged.outcome !== 'continue')
      return { ...judged, requests: arms.reduce((sum, { requests }) => sum + requests, 0) }
  }
}

function sendOne(
  random: Generator,
  { treatments }: AbPlan,
  { arms, truths }: { arms: readonly Draft[]; truths: readonly Truth[] },
): void {
  const place = random.uniform()
  const at = treatments.findIndex((_, index) => place < 0.2 * (index + 1)) + 1
  const [to, truth] = [arms[at]!, truths[at]!]
  to.requests++
  if (random.uniform() < (truth.error ?? 0.01)) to.errors++
  addValue(to.logLatency, 0.4 * random.normal() + (truth.slower ?? 0))
  addValue(to.outcome, random.uniform() < truth.outcome ? 1 : 0)
  addValue(to.loss, random.uniform())
}

const same = { outcome: 0.1 }

test('of treatments like the control hardly any test calls one better or worse, looked at all the time', () => {
  const wrong = Array.from({ length: 60 }, (_, seed) =>
    run(planOf({}, 3), [same, same, same, same], { seed: `same/${seed}`, looks: 60 }),
  )
  const called = wrong.filter(({ arms }) => arms.some(({ verdict }) => verdict === 'better' || verdict === 'worse'))
  expect(called.length).toBeLessThanOrEqual(3)
  expect(new Set(wrong.map(({ outcome }) => outcome)).has('inconclusive')).toBe(true)
})

test('the better of two is found and named, with its interval; a worse one is called worse', () => {
  const found = run(planOf(), [same, { outcome: 0.2 }, { outcome: 0.04 }], { seed: 'better' })
  expect(found).toMatchObject({ outcome: 'conclude', winner: 'flights/2' })
  expect(found.arms.map(({ verdict }) => verdict)).toEqual(['better', 'worse'])
  expect(found.arms[0]!.reason).toMatch(/^mean outcome is better by 0\.\d+ \[0\.\d+, 0\.\d+\] on \d+ rows/v)
  expect(found.arms[0]!.statistics['improvementLower']).toBeGreaterThan(0)
})

test('where lower is better the same numbers mean the opposite', () => {
  const truths = [same, { outcome: 0.2 }, { outcome: 0.04 }]
  expect(run(planOf({ direction: 'lower' }), truths, { seed: 'better' })).toMatchObject({ winner: 'flights/3' })
})

test('a gain below the minimal effect is no gain, and ends the question early', () => {
  const plan = planOf({ minimumEffect: 0.1, minimumRequests: 500 }, 1)
  const found = run(plan, [same, { outcome: 0.11 }], { seed: 'small', looks: 1000 })
  expect(found).toMatchObject({ outcome: 'conclude', winner: null, arms: [{ verdict: 'not_better' }] })
  expect(found.requests).toBeLessThan(60_000)
})

test('latency is compared as a ratio, errors as rates, losses as means', () => {
  const faster = planOf({ metric: 'latency', minimumEffect: 0.1 }, 1)
  expect(run(faster, [same, { ...same, slower: Math.log(0.7) }], { seed: 'fast' })).toMatchObject({
    winner: 'flights/2',
  })
  expect(run(faster, [same, { ...same, slower: Math.log(1.3) }], { seed: 'slow' }).arms).toMatchObject([
    { verdict: 'worse' },
  ])
  const fewer = planOf({ metric: 'error_rate' }, 1)
  expect(
    run(
      fewer,
      [
        { ...same, error: 0.1 },
        { ...same, error: 0.01 },
      ],
      { seed: 'errors' },
    ),
  ).toMatchObject({
    winner: 'flights/2',
  })
  expect(run(planOf({ metric: 'loss' }, 1), [same, same], { seed: 'loss', looks: 30 })).toMatchObject({
    outcome: 'inconclusive',
  })
})

test('a treatment that fails more often ends the test, whatever its outcomes are', () => {
  const found = run(planOf(), [same, { outcome: 0.3, error: 0.3 }, same], { seed: 'harm' })
  expect(found).toMatchObject({ outcome: 'abort', winner: null })
  expect(found.reason).toMatch(/requests to flights\/2 failed: evidence/v)
  expect(found.requests).toBeLessThan(3000)
})

test('a split that is not as asked for makes it void, and no time makes an open question a verdict', () => {
  const skewed = planOf({ treatments: [{ version: 'flights/2', weight: 0.3 }] }, 1)
  expect(run(skewed, [same, same], { seed: 'split' })).toMatchObject({ outcome: 'void', winner: null })
  const few = run(planOf(), [same, same, same], { seed: 'few', looks: 1 })
  expect(few).toMatchObject({ outcome: 'inconclusive', winner: null })
  expect(few.arms.map(({ verdict }) => verdict)).toEqual(['inconclusive', 'inconclusive'])
})
