// Counts by value against the same numbers worked out row by row, and against NumPy's.
import { expect, test } from 'vitest'
import { momentsOf } from './moments.ts'
import { createGenerator } from './random.ts'
import {
  alignCounts,
  frequentOfCounts,
  histogramOfCounts,
  momentsOfCounts,
  pairCounts,
  quantilesOfCounts,
  rowsOf,
  valueCountsOf,
} from './value-counts.ts'

const drawn = (seed: string, rows: number): number[] => {
  const random = createGenerator(seed)
  return Array.from({ length: rows }, () => Math.round(random.normal() * 20) / 4)
}

test('values are counted each once, upwards, and what is not finite is left out', () => {
  const { values, counts } = valueCountsOf([3, -1, Number.NaN, 3, Infinity, 0, -0, 3, -Infinity])
  expect([...values]).toEqual([-1, 0, 3])
  expect([...counts]).toEqual([1, 2, 3])
  expect(valueCountsOf([]).values).toHaveLength(0)
})

test('two samples pair by value, with no row where a side lacks it', () => {
  const paired = pairCounts(valueCountsOf([1, 1, 5]), valueCountsOf([0, 5, 5, 9]))
  expect([...paired.values]).toEqual([0, 1, 5, 9])
  expect([...paired.reference]).toEqual([0, 2, 1, 0])
  expect([...paired.current]).toEqual([1, 0, 2, 1])
  expect(pairCounts(valueCountsOf([]), valueCountsOf([])).values).toHaveLength(0)
  const three = alignCounts([valueCountsOf([2]), valueCountsOf([]), valueCountsOf([2, 1, 2])])
  expect([...three.values]).toEqual([1, 2])
  expect(three.counts.map((side) => [...side])).toEqual([
    [0, 1],
    [0, 0],
    [1, 2],
  ])
})

test('moments are those of the rows, also far from zero', () => {
  const list = drawn('moments', 2000)
  const streamed = momentsOf(list)
  for (const far of [0, 1e9]) {
    const { n, mean, m2 } = momentsOfCounts(valueCountsOf(list.map((value) => value + far)))
    expect(n).toBe(2000)
    expect(mean - far).toBeCloseTo(streamed.mean, far === 0 ? 12 : 6)
    expect(m2 / streamed.m2).toBeCloseTo(1, 12)
  }
  expect(momentsOfCounts(valueCountsOf([]))).toEqual({ n: 0, mean: 0, m2: 0 })
})

test("quantiles are NumPy's", () => {
  // numpy.quantile([1, 2, 2, 2, 7, 7, 10], [0, 0.05, 0.25, 0.5, 0.6, 0.95, 1])
  const wanted = [1, 1.3, 2, 2, 5, 9.1, 10]
  const found = quantilesOfCounts(valueCountsOf([7, 2, 1, 2, 10, 2, 7]), [0, 0.05, 0.25, 0.5, 0.6, 0.95, 1])
  for (const [at, value] of wanted.entries()) expect(found[at]).toBeCloseTo(value, 12)
  expect(quantilesOfCounts(valueCountsOf([4]), [0.01, 0.99])).toEqual([4, 4])
  expect(quantilesOfCounts(valueCountsOf([]), [0.5])).toEqual([Number.NaN])
  const list = drawn('quantiles', 501)
  const sorted = list.toSorted((a, b) => a - b)
  expect(quantilesOfCounts(valueCountsOf(list), [0.2, 0.5, 0.9])).toEqual([sorted[100], sorted[250], sorted[450]])
})

test('a histogram holds every row, the greatest value in the last bin', () => {
  const list = drawn('histogram', 300)
  const [from, to] = [Math.min(...list), Math.max(...list)]
  const wanted = Array.from({ length: 8 }, () => 0)
  for (const value of list) wanted[Math.min(7, Math.floor((value - from) / ((to - from) / 8)))]!++
  expect(histogramOfCounts(valueCountsOf(list), 8)).toEqual(wanted)
  expect(rowsOf(wanted)).toBe(300)
  expect(histogramOfCounts(valueCountsOf([4, 4]), 3)).toEqual([2, 0, 0])
})

test('the most frequent values come first, the least of equally frequent ones before the others', () => {
  const counts = valueCountsOf([5, 1, 1, 3, 3, 9, 9, 9, 2])
  expect(frequentOfCounts(counts, 4)).toEqual([
    { value: 9, count: 3 },
    { value: 1, count: 2 },
    { value: 3, count: 2 },
    { value: 2, count: 1 },
  ])
  expect(frequentOfCounts(counts, 99)).toHaveLength(5)
})
