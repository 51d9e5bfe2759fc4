// Evidently's own scores, column by column.
import { expect, test } from 'vitest'
import { evidentlyDrift, type EvidentlyColumn, type EvidentlyMethod } from './evidently.ts'
import cases from './testing/evidently.json' with { type: 'json' }
import { sample } from './testing/reference.ts'
import { pairCounts, valueCountsOf, type PairedCounts } from './value-counts.ts'

const shapes: Record<string, (u: number) => number> = {
  uniform: (u) => u,
  shifted: (u) => 0.9 * u + 0.15,
  skewed: (u) => u ** 4 * 100,
  integers: (u) => Math.floor(u * u * 40),
  fewIntegers: (u) => Math.floor(u * u * 12),
  four: (u) => Math.floor(u * 4),
  fourSkewed: (u) => Math.floor(u ** 1.1 * 4),
  binary: (u) => (u > 0.7 ? 1 : 0),
  binaryMore: (u) => (u > 0.62 ? 1 : 0),
  letters: (u) => Math.trunc(u * u * 15),
  lettersEven: (u) => Math.trunc(u * 15),
}

function columnOf({ before, after, rows, kind, integer }: (typeof cases)[number]): EvidentlyColumn {
  const counts = countsOf(sample(rows[0]!, 31, shapes[before]), sample(rows[1]!, 32, shapes[after]))
  // Letters are told apart and ordered as their codes are.
  return kind === 'num' ? { counts, isInteger: integer } : { counts: categories(counts) }
}

const countsOf = (before: ArrayLike<number>, after: ArrayLike<number>) =>
  pairCounts(valueCountsOf(before), valueCountsOf(after))
const categories = ({ reference, current }: PairedCounts): PairedCounts => ({ reference, current })

test.each(cases)('$before/$after of $rows rows with method $method scores as Evidently does', (wanted) => {
  const options = wanted.method ? { method: wanted.method as EvidentlyMethod } : {}
  const drift = evidentlyDrift(columnOf(wanted), options)
  expect([drift.method, drift.threshold, drift.drifted]).toEqual([wanted.chosen, wanted.threshold, wanted.drifted])
  expect(Math.abs(drift.score - wanted.score)).toBeLessThan(1e-6 * Math.max(0.1, wanted.score))
})

test('missing and infinite values do not count, and a column without any value is refused', () => {
  const counts = countsOf([1, 2, Number.NaN], [Number.NaN, 1, 2, Infinity])
  expect(evidentlyDrift({ counts }).score).toBe(1)
  expect(() => evidentlyDrift({ counts: countsOf([Number.NaN], [1]) })).toThrow(
    expect.objectContaining({ code: 'drift_column_empty' }),
  )
  expect(() => evidentlyDrift({ counts: categories(counts) }, { method: 'ks' })).toThrow(
    expect.objectContaining({ code: 'drift_method_unsuited' }),
  )
})

test('two constant columns of one value have not drifted', () => {
  expect(evidentlyDrift({ counts: categories(countsOf([7, 7], [7])) })).toMatchObject({ score: 1, drifted: false })
})
