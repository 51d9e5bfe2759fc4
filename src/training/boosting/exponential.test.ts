// The fast exponential against Math.exp.
import { expect, test } from 'vitest'
import { exponential } from './exponential.ts'

test('e^x is right to 1e-12 of itself, limited to x from -700 to 700', () => {
  let largest = 0
  for (let x = -700; x <= 700; x += 0.0371) largest = Math.max(largest, Math.abs(exponential(x) / Math.exp(x) - 1))
  expect(largest).toBeLessThan(1e-12)
  expect(exponential(0)).toBe(1)
  expect(exponential(1e9)).toBe(exponential(700))
  expect(exponential(-Infinity)).toBe(exponential(-700))
  expect(exponential(NaN)).toBeNaN()
})
