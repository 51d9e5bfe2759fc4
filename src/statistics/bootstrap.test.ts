// The bootstraps: coverage, agreement with the normal interval, dependence between days.
import { expect, test } from 'vitest'
import { blockBootstrapMeans, bootstrapMean, quantileOfSorted, weightedMean } from './bootstrap.ts'
import { createGenerator } from './random.ts'

test('the bootstrap interval of a mean holds the truth about as often as it says', () => {
  const generator = createGenerator('coverage')
  let held = 0
  for (let round = 0; round < 200; round++) {
    const values = Float64Array.from({ length: 100 }, () => generator.normal())
    const { lower, upper } = bootstrapMean(values, { seed: round, resamples: 300, confidence: 0.9 })
    if (lower < 0 && upper > 0) held++
  }
  expect(held / 200).toBeGreaterThan(0.84)
  expect(held / 200).toBeLessThan(0.95)
})

test('for many rows it equals the normal interval, and the same seed gives the same numbers', () => {
  const generator = createGenerator('many')
  const values = Float64Array.from({ length: 120_000 }, () => generator.uniform())
  const options = { seed: 1, resamples: 200 }
  const interval = bootstrapMean(values, options)
  const half = (1.96 * Math.sqrt(1 / 12)) / Math.sqrt(values.length)
  expect(interval.upper - interval.mean).toBeGreaterThan(half * 0.75)
  expect(interval.upper - interval.mean).toBeLessThan(half * 1.25)
  expect(bootstrapMean(values, options)).toEqual(interval)
  expect(bootstrapMean([], options).lower).toBeNaN()
})

test('blocks keep the dependence of days: a wave of two-week period spreads weekly means more than shuffled days would', () => {
  const days = Array.from({ length: 56 }, (_, day) => ({ value: Math.sin((2 * Math.PI * day) / 14), rows: 100 }))
  const spread = (blockDays: number) => {
    const means = blockBootstrapMeans(days, { windowDays: 7, blockDays, seed: 3 })
    return quantileOfSorted(means, 0.9) - quantileOfSorted(means, 0.1)
  }
  expect(spread(5)).toBeGreaterThan(1.4 * spread(1))
})

test('days count by their rows', () => {
  expect(
    weightedMean([
      { value: 0, rows: 1 },
      { value: 1, rows: 3 },
    ]),
  ).toBe(0.75)
  expect(quantileOfSorted([0, 10], 0.25)).toBe(2.5)
})
