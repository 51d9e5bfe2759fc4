// The latency sketch: error, merging, JSON, extremes.
import { expect, test } from 'vitest'
import {
  addToSketch,
  countAbove,
  createSketch,
  mergeSketch,
  SketchJson,
  sketchFromJson,
  sketchQuantile,
  sketchToJson,
} from './quantile-sketch.ts'
import { createGenerator } from './random.ts'

const generator = createGenerator('latencies')
const values = Float64Array.from({ length: 20_000 }, () => Math.exp(generator.normal() * 1.5))
const sorted = values.toSorted()

function sketchOf(some: Float64Array) {
  const sketch = createSketch()
  for (const value of some) addToSketch(sketch, value)
  return sketch
}

test('quantiles lie within one percent of the exact nearest-rank ones', () => {
  const sketch = sketchOf(values)
  for (const q of [0.001, 0.1, 0.5, 0.95, 0.99, 0.999, 1]) {
    const exact = sorted[Math.ceil(q * sorted.length) - 1]!
    expect(Math.abs(sketchQuantile(sketch, q) / exact - 1)).toBeLessThan(0.0101)
  }
})

test('merging two sketches is the sketch of all values, and JSON keeps it', () => {
  const whole = sketchOf(values)
  const merged = mergeSketch(sketchOf(values.subarray(0, 5000)), sketchOf(values.subarray(5000)))
  expect(merged.counts).toEqual(whole.counts)
  const json = SketchJson.parse(JSON.parse(JSON.stringify(sketchToJson(merged))))
  const back = sketchFromJson(json)
  expect(back.counts).toEqual(whole.counts)
  expect(back.count).toBe(20_000)
  expect(JSON.stringify(json).length).toBeLessThan(6000)
  expect(sketchFromJson(sketchToJson(createSketch()))).toEqual(createSketch())
})

test('zero, negative, tiny, huge and missing values do not break it', () => {
  const sketch = createSketch()
  for (const value of [0, -1, 1e-12, 1e12, Infinity, Number.NaN]) addToSketch(sketch, value)
  expect(sketch.count).toBe(5)
  expect(sketchQuantile(sketch, 0.5)).toBeLessThan(0.0011)
  expect(sketchQuantile(createSketch(), 0.5)).toBeNaN()
})

test('the count above a limit is right but for values within two percent of it', () => {
  const limit = 5
  const above = countAbove(sketchOf(values), limit)
  expect(above).toBeLessThanOrEqual(values.filter((value) => value > limit).length)
  expect(above).toBeGreaterThanOrEqual(values.filter((value) => value > limit * 1.0203).length)
})
