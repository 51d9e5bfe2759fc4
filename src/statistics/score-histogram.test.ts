// Sums of predictions with outcomes: the same metrics as from rows, however the rows are split.
import { expect, test } from 'vitest'
import { areaUnderCurve, brierScore, calibration, logLoss } from './classification.ts'
import { createGenerator } from './random.ts'
import { regressionQuality } from './regression.ts'
import {
  addError,
  addScore,
  emptyErrors,
  emptyScores,
  errorQuality,
  mergeErrors,
  mergeScores,
  ScoreHistogram,
  scoreQuality,
} from './score-histogram.ts'

const generator = createGenerator('scores')
const rows = 20_000
const scores = Float64Array.from({ length: rows }, () => generator.uniform() ** 2)
const labels = scores.map((score) => (generator.uniform() < score ? 1 : 0))

function histogramOf(from: number, to: number) {
  const histogram = emptyScores()
  for (let row = from; row < to; row++) addScore(histogram, scores[row]!, labels[row]!)
  return histogram
}

test('metrics from merged sums equal the metrics of all rows', () => {
  const merged = mergeScores(histogramOf(0, 700), histogramOf(700, rows))
  const quality = scoreQuality(ScoreHistogram.parse(JSON.parse(JSON.stringify(merged))))
  expect(quality.rows).toBe(rows)
  expect(quality.logLoss.value).toBeCloseTo(logLoss(labels, scores), 10)
  expect(quality.brier.value).toBeCloseTo(brierScore(labels, scores), 10)
  const exact = calibration(labels, scores)
  expect(quality.gap.value).toBeCloseTo(exact.gap, 10)
  expect(quality.calibration.expectedError).toBeCloseTo(exact.expectedError, 10)
  expect(Math.abs(quality.areaUnderCurve.value - areaUnderCurve(labels, scores))).toBeLessThan(2e-4)
})

test('standard errors are those that repeated samples show', () => {
  const gaps: number[] = []
  const areas: number[] = []
  const losses: number[] = []
  for (let part = 0; part < 100; part++) {
    const { gap, areaUnderCurve: area, logLoss: loss } = scoreQuality(histogramOf(part * 200, part * 200 + 200))
    gaps.push(gap.value)
    areas.push(area.value)
    losses.push(loss.value)
  }
  const deviation = (values: number[]) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1))
  }
  const one = scoreQuality(histogramOf(0, rows))
  const expected = (standardError: number) => standardError * Math.sqrt(rows / 200)
  expect(deviation(gaps) / expected(one.gap.standardError)).toBeCloseTo(1, 0)
  expect(deviation(losses) / expected(one.logLoss.standardError)).toBeCloseTo(1, 0)
  expect(Math.abs(deviation(areas) / expected(one.areaUnderCurve.standardError) - 1)).toBeLessThan(0.3)
})

test('sums of errors give the regression metrics of the rows', () => {
  const predicted = scores.map((score) => score + 0.1 * generator.normal())
  const first = emptyErrors()
  const second = emptyErrors()
  for (let row = 0; row < rows; row++) addError(row % 3 === 0 ? first : second, predicted[row]!, scores[row]!)
  const quality = errorQuality(mergeErrors(first, second))
  const exact = regressionQuality(scores, predicted)
  expect(quality.rootMeanSquaredError).toBeCloseTo(exact.rootMeanSquaredError, 10)
  expect(quality.meanAbsoluteError.value).toBeCloseTo(exact.meanAbsoluteError, 10)
  expect(quality.meanError.value).toBeCloseTo(exact.meanError, 10)
  expect(quality.r2).toBeCloseTo(exact.r2, 9)
})
