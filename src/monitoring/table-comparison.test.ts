// Tables compared where they are: the numbers of the rows read out, and every way in which two tables do not go together.
import { expect, test } from 'vitest'
import type { Column } from '../data/manifest.ts'
import { openDataWorkshop } from '../data/testing.ts'
import type { Tables } from '../platform/tables.ts'
import { evidentlyDrift } from '../statistics/evidently.ts'
import { pairCounts, valueCountsOf } from '../statistics/value-counts.ts'
import { compareTables, type ComparisonInput } from './table-comparison.ts'

const columns: Column[] = [
  { name: 'amount', type: 'double' },
  { name: 'count', type: 'integer' },
  { name: 'kind', type: 'string' },
  { name: 'paid', type: 'boolean' },
  { name: 'at', type: 'timestamp' },
]
const sides: ComparisonInput['sides'] = [
  { view: 'was', title: 'orders/1', columns },
  { view: 'is', title: 'orders/2', columns },
]

/** The second table's amounts are higher and it has a kind of its own. */
async function makeTables(tables: Tables): Promise<void> {
  const rowsOf = (shift: number, kinds: number): string =>
    `SELECT CASE WHEN i % 50 = 0 THEN NULL ELSE (i * 7919 % 1009) / 100.0 + ${shift} END AS amount, i * 31 % 40 AS count,
     CASE WHEN i % 9 = 0 THEN NULL ELSE 'k' || (i % ${kinds}) END AS kind, i % 3 = 0 AS paid, TIMESTAMP '2024-01-01' AS at FROM range(4000) r(i)`
  await tables.run(`CREATE TABLE was AS ${rowsOf(0, 4)}`)
  await tables.run(`CREATE TABLE "is" AS ${rowsOf(5, 5)}`)
}

test("by Evidently's definitions the scores are those of the rows", async () => {
  await using shop = await openDataWorkshop()
  const { compared, drifts } = await shop.step(async ({ tables }) => {
    await makeTables(tables)
    const read = async (view: string) =>
      (await tables.columnar(`SELECT amount, count::DOUBLE AS count, substr(kind, 2)::DOUBLE AS kind FROM "${view}"`))
        .columns
    const [was, is] = [await read('was'), await read('is')]
    const drifts = ['amount', 'count', 'kind'].map((name) => {
      const [before, now] = [was.get(name), is.get(name)]
      if (before?.kind !== 'number' || now?.kind !== 'number') throw new Error('not read as numbers')
      const { values, ...counts } = pairCounts(valueCountsOf(before.values), valueCountsOf(now.values))
      return evidentlyDrift(
        name === 'kind' ? { counts } : { counts: { ...counts, values }, isInteger: name === 'count' },
      )
    })
    return { compared: await compareTables(tables, { sides, definitions: 'evidently' }), drifts }
  })
  expect(compared).toMatchObject({ rows: [4000, 4000], titles: ['orders/1', 'orders/2'] })
  expect(compared.columns.map(({ name, test: method }) => [name, method])).toEqual([
    ['amount', 'wasserstein'],
    ['count', 'wasserstein'],
    ['kind', 'jensenshannon'],
    ['paid', 'jensenshannon'],
  ])
  for (const [at, drift] of drifts.entries()) {
    expect(compared.columns[at]!.value).toBeCloseTo(drift.score, 12)
    expect(compared.columns[at]).toMatchObject({ threshold: drift.threshold, drifted: drift.drifted })
  }
  expect(compared.columns.map(({ drifted }) => drifted)).toEqual([true, false, true, false])
  expect(compared).toMatchObject({ driftedColumns: 2, driftShare: 0.5, datasetDrift: true })
  expect(compared.leftOut).toEqual([{ name: 'at', reason: expect.stringContaining('times') }])
})

test("by the monitors' definitions every column has a PSI in the reference's bins", async () => {
  await using shop = await openDataWorkshop()
  const compared = await shop.step(async ({ tables }) => {
    await makeTables(tables)
    return compareTables(tables, { sides, definitions: 'monitors', columns: ['kind', 'amount'] })
  })
  expect(compared.columns.map(({ name, test: method, threshold }) => [name, method, threshold])).toEqual([
    ['kind', 'psi', 0.2],
    ['amount', 'psi', 0.2],
  ])
  const [kind, amount] = compared.columns
  expect(amount).toMatchObject({ drifted: true })
  expect(amount!.detail!.rates[1]).toMatchObject({ rows: 4000, missingRate: 80 / 4000 })
  expect(kind!.detail!.bins).toEqual({ kind: 'category', categories: expect.arrayContaining(['k0', 'k1', 'k2', 'k3']) })
  expect(kind!.detail!.rates[1].otherRate).toBeCloseTo(0.2, 2)
  expect(compared.leftOut).toEqual([])
})

