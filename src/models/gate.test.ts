// The gate's judgement on evidence that is written down here, and its sentences.
import { expect, test } from 'vitest'
import type { Comparison, Evaluation, GateEvidence } from './evaluation.ts'
import { GatePolicy, type Contestant, type GateInput } from './gate-policy.ts'
import { GateResult, judgeGate } from './gate.ts'
import type { Signature } from './signature.ts'
import { smallSignature } from './testing.ts'

const evaluation: Evaluation = {
  task: 'binary',
  rows: 50_000,
  brokenRows: 0,
  metrics: { auc: 0.66, log_loss: 0.45, calibration_gap: -0.02, calibration_error: 0.025 },
  slices: [],
  reliability: [],
}
const comparison: Comparison = {
  metric: 'log_loss',
  rows: 50_000,
  difference: -0.004,
  lower: -0.006,
  upper: -0.002,
  confidence: 0.95,
}
const evidence: GateEvidence = { candidate: evaluation, champion: evaluation, comparison, sliceComparisons: [] }
const contestant = (name: string, toMs: number, signature: Signature = smallSignature): Contestant => ({
  name,
  signature,
  trainedOn: { fromMs: 0, toMs },
})
const infra = {
  passed: true as const,
  loadMs: 3,
  oneRow: { p50Ms: 0.02, p99Ms: 0.05, runs: 100 },
  hundredRows: { p50Ms: 0.2, p99Ms: 0.5, runs: 100 },
  residentBytes: 1,
  examples: 2,
  differenceMax: 0,
}
const inputOf = (policy: Record<string, unknown>, change: Partial<GateInput> = {}): GateInput => ({
  policy: GatePolicy.parse(policy),
  candidate: { ...contestant('flights/2', 2000), infra },
  champion: contestant('flights/1', 1000),
  evidence,
  heldOut: { fromMs: 2000, toMs: 3000 },
  ...change,
})
const judge = (policy: Record<string, unknown>, change: Partial<GateInput> = {}) => {
  const result = judgeGate(inputOf(policy, change))
  expect(GateResult.parse(result)).toEqual(result)
  return result
}
const failedChecks = (...input: Parameters<typeof judge>): string[] =>
  judge(...input)
    .checks.filter((check) => !check.passed)
    .map((check) => `${check.name}: ${check.sentence}`)

test('a candidate that is surely not worse than the champion passes, and the sentence holds the numbers', () => {
  const result = judge({ notWorseThanChampion: { margin: 0.001 }, metrics: { auc: { min: 0.6 } } })
  expect(result.passed).toBe(true)
  expect(result.sentence).toContain('log loss better by 0.004 than flights/1 on the same 50,000 rows')
  expect(result.sentence).toContain('95 % interval of "worse by" -0.006 to -0.002, below the margin 0.001')
  expect(result.checks.map(({ name }) => name)).toEqual(['rows', 'held_out', 'signature', 'metric:auc', 'champion'])
})

test('a candidate whose interval reaches over the margin fails, though its mean is better', () => {
  const wide = { ...comparison, upper: 0.002 }
  const change = { evidence: { ...evidence, comparison: wide } }
  expect(failedChecks({ notWorseThanChampion: { margin: 0.001 } }, change)).toEqual([
    expect.stringMatching(/^champion: .*not below the margin 0\.001$/v),
  ])
  expect(judge({ notWorseThanChampion: { margin: -0.001 } }).passed).toBe(true)
  expect(judge({ notWorseThanChampion: { margin: -0.003 } }).passed).toBe(false)
})

test('the first version is judged by thresholds alone, and that is said', () => {
  const change = { champion: null, evidence: { ...evidence, champion: null, comparison: null } }
  const policy = { notWorseThanChampion: {}, slices: { by: [{ column: 'carrier' }] }, metrics: { auc: { min: 0.6 } } }
  const result = judge(policy, change)
  expect(result).toMatchObject({
    passed: true,
    sentence: expect.stringContaining('there is no champion to compare with yet') as string,
  })
  expect(failedChecks({ metrics: { auc: { min: 0.7 }, log_loss: { max: 0.4 } } }, change)).toEqual([
    'metric:auc: AUC is 0.66, wanted at least 0.7',
    'metric:log_loss: log loss is 0.45, wanted at most 0.4',
  ])
})

test('too few rows, unanswered rows and metrics without a value fail', () => {
  const of = (change: Partial<Evaluation>) => ({ evidence: { ...evidence, candidate: { ...evaluation, ...change } } })
  expect(failedChecks({}, of({ rows: 999 }))).toEqual([
    'rows: it answered 999 held-out rows, fewer than the 1,000 asked for',
  ])
  expect(failedChecks({}, of({ brokenRows: 3 }))).toEqual(['rows: it gave no answer for 3 of 50,003 held-out rows'])
  expect(failedChecks({ metrics: { auc: { min: 0.1 } } }, of({ metrics: {} }))).toEqual([
    'metric:auc: AUC has no value on these rows',
  ])
})

