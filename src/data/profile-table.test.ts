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
  expect(n).toMatchObject({
    nulls: 0,
    distinct: 1000,
    exact: true,
    min: 0,
    max: 999,
    mean: 499.5,
    histogram: { from: 0, to: 999 },
  })
  expect(n!.sd).toBeCloseTo(288.8194, 3)
  // numpy.quantile(numpy.arange(1000), [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99])
  const quantiles = [9.99, 49.95, 249.75, 499.5, 749.25, 949.05, 989.01]
  for (const [at, quantile] of quantiles.entries()) expect(n!.quantiles[at]).toBeCloseTo(quantile, 9)
  expect(n!.histogram!.counts).toHaveLength(40)
  expect(n!.histogram!.counts.reduce((sum, count) => sum + count)).toBe(1000)
  expect(n!.histogram!.counts.every((count) => count === 25)).toBe(true)
  expect(x).toMatchObject({ nulls: 2, infinite: 1, distinct: 11, min: 0, max: 'Infinity', top: [] })
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

test('moments are told as the tables hold them, to the microsecond, infinite ones too', async () => {
  await using shop = await openDataWorkshop()
  const [t, d, none] = await shop.step(async ({ tables }) => {
    await tables.run(`CREATE TABLE t AS SELECT unnest(['2001-02-03 04:05:06.000007', '1969-12-31 23:59:59.5', '0099-01-01']::TIMESTAMP[]) AS t,
      unnest(['2024-03-01', '2024-02-29', '2024-02-29']::DATE[]) AS d, unnest(['-infinity', NULL, 'infinity']::TIMESTAMP[]) AS none`)
    const times: Column[] = [
      { name: 't', type: 'timestamp' },
      { name: 'd', type: 'date' },
      { name: 'none', type: 'timestamp' },
    ]
    return (await profileTable(tables, { table: 't', columns: times })).columns
  })
  expect(t).toMatchObject({ min: '0099-01-01T00:00:00Z', max: '2001-02-03T04:05:06.000007Z', distinct: 3, infinite: 0 })
  expect(t!.quantiles[3]).toBe(-500)
  expect(d).toMatchObject({ min: '2024-02-29', max: '2024-03-01', distinct: 2 })
  expect(d!.top).toEqual([
    { value: '2024-02-29', count: 2 },
    { value: '2024-03-01', count: 1 },
  ])
  expect(none).toMatchObject({
    min: '-infinity',
    max: 'infinity',
    nulls: 1,
    distinct: 2,
    quantiles: [],
    histogram: null,
  })
})

test('distinct counts are exact to a million; beyond, sketches take over and say so', async () => {
  await using shop = await openDataWorkshop()
  const { counted, profiled } = await shop.step(async ({ tables }) => {
    await tables.run(`CREATE TABLE t AS SELECT (hash(i) % 400000)::BIGINT AS many, CASE i WHEN 5 THEN 'nan' WHEN 7 THEN '-inf' ELSE i / 8.0 END::DOUBLE AS each,
      greatest(i, 150000) AS late, 9007199254740993 + 2 * (i % 3) AS long FROM range(1200000) r(i)`)
    const columns: Column[] = [
      { name: 'many', type: 'integer' },
      { name: 'each', type: 'double' },
      { name: 'late', type: 'integer' },
      { name: 'long', type: 'integer' },
    ]
    const [row] = await tables.rows('SELECT count(DISTINCT many) AS n FROM t')
    return { counted: row!['n'], profiled: Profile.parse(await profileTable(tables, { table: 't', columns })) }
  })
  const [many, each, late, long] = profiled.columns
  expect(many).toMatchObject({ distinct: counted, exact: true, top: [] })
  expect(each).toMatchObject({ exact: false, nulls: 1, infinite: 1, min: '-Infinity', max: 1_199_999 / 8 })
  expect(Math.abs(each!.distinct / 1_200_000 - 1)).toBeLessThan(0.2)
  expect(Math.abs(each!.quantiles[1]! / 7500 - 1)).toBeLessThan(0.01)
  expect(each!.histogram!.counts.reduce((sum, count) => sum + count)).toBe(1_199_998)
  // One value in the first rows, too many in all of them.
  expect(late).toMatchObject({ exact: false, min: 150_000, max: 1_199_999 })
  expect(late!.histogram!.counts.reduce((sum, count) => sum + count)).toBe(1_200_000)
  expect(long).toMatchObject({ exact: false, distinct: 3, min: '9007199254740993', max: '9007199254740997' })
  expect(long!.top).toEqual(
    ['9007199254740993', '9007199254740995', '9007199254740997'].map((value) => ({ value, count: 400_000 })),
  )
})
