// Classification and regression quality against scikit-learn.
import { expect, test } from 'vitest'
import {
  accuracy,
  areaUnderCurve,
  areaUnderCurveOfBins,
  brierScore,
  calibration,
  logLoss,
  multiclassAccuracy,
  multiclassLogLoss,
} from './classification.ts'
import { regressionQuality } from './regression.ts'
import { reference, relativeError, sample } from './testing/reference.ts'

const { classification: expected } = reference
const rows = expected.rows
// NumPy rounds half to even; none of these falls on a half.
const scores = sample(rows, 11, (uniform) => Math.round(uniform * 100) / 100)
const labels = sample(rows, 12).map((uniform, row) => (uniform < 0.2 + 0.6 * scores[row]! ? 1 : 0))

test('AUC with ties, log loss, Brier score and accuracy equal scikit-learn', () => {
  expect(relativeError(areaUnderCurve(labels, scores), expected.auc)).toBeLessThan(1e-12)
  expect(relativeError(logLoss(labels, scores), expected.logLoss)).toBeLessThan(1e-12)
  expect(relativeError(brierScore(labels, scores), expected.brier)).toBeLessThan(1e-12)
  expect(accuracy(labels, scores)).toBe(expected.accuracy)
})

test('certain probabilities are clipped as scikit-learn clips them', () => {
  const sure = sample(rows, 13).map((uniform, row) => (uniform < 0.05 ? Math.round(scores[row]!) : scores[row]!))
  expect(relativeError(logLoss(labels, sure), expected.logLossSure)).toBeLessThan(1e-12)
})

test('multiclass log loss and accuracy equal scikit-learn', () => {
  const weights = sample(rows * 4, 14, (uniform) => uniform + 0.05)
  const shares = weights.map((weight, at) => {
    const first = at - (at % 4)
    return weight / (weights[first]! + weights[first + 1]! + weights[first + 2]! + weights[first + 3]!)
  })
  const classes = sample(rows, 15, (uniform) => Math.floor(uniform * 4))
  expect(relativeError(multiclassLogLoss(classes, shares, 4), expected.multiclassLogLoss)).toBeLessThan(1e-12)
  expect(multiclassAccuracy(classes, shares, 4)).toBe(expected.multiclassAccuracy)
})

test('AUC from bins equals AUC from rows whose scores are the bins', () => {
  const positives = new Float64Array(101)
  const negatives = new Float64Array(101)
  for (let row = 0; row < rows; row++) (labels[row] ? positives : negatives)[Math.round(scores[row]! * 100)]!++
  expect(areaUnderCurveOfBins(positives, negatives)).toBeCloseTo(expected.auc, 12)
})

test('AUC is not a number when a class has no row', () => {
  expect(areaUnderCurve([1, 1], [0.1, 0.2])).toBeNaN()
})

test('calibration finds the gap and the bins that are off', () => {
  const { gap, expectedError, bins } = calibration([0, 1, 1, 1], [0.1, 0.3, 0.32, 1], 10)
  expect(gap).toBeCloseTo(1.72 / 4 - 3 / 4, 12)
  expect(expectedError).toBeCloseTo((0.1 + 1.38 + 0) / 4, 12)
  expect(bins.map((bin) => bin.rows)).toEqual([1, 2, 1])
})

test('regression quality equals scikit-learn', () => {
  const observed = sample(300, 21, (uniform) => 10 * uniform)
  const predicted = sample(300, 22).map((uniform, row) => observed[row]! + uniform - 0.4)
  const quality = regressionQuality(observed, predicted)
  expect(relativeError(quality.rootMeanSquaredError, reference.regression.rmse)).toBeLessThan(1e-12)
  expect(relativeError(quality.meanAbsoluteError, reference.regression.mae)).toBeLessThan(1e-12)
  expect(relativeError(quality.r2, reference.regression.r2)).toBeLessThan(1e-12)
  expect(relativeError(quality.meanError, reference.regression.meanError)).toBeLessThan(1e-11)
  expect(regressionQuality([2, 2], [2, 2]).r2).toBe(1)
})
