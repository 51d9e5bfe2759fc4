// Two tables compared: the same numbers as the pure functions on the same counts, and Evidently's own verdicts.
import { expect, test } from 'vitest'
import { createGenerator } from '../statistics/random.ts'
import { jensenShannon, populationStability } from '../statistics/divergence.ts'
import { evidentlyDrift } from '../statistics/evidently.ts'
import {
  compareProfiles,
  compareTables,
  compareTablesLikeEvidently,
  countInto,
  profileOf,
  type Column,
} from './comparison.ts'

function table(seed: string, rows: number, shift: number): Column[] {
  const random = createGenerator(seed)
  return [
    { name: 'x', kind: 'numeric', values: Float64Array.from({ length: rows }, () => random.normal() + shift) },
    {
      name: 'origin',
      kind: 'category',
      values: Array.from({ length: rows }, () => (random.integer(10) === 0 ? null : `A${random.integer(4)}`)),
    },
  ]
}

test('a column that moved is told from one that did not', () => {
  const [x, origin] = compareTables(table('a', 5000, 0), table('b', 4000, 0.5))
  expect(x!.populationStability).toBeGreaterThan(0.15)
  expect(x!.adjustedPValue).toBeLessThan(1e-6)
  expect(origin!.populationStability).toBeLessThan(0.01)
  expect(origin!.adjustedPValue).toBeGreaterThan(0.01)
  expect(origin!.current.missingRate).toBeCloseTo(0.1, 1)
})

test('the numbers are those of the counts, brought to deciles of the reference by hand', () => {
  const reference = table('a', 1000, 0)
  const current = table('b', 700, 0.3)
  const [x] = compareTables(reference, current)
  const sorted = Float64Array.from(reference[0]!.values as Float64Array).sort()
  const place = (value: number): number => {
    let bin = 0
    while (bin < 9 && value >= sorted[(bin + 1) * 100]!) bin++
    return bin
  }
  const counted = (values: Float64Array): number[] => {
    const counts = Array.from({ length: 10 }, () => 0)
    for (const value of values) counts[place(value)]!++
    return counts
  }
  const before = counted(reference[0]!.values as Float64Array)
  const now = counted(current[0]!.values as Float64Array)
  expect(before).toEqual(Array.from({ length: 10 }, () => 100))
  expect(x!.populationStability).toBeCloseTo(populationStability(before, now), 12)
  expect(x!.jensenShannon).toBeCloseTo(jensenShannon(before, now), 12)
})

test('profiles of parts, added up, compare as the whole does', () => {
  const reference = table('a', 2000, 0)
  const whole = table('b', 2000, 0.2)
  const profiles = reference.map(profileOf)
  const halves = [0, 1].map((half) =>
    whole.map((column, at): Column => {
      const cut = <T extends { slice(from: number, to: number): T }>(values: T): T =>
        values.slice(half * 1000, half * 1000 + 1000)
      return column.kind === 'numeric'
        ? countable(column.name, cut(column.values as Float64Array))
        : { ...column, values: cut([...column.values]), name: profiles[at]!.name }
    }),
  )
  const sums = profiles.map((profile, at) => {
    const [first, second] = halves.map((half) => countInto(profile, half[at]!).counts)
    return { ...profile, counts: first!.map((count, bin) => count + second![bin]!) }
  })
  expect(compareProfiles(profiles, sums)).toEqual(compareTables(reference, whole))
})

const countable = (name: string, values: Float64Array): Column => ({ name, kind: 'numeric', values })

test("Evidently's defaults decide column by column, and for the table by the share of columns", () => {
  const reference = table('a', 3000, 0)
  const current = table('b', 3000, 0.5)
  const compared = compareTablesLikeEvidently(reference, current)
  expect(compared).toMatchObject({ driftedColumns: 1, driftShare: 0.5, datasetDrift: true })
  expect(compared.columns.map(({ method }) => method)).toEqual(['wasserstein', 'jensenshannon'])
  const direct = evidentlyDrift({
    kind: 'numeric',
    reference: reference[0]!.values as Float64Array,
    current: current[0]!.values as Float64Array,
  })
  expect(compared.columns[0]).toMatchObject(direct)
})

test('a column that is missing or of another kind is named', () => {
  const reference = table('a', 100, 0)
  expect(() => compareTables(reference, reference.slice(1))).toThrowError(/column "x" cannot be compared/v)
  const other: Column[] = [{ name: 'x', kind: 'category', values: ['a'] }]
  expect(() => compareTablesLikeEvidently(reference, other)).toThrowError(/numeric on one side and category/v)
})
