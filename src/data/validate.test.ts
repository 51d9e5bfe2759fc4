// Every expectation on small tables whose answers are plain to see: counts, nulls dropped first, vacuous truth, samples, problems.
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Tables } from '../platform/tables.ts'
import { ExpectationSuite, expectationText, percentText, type ExpectationSuiteInput } from './expectation.ts'
import type { Column } from './manifest.ts'
import { openDataWorkshop } from './testing.ts'
import { validate } from './validate.ts'
import { assertAccepted, renderValidation, type ValidationResult } from './validation.ts'

const columns: Column[] = [
  { name: 'i', type: 'integer' },
  { name: 'x', type: 'double' },
  { name: 's', type: 'string' },
  { name: 't', type: 'timestamp' },
  { name: 'empty', type: 'double' },
]
const table = `CREATE TABLE t AS SELECT * FROM (VALUES
  (1, 1.0::DOUBLE, 'ann@a.org', TIMESTAMP '2024-01-01 00:00:00', NULL::DOUBLE),
  (2, 'nan'::DOUBLE, 'bob', TIMESTAMP '2024-01-02 00:00:00', NULL),
  (2, 5.0, NULL, NULL, NULL),
  (NULL, NULL, 'ann@a.org', TIMESTAMP '2024-01-05 06:00:00', NULL),
  (-1, 3.0, '', TIMESTAMP '2024-01-04 00:00:00', NULL)) v(i, x, s, t, empty)`

async function check(
  expectations: ExpectationSuiteInput['expectations'],
  { sql = table, nowMs = 0 } = {},
): Promise<ValidationResult> {
  await using shop = await openDataWorkshop()
  return await shop.step(async ({ tables, scratchDirectory }) => {
    await tables.run(sql)
    const file = join(scratchDirectory, 't.parquet')
    await tables.run(`COPY t TO '${file}' (FORMAT parquet)`)
    return validate(tables, {
      table: 't',
      columns,
      suite: ExpectationSuite.parse({ name: 'suite', expectations }),
      nowMs,
      files: [file],
    })
  })
}
const told = async (...given: Parameters<typeof check>): Promise<unknown[]> =>
  (await check(...given)).results.map(({ success, counts, observed, problem }) =>
    problem === undefined
      ? [success, ...(counts ? [counts.considered, counts.missing, counts.unexpected] : [observed])]
      : problem,
  )

test('statements about rows: nulls and NaN are dropped first, then what fails is counted', async () => {
  const result = await told([
    { type: 'not_null', column: 'i' },
    { type: 'not_null', column: 'x', mostly: 0.6 },
    { type: 'unique', columns: ['i'] },
    { type: 'unique', columns: ['i', 's'] },
    { type: 'in_set', column: 's', values: ['bob', ''] },
    { type: 'in_set', column: 'i', values: [] },
    { type: 'between', column: 'i', min: 1, max: 2 },
    { type: 'between', column: 'i', min: 1, strictMin: true },
    { type: 'between', column: 'x', max: 4 },
    { type: 'between', column: 't', min: '2024-01-02', max: '2024-01-05T06:00:00Z' },
    { type: 'between', column: 's', min: 'a' },
    { type: 'regex', column: 's', pattern: '@' },
  ])
  expect(result).toEqual([
    [false, 5, 0, 1],
    [true, 5, 0, 2],
    [false, 4, 1, 2],
    [true, 5, 0, 0],
    [false, 4, 1, 2],
    [false, 4, 1, 4],
    [false, 4, 1, 1],
    [false, 4, 1, 2],
    [false, 3, 2, 1],
    [false, 4, 1, 1],
    [false, 4, 1, 1],
    [false, 4, 1, 2],
  ])
})

test('pairs: which rows count is said, and a missing side fails where the row counts', async () => {
  const pair = { type: 'pair' as const, left: 'i', operator: 'less_or_equal' as const, right: 'x' }
  expect(await told([pair, { ...pair, ignoreMissing: 'either' }, { ...pair, ignoreMissing: 'none' }])).toEqual([
    [false, 4, 1, 1],
    [true, 3, 2, 0],
    [false, 5, 0, 2],
  ])
})

