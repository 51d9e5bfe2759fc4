// Two tables compared from counts: the same numbers as from the rows, brought to bins by hand.
import { expect, test } from 'vitest'
import type { NumberCounts } from '../data/value-counts.ts'
import { countValues } from '../statistics/binning.ts'
import { jensenShannon, populationStability } from '../statistics/divergence.ts'
import { createGenerator } from '../statistics/random.ts'
import { pairCounts, valueCountsOf } from '../statistics/value-counts.ts'
import { binCategories, binNumbers, compareBinned, evidentlyCategories, evidentlyNumbers } from './comparison.ts'

function drawn(seed: string, rows: number, shift: number): number[] {
  const random = createGenerator(seed)
  return Array.from({ length: rows }, () => random.normal() + shift)
}

function counted(before: readonly number[], now: readonly number[]): NumberCounts {
  const { values, reference, current } = pairCounts(valueCountsOf(before), valueCountsOf(now))
  const side = (counts: Float64Array, list: readonly number[]) => ({
    counts,
    missing: list.filter(Number.isNaN).length,
    negativeInfinite: list.filter((value) => value === -Infinity).length,
    positiveInfinite: list.filter((value) => value === Infinity).length,
  })
  return { values, sides: [side(reference, before), side(current, now)] }
}

test('a column that moved is told from one that did not', () => {
  const moved = binNumbers('moved', counted(drawn('a', 5000, 0), drawn('b', 4000, 0.5)))
  const same = binNumbers('same', counted(drawn('c', 5000, 0), drawn('d', 4000, 0)))
  const [x, y] = compareBinned([moved, same])
  expect(x!.populationStability).toBeGreaterThan(0.15)
  expect(x!.adjustedPValue).toBeLessThan(1e-6)
  expect(y!.populationStability).toBeLessThan(0.01)
  expect(y!.adjustedPValue).toBeGreaterThan(0.01)
})

test('the numbers are those of the rows, brought to deciles of the reference by hand', () => {
  const before = drawn('a', 1000, 0)
  const now = drawn('b', 700, 0.3)
  const [x] = compareBinned([binNumbers('x', counted(before, now))])
  const sorted = before.toSorted((a, b) => a - b)
  const byHand = (values: readonly number[]): number[] => {
    const counts = Array.from({ length: 10 }, () => 0)
    for (const value of values) {
      let bin = 0
      while (bin < 9 && value >= sorted[(bin + 1) * 100]!) bin++
      counts[bin]!++
    }
    return counts
  }
  expect(byHand(before)).toEqual(Array.from({ length: 10 }, () => 100))
  expect(x!.populationStability).toBeCloseTo(populationStability(byHand(before), byHand(now)), 12)
  expect(x!.jensenShannon).toBeCloseTo(jensenShannon(byHand(before), byHand(now)), 12)
})

test('missing and infinite values are counted where they belong', () => {
  const before = [1, 2, 3, 4, Number.NaN]
  const now = [0, 2, 2, Infinity, -Infinity, Number.NaN, Number.NaN]
  const { bins, counts } = binNumbers('x', counted(before, now))
  expect(counts[0]).toEqual(countValues(bins, before))
  expect(counts[1]).toEqual(countValues(bins, now))
  const [x] = compareBinned([{ name: 'x', bins, counts }])
  expect(x!.rates[1]).toEqual({ rows: 7, missingRate: 2 / 7, outOfRangeRate: 3 / 5, otherRate: 0 })
})

test('categories without a bin of their own are one bin together', () => {
  const frequent = [
    { value: 'b', counts: [5, 1] },
    { value: true, counts: [4, 0] },
  ]
  const sides = [
    { rows: 12, missing: 1 },
    { rows: 4, missing: 0 },
  ]
  const column = binCategories('x', { distinct: 9, least: 'a', greatest: 'z', sides, frequent })
  expect(column.bins).toEqual({ kind: 'category', categories: ['b', 'true'] })
  expect(column.counts).toEqual([
    [1, 5, 4, 2],
    [0, 1, 0, 3],
  ])
})

test("Evidently's kind of column is found as it finds it", () => {
  const before = drawn('a', 3000, 0)
  const now = drawn('b', 3000, 0.5)
  expect(evidentlyNumbers(counted(before, now), { isInteger: false })).toMatchObject({
    method: 'wasserstein',
    drifted: true,
  })
  // Ten different integers are categories, eleven are not, nor are ten with a null among them: those are doubles in pandas.
  const digits = (most: number): number[] => before.map((_, row) => row % most)
  const methodOf = (list: readonly number[]): string =>
    evidentlyNumbers(counted(list, list), { isInteger: true }).method
  expect([methodOf(digits(10)), methodOf(digits(11))]).toEqual(['jensenshannon', 'wasserstein'])
  expect(methodOf([...digits(10), Number.NaN])).toBe('wasserstein')
  expect(evidentlyCategories([Float64Array.of(2, 3), Float64Array.of(1, 1)])).toMatchObject({ method: 'z' })
})
