// Kolmogorov-Smirnov against SciPy.
import { expect, test } from 'vitest'
import { kolmogorovSampleSurvival, kolmogorovSurvival, kolmogorovTest } from './kolmogorov.ts'
import { pairCounts, valueCountsOf } from './value-counts.ts'
import { reference, relativeError, sample } from './testing/reference.ts'

const { kolmogorov: expected } = reference

const testOf = (first: Float64Array, second: Float64Array) =>
  kolmogorovTest(pairCounts(valueCountsOf(first), valueCountsOf(second)))

test('the limiting distribution equals SciPy', () => {
  for (const { x, value } of expected.limit) {
    expect(Math.min(relativeError(kolmogorovSurvival(x), value), Math.abs(kolmogorovSurvival(x) - value))).toBeLessThan(
      1e-12,
    )
  }
})

test('the one-sample distribution equals SciPy up to 1,000 rows', () => {
  for (const { d, n, value } of expected.sample) {
    // SciPy takes Pelz and Good's approximation from 141 rows on; ours stays exact.
    expect(Math.abs(kolmogorovSampleSurvival(d, n) - value)).toBeLessThan(n <= 140 ? 1e-12 : 1e-7)
  }
})

test('the one-sample distribution is close to SciPy beyond 1,000 rows', () => {
  for (const { d, n, value } of expected.large) {
    expect(Math.abs(kolmogorovSampleSurvival(d, n) - value)).toBeLessThan(1e-5)
  }
})

test('the two-sample test equals SciPy, exact below 10,000 rows and asymptotic above', () => {
  for (const { n1, n2, scale, shift, statistic, pValue } of expected.twoSamples) {
    const first = sample(n1, 1)
    const second = sample(n2, 2, (uniform) => shift + scale * uniform)
    const result = testOf(first, second)
    expect(Math.abs(result.statistic - statistic)).toBeLessThan(1e-14)
    if (n2 > 10_000) expect(Math.abs(result.pValue - pValue)).toBeLessThan(1e-7)
    else expect(relativeError(result.pValue, pValue)).toBeLessThan(1e-9)
  }
})

test('ties are handled as SciPy handles them', () => {
  const first = sample(200, 3, (uniform) => Math.floor(uniform * 10))
  const second = sample(150, 4, (uniform) => Math.floor(uniform * 11))
  const result = testOf(first, second)
  expect(result.statistic).toBeCloseTo(expected.ties.statistic, 12)
  expect(result.pValue).toBeCloseTo(expected.ties.pValue, 10)
})

test('equal samples cannot be told apart', () => {
  expect(testOf(sample(50, 1), sample(50, 1))).toEqual({ statistic: 0, pValue: 1 })
})