test('statements about the table', async () => {
  const day = 86_400_000
  const nowMs = Date.parse('2024-01-06T06:00:00Z')
  const result = await told(
    [
      { type: 'column_exists', column: 'i' },
      { type: 'column_exists', column: 'nope' },
      { type: 'column_type', column: 'i', columnType: 'double' },
      { type: 'row_count_between', min: 5, max: 5 },
      { type: 'row_count_between', max: 4 },
      { type: 'distinct_count_between', column: 's', min: 3, max: 3 },
      { type: 'mean_between', column: 'x', min: 3, max: 3 },
      { type: 'quantile_between', column: 'i', quantile: 0.5, min: 1, max: 2 },
      { type: 'freshness', column: 't', maxAgeMs: day },
      { type: 'freshness', column: 't', maxAgeMs: day - 1 },
    ],
    { nowMs },
  )
  expect(result).toEqual([
    [true, 'integer'],
    [false, 'absent'],
    [false, 'integer'],
    [true, 5],
    [false, 5],
    [true, 3],
    [true, 3],
    [true, 2],
    [true, '2024-01-05T06:00:00.000Z'],
    [false, '2024-01-05T06:00:00.000Z'],
  ])
})

test('a quantile is the value at the nearest rank, half-way ranks going to the even one', async () => {
  await using shop = await openDataWorkshop()
  const quantileOf = async (tables: Tables, count: number, quantile: number): Promise<unknown> => {
    await tables.run(`CREATE OR REPLACE TABLE q AS SELECT i::BIGINT AS i FROM range(${count}) r(i)`)
    const suite = ExpectationSuite.parse({
      name: 'q',
      expectations: [{ type: 'quantile_between', column: 'i', quantile }],
    })
    const { results } = await validate(tables, {
      table: 'q',
      columns: [{ name: 'i', type: 'integer' }],
      suite,
      nowMs: 0,
      files: [],
    })
    return results[0]!.observed
  }
  const observed = await shop.step(async ({ tables }) => {
    const values: unknown[] = []
    // NumPy: np.quantile(np.arange(n), q, method='nearest'), virtual indices 0.5, 1.5, 2.5, 24.75, 0, 99.
    for (const [count, quantile] of [
      [2, 0.5],
      [4, 0.5],
      [6, 0.5],
      [100, 0.25],
      [1, 0.9],
      [100, 1],
    ] as const)
      values.push(await quantileOf(tables, count, quantile))
    return values
  })
  expect(observed).toEqual([0, 2, 2, 25, 0, 99])
})

test('what there is nothing to say about is true of rows and false of measures', async () => {
  const vacuous: ExpectationSuiteInput['expectations'] = [
    { type: 'between', column: 'empty', min: 5 },
    { type: 'unique', columns: ['empty'] },
    { type: 'mean_between', column: 'empty' },
    { type: 'quantile_between', column: 'empty', quantile: 0.5 },
    { type: 'distinct_count_between', column: 'empty', max: 0 },
  ]
  const expected = [
    [true, 0, 5, 0],
    [true, 0, 5, 0],
    [false, null],
    [false, null],
    [true, 0],
  ]
  expect(await told(vacuous)).toEqual(expected)
  const none = await check(vacuous, { sql: `${table}; DELETE FROM t` })
  expect(none.results.map(({ success }) => success)).toEqual([true, true, false, false, true])
  expect(none.success).toBe(false)
})

test('SQL of a user sees a copy of the rows as data, and what it gives are the rows that fail', async () => {
  const { results, success } = await check([
    { type: 'custom_sql', sql: 'select * from data where i = 2', severity: 'warning' },
    { type: 'custom_sql', sql: 'select * from data where i > 10' },
    { type: 'custom_sql', sql: 'select * from t', severity: 'warning' },
    { type: 'custom_sql', sql: `select * from read_text('/etc/hostname')`, severity: 'warning' },
  ])
  expect(results.map((result) => result.success)).toEqual([false, true, false, false])
  expect(results[0]).toMatchObject({ observed: 2, sample: [{ i: 2 }, { i: 2 }] })
  expect(results[2]!.problem).toMatch(/does not run/v)
  expect(results[3]!.problem).toMatch(/disabled by configuration/v)
  expect(success).toBe(true)
})

