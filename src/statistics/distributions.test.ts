// Distribution functions against SciPy.
import { expect, test } from 'vitest'
import {
  chiSquaredSurvival,
  incompleteBeta,
  logGamma,
  normalCdf,
  normalQuantile,
  studentQuantile,
  studentSurvival,
} from './distributions.ts'
import { reference, relativeError } from './testing/reference.ts'

const { distributions: expected } = reference

const ofOne = { logGamma, normalCdf, normalQuantile }
const ofTwo = { chiSquaredSurvival, studentSurvival, studentQuantile }

test.each(['logGamma', 'normalCdf', 'normalQuantile'] as const)('%s equals SciPy', (name) => {
  for (const { x, value } of expected[name]) {
    const actual = ofOne[name](x)
    expect(Math.min(relativeError(actual, value), Math.abs(actual - value))).toBeLessThan(2e-12)
  }
})

test.each(['chiSquaredSurvival', 'studentSurvival', 'studentQuantile'] as const)('%s equals SciPy', (name) => {
  for (const { x, degrees, value } of expected[name]) {
    expect([x, degrees, relativeError(ofTwo[name](x, degrees), value) < 1e-10]).toEqual([x, degrees, true])
  }
})

test('incompleteBeta equals SciPy', () => {
  for (const { x, a, b, value } of expected.incompleteBeta) {
    expect(relativeError(incompleteBeta(x, a, b), value)).toBeLessThan(1e-11)
  }
})

test('quantiles are infinite at 0 and 1 and NaN outside', () => {
  expect(normalQuantile(0)).toBe(-Infinity)
  expect(normalQuantile(1)).toBe(Infinity)
  expect(normalQuantile(-0.1)).toBeNaN()
  expect(studentQuantile(1, 3)).toBe(Infinity)
  expect(normalCdf(-38)).toBeLessThan(1e-300)
})
