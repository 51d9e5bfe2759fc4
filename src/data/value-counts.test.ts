// Value counts against rows counted by hand, with every kind of value that has no place on an axis.
import { expect, test } from 'vitest'
import { openDataWorkshop } from './testing.ts'
import { countCategories, countNumbers, countUnnamed, nearlyUnique, sortNumbers } from './value-counts.ts'

const rows = (type: string, ...values: string[]): string =>
  `SELECT unnest([${values.map((value) => `${value}::${type}`).join(', ')}]::${type}[]) AS "a ""column"""`
const name = 'a "column"'

test('numbers are counted upwards, and infinities, NaN and nulls apart', async () => {
  await using shop = await openDataWorkshop()
  const counted = await shop.step(async ({ tables }) => {
    await tables.run(
      `CREATE TABLE t AS ${rows('DOUBLE', '3', '-1.5', 'NULL', "'nan'", '3', "'-inf'", '0', '-0.0', "'inf'", "'inf'", 'NULL')}`,
    )
    return countNumbers(tables, { sides: ['t'], name, type: 'double' })
  })
  expect([...counted!.values].map((value) => value + 0)).toEqual([-1.5, 0, 3])
  expect([...counted!.sides[0]!.counts]).toEqual([1, 2, 2])
  expect(counted!.sides[0]).toMatchObject({ missing: 3, negativeInfinite: 1, positiveInfinite: 2 })
})

test('two sides stand beside each other, integers with doubles and an empty side too', async () => {
  await using shop = await openDataWorkshop()
  await shop.step(async ({ tables }) => {
    await tables.run(`CREATE TABLE whole AS ${rows('BIGINT', '1', '2', '2', 'NULL')}`)
    await tables.run(`CREATE TABLE parts AS ${rows('DOUBLE', '2', '2.5', "'inf'")}`)
    await tables.run(`CREATE TABLE none AS ${rows('DOUBLE')}`)
    const both = await countNumbers(tables, { sides: ['whole', 'parts'], name, type: 'double' })
    expect([...both!.values]).toEqual([1, 2, 2.5])
    expect(both!.sides.map(({ counts }) => [...counts])).toEqual([
      [1, 2, 0],
      [0, 1, 1],
    ])
    expect(both!.sides.map(({ missing, positiveInfinite }) => [missing, positiveInfinite])).toEqual([
      [1, 0],
      [0, 1],
    ])
    const one = await countNumbers(tables, { sides: ['whole', 'none'], name, type: 'double' })
    expect(one!.sides.map(({ counts }) => [...counts])).toEqual([
      [1, 2],
      [0, 0],
    ])
    expect((await countNumbers(tables, { sides: ['none'], name, type: 'double' }))!.values).toHaveLength(0)
  })
})

test('sorting the rows gives what counting them gives', async () => {
  await using shop = await openDataWorkshop()
  await shop.step(async ({ tables }) => {
    await tables.run(`CREATE TABLE a AS ${rows('DOUBLE', '3', 'NULL', "'nan'", '-0.0', "'-inf'", '3', '0', "'inf'")}`)
    await tables.run(`CREATE TABLE b AS ${rows('BIGINT', '4', '3', 'NULL')}`)
    await tables.run(`CREATE TABLE none AS ${rows('DOUBLE')}`)
    for (const sides of [['a'], ['a', 'b'], ['b', 'a'], ['none', 'b'], ['none', 'none']]) {
      const input = { sides, name, type: 'double' as const }
      expect(await sortNumbers(tables, input)).toEqual(await countNumbers(tables, input))
    }
  })
})

test('a column is nearly unique when nearly every one of its first rows has another value', async () => {
  await using shop = await openDataWorkshop()
  const unique = await shop.step(async ({ tables }) => {
    await tables.run('CREATE TABLE t AS SELECT i AS each, i // 2 AS twice, random() AS drawn FROM range(40000) r(i)')
    const types = { each: 'integer', twice: 'integer', drawn: 'double' } as const
    const columns = (['each', 'twice', 'drawn'] as const).map((one) => ({ name: one, type: types[one] }))
    return nearlyUnique(tables, { view: 't', columns })
  })
  expect([...unique].map((column) => column.name)).toEqual(['each', 'drawn'])
})