test('a failed expectation shows at most 20 rows, its own columns first', async () => {
  const sql =
    'CREATE TABLE t AS SELECT r AS i, r::DOUBLE AS x, NULL::VARCHAR AS s, NULL::TIMESTAMP AS t, NULL::DOUBLE AS empty FROM range(100) q(r)'
  const { results } = await check(
    [
      { type: 'between', column: 'x', min: 50 },
      { type: 'unique', columns: ['s'] },
    ],
    { sql },
  )
  expect(results[0]!.sample).toHaveLength(20)
  expect(Object.keys(results[0]!.sample[0]!)).toEqual(['x', 'i', 's', 't', 'empty'])
  expect(results[1]!.sample).toEqual([])
})

test('duplicated rows are all shown, rows with nulls in a composite key among them', async () => {
  const sql = `CREATE TABLE t AS SELECT * FROM (VALUES (1, NULL), (1, NULL), (2, 'a'), (NULL, NULL), (NULL, NULL)) v(i, s)`
  await using shop = await openDataWorkshop()
  const suite = ExpectationSuite.parse({ name: 'u', expectations: [{ type: 'unique', columns: ['i', 's'] }] })
  const result = await shop.step(async ({ tables }) => {
    await tables.run(sql)
    return validate(tables, {
      table: 't',
      columns: [
        { name: 'i', type: 'integer' },
        { name: 's', type: 'string' },
      ],
      suite,
      nowMs: 0,
      files: [],
    })
  })
  expect(result.results[0]).toMatchObject({
    counts: { considered: 3, missing: 2, unexpected: 2 },
    sample: [
      { i: 1, s: null },
      { i: 1, s: null },
    ],
  })
})

test('a column that is not there or of the wrong type is a failure that says so; a wrong pattern is an error', async () => {
  const problems = await told([
    { type: 'not_null', column: 'nope' },
    { type: 'regex', column: 'i', pattern: 'a' },
    { type: 'mean_between', column: 's', min: 0 },
    { type: 'between', column: 'i', min: 'a' },
    { type: 'between', column: 't', min: 'tomorrow' },
    { type: 'in_set', column: 'x', values: ['1'] },
    { type: 'pair', left: 'i', operator: 'equal', right: 's' },
    { type: 'freshness', column: 'i', maxAgeMs: 1 },
  ])
  expect(problems.map((problem) => typeof problem)).toEqual(Array.from({ length: 8 }, () => 'string'))
  expect(problems[0]).toBe('the table has no column "nope": it has i, x, s, t, empty')
  await expect(check([{ type: 'regex', column: 's', pattern: '(?=a)' }])).rejects.toMatchObject({
    code: 'regex_invalid',
  })
})

test('a result reads well, and a critical failure becomes an error with its numbers', async () => {
  const result = await check([
    { type: 'not_null', column: 'i' },
    { type: 'between', column: 'i', min: 0, severity: 'warning' },
    { type: 'row_count_between', min: 1 },
  ])
  expect(renderValidation(result)).toBe(`FAILED: suite "suite", 1 of 3 expectations hold, 5 rows
  FAIL critical   i is not null: 1 of 5 rows fail (20 %)
         i=null  x=null  s=ann@a.org  t=2024-01-05T06:00:00Z  empty=null
  FAIL warning    i is >= 0: 1 of 4 rows fail (25 %)
         i=-1  x=3  s=  t=2024-01-04T00:00:00Z  empty=null
  ok   critical   the number of rows is >= 1: it is 5
`)
  expect(() => assertAccepted(result)).toThrow(
    '1 critical expectation of suite "suite" failed: i is not null: 1 of 5 rows fail (20 %)',
  )
  expect(percentText(0.000004)).toBe('0.0004 %')
  expect(expectationText({ type: 'not_null', column: 'i', mostly: 0.99, severity: 'warning' })).toBe(
    'i is not null in 99 % of the rows',
  )
})
