// Divergences against SciPy and NumPy, and at their borders.
import { expect, test } from 'vitest'
import {
  chiSquaredGoodness,
  chiSquaredHomogeneity,
  deviationOfCounts,
  hellinger,
  jensenShannon,
  kullbackLeibler,
  normalisedWassersteinOfCounts,
  populationStability,
  totalVariation,
  wassersteinOfCounts,
} from './divergence.ts'
import { pairCounts, valueCountsOf } from './value-counts.ts'
import { reference, relativeError, sample } from './testing/reference.ts'

const { divergences } = reference

test.each(divergences.counts)('every divergence of the pair "$name" equals SciPy to 1e-9', (pair) => {
  const { reference: before, current: after } = pair
  const positions = before.map((_, at) => at * 1.5 - 2)
  const same = (actual: number, expected: number | string) =>
    expect(Math.min(relativeError(actual, expected), Math.abs(actual - Number(expected)))).toBeLessThan(1e-9)
  same(populationStability(before, after), pair.psi)
  if (pair.name !== 'same') same(jensenShannon(before, after), pair.jensenShannon)
  if (pair.name !== 'same') same(jensenShannon(before, after, 2), pair.jensenShannonBase2)
  expect(relativeError(kullbackLeibler(before, after), pair.kullbackLeibler)).toBeLessThan(1e-9)
  expect(Math.abs(hellinger(before, after) - pair.hellinger)).toBeLessThan(1e-7)
  same(totalVariation(before, after), pair.totalVariation)
  same(wassersteinOfCounts(positions, before, after), pair.wasserstein)
  same(deviationOfCounts(positions, before), pair.deviation)
  const { statistic, pValue, degrees } = chiSquaredHomogeneity(before, after)
  same(statistic, pair.homogeneity.statistic)
  same(pValue, pair.homogeneity.pValue)
  expect(degrees).toBe(pair.homogeneity.degrees)
  if (pair.goodness) {
    same(chiSquaredGoodness(before, after).statistic, pair.goodness.statistic)
    same(chiSquaredGoodness(before, after).pValue, pair.goodness.pValue)
  } else if (pair.name === 'emptyInReference') expect(chiSquaredGoodness(before, after).pValue).toBe(0)
})

test('the exact Wasserstein distance of samples equals SciPy', () => {
  for (const { n1, n2, scale, shift, wasserstein } of divergences.samples) {
    const second = sample(n2, 6, (uniform) => shift + scale * uniform)
    const { values, reference: before, current } = pairCounts(valueCountsOf(sample(n1, 5)), valueCountsOf(second))
    expect(relativeError(wassersteinOfCounts(values, before, current), wasserstein)).toBeLessThan(1e-11)
  }
})

test('equal histograms are at distance 0 and disjoint ones at the largest', () => {
  expect(jensenShannon([3, 4, 5], [6, 8, 10])).toBe(0)
  expect(jensenShannon([1, 0], [0, 1])).toBeCloseTo(Math.sqrt(Math.LN2), 12)
  expect(jensenShannon([1, 0], [0, 1], 2)).toBeCloseTo(1, 12)
  expect(hellinger([1, 0], [0, 1])).toBe(1)
  expect(totalVariation([1, 0], [0, 1])).toBe(1)
})

test('each zero fill is the one its name says', () => {
  const floor = (0.5 - 1e-4) * Math.log(0.5 / 1e-4) + (0.5 - 1) * Math.log(0.5 / 1)
  expect(populationStability([5, 5], [0, 7])).toBeCloseTo(floor, 12)
  const half = (0.5 - 1 / 16) * Math.log(0.5 * 16) + (0.5 - 15 / 16) * Math.log((0.5 * 16) / 15)
  expect(populationStability([5, 5], [0, 7], 'half_count')).toBeCloseTo(half, 12)
  // A smallest share of 1 in 20,000 is not above 0.0001: the fill is a millionth of it.
  const tiny = 5e-5 * 1e-6
  const shares = [19_999 / 20_000, 5e-5]
  const filled =
    (tiny - 1 / 3) * Math.log(tiny * 3) + shares.reduce((sum, share) => sum + (share - 1 / 3) * Math.log(share * 3), 0)
  expect(populationStability([0, 19_999, 1], [1, 1, 1], 'evidently')).toBeCloseTo(filled, 10)
})

test('no rows and constant columns give numbers, not NaN', () => {
  expect(chiSquaredHomogeneity([0, 0], [1, 2])).toEqual({ statistic: 0, degrees: 0, pValue: 1 })
  expect(chiSquaredHomogeneity([5], [9]).pValue).toBe(1)
  expect(jensenShannon([0, 0], [0, 0])).toBe(0)
  expect(normalisedWassersteinOfCounts([1, 1.0005], [2, 0], [0, 1])).toBeCloseTo(0.5, 9)
})
