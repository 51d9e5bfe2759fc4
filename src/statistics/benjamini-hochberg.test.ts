// Benjamini-Hochberg against SciPy's `false_discovery_control`.
import { expect, test } from 'vitest'
import { adjustPValues } from './benjamini-hochberg.ts'
import { reference, relativeError } from './testing/reference.ts'

test('adjusted p-values equal SciPy', () => {
  const adjusted = adjustPValues(reference.multiplicity.pValues)
  for (const [at, value] of adjusted.entries()) {
    expect(relativeError(value, reference.multiplicity.adjusted[at]!)).toBeLessThan(1e-14)
  }
})

test('a test without a p-value does not count', () => {
  expect(adjustPValues([0.01, Number.NaN, 0.04])).toEqual([0.02, Number.NaN, 0.04])
  expect(adjustPValues([])).toEqual([])
})
