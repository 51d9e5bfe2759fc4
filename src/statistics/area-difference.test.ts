// DeLong against its definition, computed pair by pair in NumPy.
import { expect, test } from 'vitest'
import { areaDifference, areaWithError } from './area-difference.ts'
import { reference, relativeError, sample } from './testing/reference.ts'

const { rows, delong } = reference.classification
const first = sample(rows, 11, (uniform) => Math.round(uniform * 100) / 100)
const labels = sample(rows, 12).map((uniform, row) => (uniform < 0.2 + 0.6 * first[row]! ? 1 : 0))
const second = sample(rows, 16).map((uniform, row) => Math.min(1, Math.max(0, first[row]! + 0.4 * (uniform - 0.5))))

test('areas, their errors and the error of the difference equal the definition', () => {
  const result = areaDifference(labels, { first, second })
  expect(relativeError(result.first, delong.first)).toBeLessThan(1e-12)
  expect(relativeError(result.second, delong.second)).toBeLessThan(1e-12)
  expect(relativeError(result.standardError, delong.error)).toBeLessThan(1e-10)
  expect(relativeError(areaWithError(labels, first).standardError, delong.firstError)).toBeLessThan(1e-10)
  expect(result.lower).toBeLessThan(result.difference)
  expect(result.pValue).toBeLessThan(1)
})

test('a model does not differ from itself', () => {
  expect(areaDifference(labels, { first, second: first })).toMatchObject({
    difference: 0,
    lower: 0,
    upper: 0,
    pValue: 1,
  })
})
