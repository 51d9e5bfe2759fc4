// Metrics and losses by row, each beside its definition on rows small enough to do by hand.
import { expect, test } from 'vitest'
import { computeBaseline } from './baseline-builder.ts'
import { baselineFits } from './baseline.ts'
import { lossesOf, metricsOf, PairedMetric, pairedMetrics, type Scored } from './metric.ts'
import { evaluate } from './scoring.ts'
import type { Signature } from './signature.ts'

const binary: Scored = {
  task: 'binary',
  labels: Float64Array.of(1, 0, 1),
  values: Float32Array.of(0.25, 0.75, 0.5, 0.5, 0.75, 0.25),
  width: 2,
}
const multiclass: Scored = {
  task: 'multiclass',
  labels: Float64Array.of(2, 0),
  values: Float32Array.of(0.25, 0.25, 0.5, 0.25, 0.5, 0.25),
  width: 3,
}
const regression: Scored = {
  task: 'regression',
  labels: Float64Array.of(1, 2, 3),
  values: Float32Array.of(2, 2, 1),
  width: 1,
}

test('binary metrics are those of the positive class', () => {
  const metrics = metricsOf(binary)
  expect(metrics.auc).toBeCloseTo(0.5, 12)
  expect(metrics.log_loss).toBeCloseTo(-(Math.log(0.75) + Math.log(0.5) + Math.log(0.25)) / 3, 12)
  expect(metrics.brier).toBeCloseTo((0.0625 + 0.25 + 0.5625) / 3, 12)
  expect(metrics.accuracy).toBeCloseTo(1 / 3, 12)
  expect(metrics.calibration_gap).toBeCloseTo(0.5 - 2 / 3, 12)
  expect(metricsOf({ ...binary, labels: Float64Array.of(1, 1, 1) }).auc).toBeUndefined()
})

test('multiclass and regression metrics too', () => {
  const classes = metricsOf(multiclass)
  expect(classes.log_loss).toBeCloseTo(-(Math.log(0.5) + Math.log(0.25)) / 2, 12)
  expect(classes.accuracy).toBe(0.5)
  expect(metricsOf(regression)).toMatchObject({
    mae: 1,
    mse: expect.closeTo(5 / 3, 12) as number,
    mean_error: expect.closeTo(-1 / 3, 12) as number,
  })
})

test('the mean of the losses by row is the metric, for every metric that is compared so', () => {
  for (const scored of [binary, multiclass, regression]) {
    for (const metric of pairedMetrics[scored.task].filter((name) => name !== 'auc')) {
      const losses = lossesOf(scored, metric)
      const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length
      const value = metricsOf(scored)[metric]!
      expect([metric, mean]).toEqual([metric, expect.closeTo(metric === 'accuracy' ? 1 - value : value, 6)])
    }
  }
  expect(PairedMetric.options).toEqual(expect.arrayContaining(Object.values(pairedMetrics).flat()))
})

test('rows without an answer are counted and in no metric', () => {
  const answers = { width: 1, values: Float32Array.of(2, Number.NaN, 1), broken: [1] }
  const slices = [
    { name: 'all', rows: Uint32Array.of(0, 1, 2) },
    { name: 'broken', rows: Uint32Array.of(1) },
  ]
  const found = evaluate({ task: 'regression', labels: regression.labels, answers, slices })
  expect(found).toMatchObject({ rows: 2, brokenRows: 1, metrics: { mae: 1.5 } })
  expect(found.slices).toMatchObject([
    { rows: 2, metrics: { mae: 1.5 } },
    { rows: 0, metrics: {} },
  ])
})

test('a baseline of classes counts the most probable one, of numbers the value', () => {
  const x = { kind: 'number' as const, name: 'x', values: Float64Array.of(1, 2) }
  const inputs: Signature['inputs'] = [{ name: 'x', type: 'double', required: true }]
  const signature: Signature = { task: 'multiclass', inputs, classes: ['a', 'b', 'c'] }
  const frame = { rowCount: 2, columns: [x], target: multiclass.labels }
  const answers = { width: 3, values: multiclass.values, broken: [] }
  const baseline = computeBaseline({ frame, signature, answers, days: [] })
  expect(baseline.prediction).toEqual({
    bins: { kind: 'category', categories: ['a', 'b', 'c'] },
    counts: [0, 0, 1, 1, 0],
  })
  baselineFits(baseline, signature)
  const numbers: Signature = { task: 'regression', inputs, classes: [] }
  const values = computeBaseline({
    frame,
    signature: numbers,
    answers: { width: 1, values: Float32Array.of(5, 7), broken: [] },
    days: [],
  })
  expect(values.prediction.counts.reduce((sum, count) => sum + count, 0)).toBe(2)
  const other = { ...numbers, inputs: [{ ...inputs[0]!, name: 'y' }] }
  expect(() => computeBaseline({ frame, signature: other, answers, days: [] })).toThrow(
    expect.objectContaining({ code: 'input_column_missing' }),
  )
  expect(() => baselineFits(baseline, other)).toThrow(expect.objectContaining({ code: 'baseline_mismatch' }))
})
