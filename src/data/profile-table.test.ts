// A profile beside values worked out by hand.
import { expect, test } from 'vitest'
import type { Column } from './manifest.ts'
import { profileTable } from './profile-table.ts'
import { Profile } from './profile.ts'
import { openDataWorkshop } from './testing.ts'

const columns: Column[] = [
  { name: 'n', type: 'integer' },
  { name: 'x', type: 'double' },
  { name: 's', type: 'string' },
  { name: 't', type: 'timestamp' },
  { name: 'b', type: 'boolean' },
  { name: 'none', type: 'double' },
]

test('a profile has counts, moments, quantiles, frequent values and a histogram of every column', async () => {
  await using shop = await openDataWorkshop()
  const profile = await shop.step(async ({ tables }) => {
    await tables.run(`CREATE TABLE t AS SELECT i AS n, CASE i WHEN 0 THEN NULL WHEN 1 THEN 'nan' WHEN 2 THEN 'inf' ELSE (i % 10)::VARCHAR END::DOUBLE AS x,
      CASE WHEN i % 4 = 0 THEN 'four' ELSE 'other' || i % 2 END AS s, TIMESTAMP '2024-01-01' + to_days(i::INTEGER) AS t, i < 25 AS b, NULL::DOUBLE AS none
      FROM range(1000) r(i)`)
    return Profile.parse(await profileTable(tables, { table: 't', columns }))
  })
  const [n, x, s, t, b, none] = profile.columns
  expect(profile.rows).toBe(1000)
  expect(n).toMatchObject({ nulls: 0, min: 0, max: 999, mean: 499.5, histogram: { from: 0, to: 999 } })
  expect(n!.sd).toBeCloseTo(288.8194, 3)
  expect(n!.quantiles[3]).toBeCloseTo(499.5, -1)
  expect(n!.histogram!.counts).toHaveLength(40)
  expect(n!.histogram!.counts.reduce((sum, count) => sum + count)).toBe(1000)
  expect(n!.histogram!.counts.every((count) => count === 25)).toBe(true)
  expect(x).toMatchObject({ nulls: 2, infinite: 1, min: 0, max: 'Infinity', top: [] })
  expect(x!.mean).toBeCloseTo((4500 - 3) / 997, 9)
  expect(x!.histogram!.counts.reduce((sum, count) => sum + count)).toBe(997)
  expect(s).toMatchObject({ distinct: 3, min: 'four', max: 'other1', mean: null, histogram: null })
  expect(s!.top).toEqual([
    { value: 'other1', count: 500 },
    { value: 'four', count: 250 },
    { value: 'other0', count: 250 },
  ])
  expect(t).toMatchObject({ min: '2024-01-01T00:00:00Z', histogram: { from: Date.parse('2024-01-01') } })
  expect(b!.top).toEqual([
    { value: false, count: 975 },
    { value: true, count: 25 },
  ])
  expect(none).toMatchObject({ nulls: 1000, distinct: 0, min: null, max: null, mean: null, sd: null, histogram: null })
})

test('an empty table and a column of one value have a profile too', async () => {
  await using shop = await openDataWorkshop()
  const [empty, one] = await shop.step(async ({ tables }) => {
    await tables.run(
      'CREATE TABLE t AS SELECT 7 AS n, 7::DOUBLE AS x, NULL::VARCHAR AS s, NULL::TIMESTAMP AS t, NULL::BOOLEAN AS b, NULL::DOUBLE AS none',
    )
    const one = await profileTable(tables, { table: 't', columns })
    await tables.run('DELETE FROM t')
    return [await profileTable(tables, { table: 't', columns }), one]
  })
  expect(one.columns[1]).toMatchObject({ mean: 7, sd: null, histogram: { from: 7, to: 7 } })
  expect(one.columns[1]!.histogram!.counts[0]).toBe(1)
  expect(empty).toMatchObject({ rows: 0 })
  expect(empty.columns[0]).toMatchObject({ nulls: 0, distinct: 0, min: null, histogram: null, top: [] })
})