test('a column where every row differs has the score of its rows too', async () => {
  await using shop = await openDataWorkshop()
  const { compared, drift } = await shop.step(async ({ tables }) => {
    await tables.run('CREATE TABLE was AS SELECT i * 7919 % 50021 / 64.0::DOUBLE AS x FROM range(40000) r(i)')
    await tables.run('CREATE TABLE "is" AS SELECT i * 104729 % 60013 / 64.0::DOUBLE AS x FROM range(45000) r(i)')
    const read = async (view: string) => (await tables.columnar(`SELECT x FROM "${view}"`)).columns.get('x')
    const [before, now] = [await read('was'), await read('is')]
    if (before?.kind !== 'number' || now?.kind !== 'number') throw new Error('not read as numbers')
    const x: Column = { name: 'x', type: 'double' }
    const both = [
      { view: 'was', title: 'was', columns: [x] },
      { view: 'is', title: 'is', columns: [x] },
    ] as const
    return {
      compared: await compareTables(tables, { sides: both, definitions: 'evidently' }),
      drift: evidentlyDrift({ counts: pairCounts(valueCountsOf(before.values), valueCountsOf(now.values)) }),
    }
  })
  expect(drift).toMatchObject({ method: 'wasserstein', drifted: true })
  expect(compared.columns[0]!.value).toBeCloseTo(drift.score, 12)
})

test('what cannot be compared is left out with a reason, and refused when it was asked for', async () => {
  await using shop = await openDataWorkshop()
  await shop.step(async ({ tables }) => {
    await tables.run(
      `CREATE TABLE was AS SELECT 1 AS a, 2 AS b, NULL::DOUBLE AS c, 7 AS d, 1::BIGINT AS n FROM range(9)`,
    )
    await tables.run(`CREATE TABLE "is" AS SELECT 1 AS a, 'x' AS b, 0.5::DOUBLE AS c, 0.5::DOUBLE AS n FROM range(8)`)
    await tables.run('CREATE TABLE none AS SELECT * FROM was WHERE false')
    const integer = (name: string): Column => ({ name, type: 'integer' })
    const was = {
      view: 'was',
      title: 'old.csv',
      columns: [integer('a'), integer('b'), { name: 'c', type: 'double' as const }, integer('d'), integer('n')],
    }
    const is = {
      view: 'is',
      title: 'new.csv',
      columns: [
        integer('a'),
        { name: 'b', type: 'string' as const },
        { name: 'c', type: 'double' as const },
        { name: 'n', type: 'double' as const },
      ],
    }
    const compare = (names?: string[]) =>
      compareTables(tables, { sides: [was, is], definitions: 'evidently', ...(names ? { columns: names } : {}) })
    const compared = await compare()
    expect(compared.columns.map(({ name, test: method, drifted }) => [name, method, drifted])).toEqual([
      ['a', 'z', false],
      ['n', 'z', true],
    ])
    expect(compared.leftOut).toEqual([
      { name: 'b', reason: 'it is integer in old.csv and string in new.csv' },
      { name: 'c', reason: 'old.csv has no value in it' },
      { name: 'd', reason: 'new.csv has no such column' },
    ])
    await expect(compare(['b'])).rejects.toMatchObject({ code: 'comparison_columns_differ' })
    await expect(compare(['c'])).rejects.toThrowError(/"c" cannot be compared: old.csv has no value in it/v)
    await expect(compare(['d'])).rejects.toMatchObject({ code: 'column_not_found' })
    await expect(compare(['a', 'e'])).rejects.toThrowError(
      /old.csv has no column "e": did you mean "a"\? there are a, b, c, d, n/v,
    )
    const none = { ...was, view: 'none', title: 'none.csv' }
    await expect(compareTables(tables, { sides: [was, none], definitions: 'monitors' })).rejects.toMatchObject({
      code: 'comparison_side_empty',
    })
    const onlyB = [
      { ...was, columns: [integer('b')] },
      { ...is, columns: [{ name: 'b', type: 'string' as const }] },
    ] as const
    await expect(compareTables(tables, { sides: onlyB, definitions: 'monitors' })).rejects.toThrowError(
      /no column can be compared: b \(it is integer/v,
    )
  })
})
