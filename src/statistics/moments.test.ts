// Mergeable moments: equal to the two-pass formula, however the rows are split.
import { expect, test } from 'vitest'
import { emptyMoments, mergeMoments, momentsOf, varianceOf } from './moments.ts'
import { sample } from './testing/reference.ts'

test('moments of parts merge to the moments of the whole, also far from zero', () => {
  const values = sample(1000, 4, (uniform) => 1e7 + uniform)
  const mean = values.reduce((sum, value) => sum + (value - 1e7), 0) / 1000
  const variance = values.reduce((sum, value) => sum + (value - 1e7 - mean) ** 2, 0) / 999
  const merged = mergeMoments(momentsOf(values.subarray(0, 17)), momentsOf(values.subarray(17)))
  expect(merged.n).toBe(1000)
  expect(merged.mean - 1e7).toBeCloseTo(mean, 6)
  expect(varianceOf(merged)).toBeCloseTo(variance, 6)
  expect(mergeMoments(emptyMoments(), emptyMoments())).toEqual(emptyMoments())
  expect(varianceOf(momentsOf([5]))).toBe(0)
})
