// What becomes of category columns: codes by frequency, rare ones pooled, names as the graph will see them.
import { expect, test } from 'vitest'
import { featureValues, learnFeatures, wireCategory } from './feature.ts'
import type { Frame } from './frame.ts'

const frameOf = (values: (string | undefined)[]): Frame => {
  const categories = [...new Set(values.filter((value) => value !== undefined))]
  const codes = Int32Array.from(values, (value) => (value === undefined ? -1 : categories.indexOf(value)))
  return {
    rowCount: values.length,
    columns: [{ kind: 'category', name: 'c', codes, categories }],
    target: new Float64Array(values.length),
  }
}
const options = { calendar: [], maxCodes: 3 }

test('categories are coded by frequency whatever their order in the frame; unseen and empty ones are missing', () => {
  const features = learnFeatures(frameOf(['x', 'y', 'y', '', undefined]), options)
  expect(features).toMatchObject([{ categories: ['y', 'x'], pooled: false }])
  expect(featureValues(features, frameOf(['x', 'y', 'new', '', undefined]))).toEqual([Int32Array.of(1, 0, -1, -1, -1)])
})

test('beyond the limit the rarest share a code, and so does a category that was never seen', () => {
  const features = learnFeatures(frameOf(['a', 'a', 'a', 'b', 'b', 'c', 'd']), options)
  expect(features).toMatchObject([{ categories: ['a', 'b'], pooled: true }])
  expect(featureValues(features, frameOf(['d', 'c', 'new', 'b', 'a', undefined]))).toEqual([
    Int32Array.of(2, 2, 2, 1, 0, -1),
  ])
})

test('names that reach the graph as the same string are one category', () => {
  expect(wireCategory('a\0b')).toBe('a')
  expect(wireCategory('\ud800')).toBe('\ufffd')
  expect(learnFeatures(frameOf(['a', 'a\0b', 'a\0c']), options)).toMatchObject([{ categories: ['a'] }])
})