test('rows that candidate or champion may have been trained on are no held-out rows', () => {
  expect(failedChecks({}, { heldOut: { fromMs: 1999, toMs: 3000 } })).toEqual([
    expect.stringContaining('before the training rows of flights/2 end'),
  ])
  expect(failedChecks({}, { champion: contestant('flights/1', 2500) })).toEqual([expect.stringContaining('flights/1')])
  expect(failedChecks({}, { champion: { ...contestant('flights/1', 0), trainedOn: null } })).toEqual([
    'held_out: it is not recorded which time flights/1 was trained on',
  ])
  expect(failedChecks({}, { heldOut: null })).toEqual([expect.stringContaining('no event time')])
  expect(failedChecks({ laterThanTraining: false }, { heldOut: null })).toEqual([])
})

test('callers of the champion must be able to stay as they are', () => {
  const [x, carrier, date] = smallSignature.inputs
  const failing = (inputs: Signature['inputs'], policy = {}, rest: Partial<Signature> = {}) =>
    failedChecks(policy, {
      candidate: { ...contestant('flights/2', 2000, { ...smallSignature, inputs, ...rest }), infra },
    })
  expect(failing([date!, x!, carrier!])).toEqual([])
  expect(failing([x!, carrier!])).toEqual([expect.stringContaining('the input "date" is gone')])
  const added = { name: 'y', type: 'double' as const, required: true }
  expect(failing([x!, carrier!, date!, added])).toEqual([expect.stringContaining('"y" is new and required')])
  expect(failing([x!, carrier!, date!, { ...added, required: false }])).toEqual([])
  expect(failing([x!, carrier!, date!, { ...added, required: false }], { signature: 'same' })).toEqual([
    expect.stringContaining('"y" is new'),
  ])
  expect(failing([{ ...x!, type: 'long' }, carrier!, date!])).toEqual([
    expect.stringContaining('a required long, not a required double'),
  ])
  expect(failing([{ ...x!, type: 'float' }, carrier!, date!])).toEqual([])
  expect(failing([x!, carrier!, date!], {}, { classes: ['yes', 'no'] })).toEqual([
    expect.stringContaining('the classes are yes, no'),
  ])
  expect(failing([x!], { signature: 'any' })).toEqual([])
})

test('a slice fails when it is worse by more than the margin and chance does not explain it', () => {
  const slice = (name: string, change: Partial<Comparison>) => ({
    name,
    comparison: { ...comparison, rows: 600, ...change },
  })
  const policy = { slices: { by: [{ column: 'carrier' }], margin: 0.01 } }
  const of = (...sliceComparisons: GateEvidence['sliceComparisons']) => ({
    evidence: { ...evidence, sliceComparisons },
  })
  const surely = slice('carrier = AA', { difference: 0.05, lower: 0.02, upper: 0.08 })
  const perhaps = slice('carrier = BB', { difference: 0.05, lower: -0.02, upper: 0.12 })
  const little = slice('carrier = CC', { difference: 0.005, lower: 0.002, upper: 0.008 })
  const few = slice('carrier = DD', { rows: 400, difference: 0.5, lower: 0.2, upper: 0.8 })
  expect(failedChecks(policy, of(perhaps, little, few))).toEqual([])
  expect(failedChecks(policy, of(surely, perhaps))).toEqual([
    'slice:carrier = AA: on "carrier = AA" log loss is worse than the champion\'s by 0.05 (0.02 to 0.08, 600 rows), more than 0.01',
  ])
})

test('latency and calibration are held to their limits', () => {
  expect(failedChecks({ latency: { oneRowP99Ms: 0.04, hundredRowsP99Ms: 1, loadMs: 5 } })).toEqual([
    'latency:one_row: one row takes (p99) 0.05 ms, above the 0.04 ms allowed',
  ])
  const candidate = { ...contestant('flights/2', 2000), infra: null }
  expect(failedChecks({ latency: { loadMs: 5 } }, { candidate })).toEqual([expect.stringContaining('was not timed')])
  expect(failedChecks({ calibration: { gapMax: 0.01, errorMax: 0.03 } })).toEqual([
    'metric:calibration_gap: predicted and observed means differ by 0.02, above the 0.01 allowed',
  ])
})

test('a champion that could not be compared is a reason, not a crash', () => {
  const change = { evidence: { ...evidence, comparison: null } }
  expect(failedChecks({ notWorseThanChampion: {} }, change)).toEqual([expect.stringContaining('could not be compared')])
  const nothing = { evidence: { ...evidence, comparison: { ...comparison, rows: 0 } } }
  expect(failedChecks({ notWorseThanChampion: {} }, nothing)).toEqual([
    expect.stringContaining('no held-out row was answered by both'),
  ])
})