test('more distinct values than asked for give nothing, whatever special ones stand beside them', async () => {
  await using shop = await openDataWorkshop()
  await shop.step(async ({ tables }) => {
    await tables.run(`CREATE TABLE t AS ${rows('DOUBLE', '1', '2', '3', "'nan'", "'-inf'", "'inf'", 'NULL')}`)
    const input = { sides: ['t'], name, type: 'double' as const }
    expect(await countNumbers(tables, { ...input, distinctMax: 2 })).toBeUndefined()
    expect((await countNumbers(tables, { ...input, distinctMax: 3 }))!.values).toHaveLength(3)
  })
})

test('moments are milliseconds, to the microsecond, and infinite ones stand apart', async () => {
  await using shop = await openDataWorkshop()
  await shop.step(async ({ tables }) => {
    await tables.run(
      `CREATE TABLE t AS ${rows('TIMESTAMP', "'2001-01-01 00:00:00.000001'", "'1969-12-31'", "'infinity'", "'-infinity'", 'NULL')}`,
    )
    await tables.run(`CREATE TABLE d AS ${rows('DATE', "'2001-01-02'", "'2001-01-02'", "'infinity'", 'NULL')}`)
    const times = await countNumbers(tables, { sides: ['t'], name, type: 'timestamp' })
    expect([...times!.values]).toEqual([-86_400_000, Date.parse('2001-01-01') + 0.001])
    expect(times!.sides[0]).toMatchObject({ missing: 1, negativeInfinite: 1, positiveInfinite: 1 })
    const days = await countNumbers(tables, { sides: ['d'], name, type: 'date' })
    expect([...days!.values]).toEqual([Date.parse('2001-01-02')])
    expect(days!.sides[0]).toMatchObject({ missing: 1, negativeInfinite: 0, positiveInfinite: 1 })
  })
})

test('of categories the frequent ones have names, and all of them counts', async () => {
  await using shop = await openDataWorkshop()
  await shop.step(async ({ tables }) => {
    await tables.run(`CREATE TABLE t AS ${rows('VARCHAR', "'b'", "'b'", "'a'", "'c'", "'é'", "''", 'NULL')}`)
    await tables.run(`CREATE TABLE u AS ${rows('VARCHAR', "'d'", "'a'", 'NULL', 'NULL')}`)
    const one = await countCategories(tables, { sides: ['t'], name, type: 'string', most: 2 })
    expect(one).toEqual({
      distinct: 5,
      least: '',
      greatest: 'é',
      sides: [{ rows: 7, missing: 1 }],
      frequent: [
        { value: 'b', counts: [2] },
        { value: '', counts: [1] },
      ],
    })
    const both = await countCategories(tables, { sides: ['t', 'u'], name, type: 'string', most: 9 })
    expect(both.sides).toEqual([
      { rows: 7, missing: 1 },
      { rows: 4, missing: 2 },
    ])
    expect(both.frequent.map(({ value, counts }) => [value, ...counts])).toEqual([
      ['b', 2, 0],
      ['', 1, 0],
      ['a', 1, 1],
      ['c', 1, 0],
      ['é', 1, 0],
    ])
    const counts = await countUnnamed(tables, { sides: ['t', 'u'], name, type: 'string' })
    expect(counts.map((side) => [...side])).toEqual([
      [1, 1, 2, 1, 0, 1],
      [0, 1, 0, 0, 1, 0],
    ])
    await tables.run(`CREATE TABLE none AS ${rows('BOOLEAN')}`)
    const empty = await countCategories(tables, { sides: ['none'], name, type: 'boolean', most: 9 })
    expect(empty).toEqual({
      distinct: 0,
      least: null,
      greatest: null,
      sides: [{ rows: 0, missing: 0 }],
      frequent: [],
    })
  })
})
