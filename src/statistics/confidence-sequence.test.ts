// Confidence sequences: misses under constant peeking, sample sizes at which shifts are found.
import { expect, test } from 'vitest'
import {
  differenceSequence,
  meanSequence,
  meanStatistics,
  rateDifferenceSequence,
  rateSequence,
} from './confidence-sequence.ts'
import { addValue, emptyMoments, momentsOf } from './moments.ts'
import { createGenerator } from './random.ts'

test('exponential noise leaves the sequence at most as often as alpha says, looking after every row from the 100th on', () => {
  const generator = createGenerator('exponential')
  let misses = 0
  for (let round = 0; round < 200; round++) {
    const moments = emptyMoments()
    for (let row = 1; row <= 5000; row++) {
      addValue(moments, -Math.log1p(-generator.uniform()))
      if (row < 100 || (row > 1000 && row % 10 > 0)) continue
      const { lower, upper } = meanSequence(meanStatistics(moments))
      if (lower <= 1 && upper >= 1) continue
      misses++
      break
    }
  }
  expect(misses / 200).toBeLessThanOrEqual(0.06)
})

test('a shift of a tenth of a standard deviation is found at some hundreds of rows, of a twentieth at some thousands', () => {
  const generator = createGenerator('shift')
  const foundAt = (shift: number) => {
    const moments = emptyMoments()
    for (let row = 1; row <= 20_000; row++) {
      addValue(moments, shift + generator.normal())
      if (row >= 100 && meanSequence(meanStatistics(moments)).lower > 0) return row
    }
    return Infinity
  }
  const median = (shift: number) => Array.from({ length: 41 }, () => foundAt(shift)).toSorted((a, b) => a - b)[20]!
  expect(median(0.1)).toBeGreaterThan(350)
  expect(median(0.1)).toBeLessThan(1300)
  expect(median(0.05)).toBeGreaterThan(1800)
  expect(median(0.05)).toBeLessThan(5500)
})

test('the difference of two arms holds the true difference and finds a real one', () => {
  const generator = createGenerator('arms')
  const arm = (n: number, mean: number) =>
    meanStatistics(momentsOf(Array.from({ length: n }, () => mean + generator.normal())))
  const { lower, upper, estimate } = differenceSequence(arm(3000, 0.5), arm(20_000, 0), { alpha: 0.01 })
  expect(lower).toBeGreaterThan(0.2)
  expect(upper).toBeLessThan(0.8)
  expect(estimate).toBeCloseTo(0.5, 0)
  expect(meanSequence({ n: 1, mean: 3, variance: 0 })).toEqual({ estimate: 3, lower: -Infinity, upper: Infinity })
})

test('a rate without a single hit has an upper bound above zero, which no look breaks too often', () => {
  const none = rateSequence({ n: 200, hits: 0 }, 0.025)
  expect(none.lower).toBe(0)
  expect(none.upper).toBeGreaterThan(0.02)
  expect(none.upper).toBeLessThan(0.05)
  expect(rateSequence({ n: 0, hits: 0 })).toMatchObject({ lower: 0, upper: 1 })
  expect(rateSequence({ n: 10, hits: 10 }).upper).toBe(1)
  const generator = createGenerator('rate')
  let misses = 0
  for (let round = 0; round < 200; round++) {
    let hits = 0
    for (let n = 1; n <= 500; n++) {
      if (generator.uniform() < 0.03) hits++
      const { lower, upper } = rateSequence({ n, hits })
      if (lower <= 0.03 && upper >= 0.03) continue
      misses++
      break
    }
  }
  expect(misses / 200).toBeLessThanOrEqual(0.06)
})

test('the difference of two rates is within its bounds', () => {
  const { lower, upper, estimate } = rateDifferenceSequence({ n: 2000, hits: 60 }, { n: 18_000, hits: 180 })
  expect(estimate).toBeCloseTo(0.02, 12)
  expect(lower).toBeGreaterThan(0)
  expect(upper).toBeLessThan(0.05)
})
