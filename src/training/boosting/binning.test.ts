// Bins and thresholds agree on every value, however close the values are.
import { expect, test } from 'vitest'
import { createGenerator } from '../../statistics/random.ts'
import { fillBins, learnBins, learnThresholds } from './binning.ts'

const feature = { kind: 'number' as const, name: 'x', column: 'x' }

test('a value is in the first bin whose threshold it does not exceed, and a missing one in the bin after the last', () => {
  const random = createGenerator(3)
  const scales = [1, 1e-30, 1e30, 2 ** 24]
  for (const scale of scales) {
    const values = Float32Array.from({ length: 5000 }, () =>
      random.uniform() < 0.05 ? NaN : (random.uniform() - 0.3) * scale,
    )
    const order = Int32Array.from({ length: values.length }, (_, row) => row)
    const bins = learnBins(feature, values, { rows: order, maxBins: 255 })
    const filled = new Uint8Array(values.length)
    fillBins(filled, values, { bins, order })
    const thresholds = bins.thresholds!
    expect(thresholds.length).toBeGreaterThan(200)
    expect(thresholds.length).toBeLessThanOrEqual(254)
    const expected = Array.from(values, (value) => {
      const first = thresholds.findIndex((threshold) => value <= threshold)
      return Number.isNaN(value) ? bins.bins : first < 0 ? thresholds.length : first
    })
    expect([...filled]).toEqual(expected)
  }
})

test('neighbouring float32 values, zeros of both signs and infinities are parted as they compare', () => {
  expect(learnThresholds(Float32Array.of(16_777_216, 16_777_218), 255)).toEqual(Float32Array.of(16_777_216))
  expect(learnThresholds(Float32Array.of(-Infinity, 1, Infinity), 255)).toEqual(Float32Array.of(-Infinity, 1))
  expect(learnThresholds(Float32Array.of(-0, 0, 1), 255)).toEqual(Float32Array.of(0.5))
  expect(learnThresholds(Float32Array.of(), 255)).toEqual(Float32Array.of())
})

test('few bins hold about as many rows each, also where one value is frequent', () => {
  const sorted = Float32Array.from({ length: 1000 }, (_, row) => (row < 500 ? 0 : row)).sort()
  expect(learnThresholds(sorted, 4)).toEqual(Float32Array.of(250, 749.5))
})
