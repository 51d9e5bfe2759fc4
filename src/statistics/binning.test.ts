// Bins: where values land, what becomes of ties, constants, missing values and rare categories.
import { expect, test } from 'vitest'
import {
  addCounts,
  binCount,
  binIndex,
  binMiddles,
  categoryBins,
  comparedCounts,
  countRates,
  countValues,
  emptyCounts,
  equalWidthBins,
  FeatureBins,
  quantileBins,
} from './binning.ts'
import { sample } from './testing/reference.ts'

test('deciles of a continuous column hold a tenth of its rows each', () => {
  const values = sample(10_000, 1)
  const bins = quantileBins(values)
  expect(bins.edges).toHaveLength(11)
  expect(countValues(bins, values)).toEqual([0, 0, ...Array.from({ length: 10 }, () => 1000), 0])
})

test('a column of few values has a bin for each of them, however rare', () => {
  const values = [...Array.from({ length: 970 }, () => 0), ...Array.from({ length: 30 }, () => 1)]
  expect(quantileBins(values).edges).toEqual([0, 1, 1])
  expect(countValues(quantileBins(values), values)).toEqual([0, 0, 970, 30, 0])
})

test('a column that is mostly one value still tells its others apart', () => {
  const values = Float64Array.from({ length: 1000 }, (_, row) => (row < 900 ? 0 : row))
  const counts = countValues(quantileBins(values), values)
  expect(counts[2]).toBe(900)
  expect(counts.slice(3, -1)).toHaveLength(9)
  for (const count of counts.slice(3, -1)) expect(Math.abs(count - 11)).toBeLessThan(3)
})

test('a value that many rows share in the middle or at the end is cut off from its neighbours', () => {
  const capped = sample(1000, 3, (uniform) => Math.min(0.8, uniform))
  const bins = quantileBins(capped)
  expect(bins.edges.slice(-2)).toEqual([0.8, 0.8])
  const share = capped.filter((value) => value === 0.8).length
  expect(countValues(bins, capped).at(-2)).toBe(share)
})

test('a constant and an empty column have bins too', () => {
  const constant = quantileBins([4, 4, 4])
  expect(constant.edges).toEqual([4, 4])
  expect([3, 4, 5, Number.NaN].map((value) => binIndex(constant, value))).toEqual([1, 2, 3, 0])
  const empty = quantileBins([Number.NaN])
  expect(countValues(empty, [Number.NaN, 7])).toEqual([1, 1])
  expect(equalWidthBins([2, 2]).edges).toEqual([2, 2])
})

test('every value has a place: edges belong to the bin above, the last edge to the bin below', () => {
  const bins = FeatureBins.parse({ kind: 'numeric', edges: [0, 1, 2] })
  const places = [-Infinity, -0.1, 0, 0.99, 1, 2, 2.01, Infinity, Number.NaN, null, undefined, '1.5', 'x', 1n, true]
  expect(places.map((value) => binIndex(bins, value))).toEqual([1, 1, 2, 2, 3, 3, 4, 4, 0, 0, 0, 3, 0, 3, 3])
  expect(binCount(bins)).toBe(5)
  expect(binMiddles({ kind: 'numeric', edges: [0, 1, 2] })).toEqual([0.5, 1.5])
})

test('categories keep the most frequent, ties by name; all others are one', () => {
  const bins = categoryBins(['b', 'a', 'c', 'c', null, 'a', 'b', 'd'], 3)
  expect(bins.categories).toEqual(['a', 'b', 'c'])
  expect(countValues(bins, ['a', 'c', 'd', 'zz', null, undefined])).toEqual([2, 1, 0, 1, 2])
  expect(binIndex({ kind: 'category', categories: ['true'] }, true)).toBe(1)
})

test('bins that decrease or have a single edge are refused', () => {
  expect(FeatureBins.safeParse({ kind: 'numeric', edges: [1, 0] }).success).toBe(false)
  expect(FeatureBins.safeParse({ kind: 'numeric', edges: [1] }).success).toBe(false)
  expect(FeatureBins.safeParse({ kind: 'numeric', edges: [] }).success).toBe(true)
})

test('counts of two gateways add up to the counts of all rows', () => {
  const values = sample(500, 9)
  const bins = quantileBins(values, 7)
  const total = addCounts(
    addCounts(emptyCounts(bins), countValues(bins, values.slice(0, 123))),
    countValues(bins, values.slice(123)),
  )
  expect(total).toEqual(countValues(bins, values))
  expect(() => addCounts([1], [1, 2])).toThrow(RangeError)
})

test('what is compared leaves missing out and folds what is out of range; the rates tell those apart', () => {
  const bins: FeatureBins = { kind: 'numeric', edges: [0, 1, 2] }
  const counts = [10, 3, 40, 40, 7]
  expect(comparedCounts(bins, counts)).toEqual([43, 47])
  expect(comparedCounts(bins, counts, 'bin')).toEqual([10, 43, 47])
  expect(countRates(bins, counts)).toEqual({ rows: 100, missingRate: 0.1, outOfRangeRate: 10 / 90, otherRate: 0 })
  expect(countRates({ kind: 'category', categories: ['a'] }, [1, 2, 1])).toMatchObject({
    missingRate: 0.25,
    otherRate: 1 / 3,
  })
  expect(countRates({ kind: 'category', categories: ['a'] }, [0, 0, 0]).missingRate).toBe(0)
})
