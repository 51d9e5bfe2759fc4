// Tables against the real DuckDB: quoting, typed arrays, interruption, and what locked SQL cannot do.
import { mkdtemp, rm, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openLockedTables, openTables } from './tables.ts'
import { literal, quoteName } from './tables-sql.ts'

async function directory(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'trueloop-tables-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
const options = (tempDirectory: string) => ({ memoryLimitBytes: 200_000_000, tempDirectory, threads: 2 })

test('names and values survive quoting, whatever they hold', async () => {
  await using folder = await directory()
  await using tables = await openTables(options(folder.path))
  const nasty = `a"b'; DROP TABLE x; --`
  await tables.run(`CREATE TABLE t AS SELECT ${literal(nasty)} AS ${quoteName(nasty)}, 5 -${literal(-1)} AS six`)
  expect(await tables.rows('FROM t')).toEqual([{ [nasty]: nasty, six: 6 }])
  expect(() => literal('a\0b')).toThrow('NUL')
})

test('rows are JSON: safe integers are numbers, larger ones and moments are text', async () => {
  await using folder = await directory()
  await using tables = await openTables(options(folder.path))
  const [row] = await tables.rows(
    `SELECT 7::BIGINT AS small, 9007199254740993::BIGINT AS large, TIMESTAMP '2001-02-03 04:05:06.5' AS at,
     TIMESTAMPTZ '2001-02-03 04:05:06+02' AS zoned, DATE '2001-02-03' AS day, [1, NULL] AS list, {'a': 1} AS pair, 'nan'::DOUBLE AS nan`,
  )
  expect(row).toEqual({
    small: 7,
    large: '9007199254740993',
    at: '2001-02-03T04:05:06.5Z',
    zoned: '2001-02-03T02:05:06Z',
    day: '2001-02-03',
    list: [1, null],
    pair: { a: 1 },
    nan: 'NaN',
  })
})

test('columns arrive as typed arrays over many chunks, nulls marked, categories sorted', async () => {
  await using folder = await directory()
  await using tables = await openTables(options(folder.path))
  const { rowCount, columns } = await tables.columnar(
    `SELECT CASE WHEN i = 3 THEN NULL ELSE i END AS n, CASE WHEN i = 3 THEN NULL ELSE 'k' || (9 - i % 10) END AS s,
     CASE WHEN i = 3 THEN NULL ELSE make_timestamp(i) END AS t, i % 2 = 0 AS even FROM range(10000) r(i)`,
  )
  expect(rowCount).toBe(10_000)
  const [n, s, t, even] = [...columns.values()]
  if (n?.kind !== 'number' || s?.kind !== 'string' || t?.kind !== 'time' || even?.kind !== 'number')
    throw new Error('kinds')
  expect([n.values[3], n.values[9999], n.values.length]).toEqual([Number.NaN, 9999, 10_000])
  expect(s.categories).toEqual(['k0', 'k1', 'k2', 'k3', 'k4', 'k5', 'k6', 'k7', 'k8', 'k9'])
  expect([s.codes[0], s.codes[3], s.codes[9999]]).toEqual([9, -1, 0])
  expect([t.micros[3], t.micros[9999]]).toEqual([-(2n ** 63n), 9999n])
  expect([even.values[0], even.values[1]]).toEqual([1, 0])
})

test('an abort interrupts the running statement and refuses the next', async () => {
  await using folder = await directory()
  const stop = new AbortController()
  await using tables = await openTables({ ...options(folder.path), signal: stop.signal })
  const running = tables.rows(
    'SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE (a.range * b.range) % 7 = 3',
  )
  setTimeout(() => stop.abort(), 50)
  await expect(running).rejects.toMatchObject({ code: 'tables_interrupted' })
  await expect(tables.rows('SELECT 1')).rejects.toMatchObject({ code: 'tables_interrupted' })
})

test('a statement beyond its memory says so', async () => {
  await using folder = await directory()
  await using tables = await openTables({ memoryLimitBytes: 20_000_000, tempDirectory: folder.path, threads: 1 })
  const heavy = tables.rows("SELECT length(string_agg(repeat(i::VARCHAR, 100), '')) FROM range(3000000) r(i)")
  await expect(heavy).rejects.toMatchObject({ code: 'tables_out_of_memory' })
})

test('SQL of a user sees its rows and nothing else', async () => {
  await using folder = await directory()
  const file = join(folder.path, 'rows.parquet')
  await using tables = await openTables(options(folder.path))
  await tables.run(`COPY (SELECT range AS i FROM range(1000)) TO ${literal(file).slice(1, -1)} (FORMAT parquet)`)
  const limits = { ...options(folder.path), timeLimitMs: 30_000, rowsMax: 100 }
  await using locked = await openLockedTables([file], limits)

  expect(await locked.query('select count(*) as n from data -- a comment')).toEqual([{ n: 1000 }])
  expect(await locked.count('select * from data where i >= 990', 3)).toEqual({
    count: 10,
    sample: [{ i: 990 }, { i: 991 }, { i: 992 }],
  })
  await expect(locked.query('select * from data')).rejects.toMatchObject({ code: 'sql_too_many_rows' })
  await expect(locked.query(`select * from read_text('/etc/passwd')`)).rejects.toMatchObject({ code: 'sql_invalid' })
  await expect(locked.query(`select * from read_parquet('${file}')`)).rejects.toMatchObject({ code: 'sql_invalid' })
  await expect(locked.query('select 1) ; drop table data; select * from (select 1')).rejects.toMatchObject({
    code: 'sql_invalid',
  })
  await expect(locked.query(`select 1); copy data to '${folder.path}/stolen.csv'; select (1`)).rejects.toMatchObject({
    code: 'sql_invalid',
  })
  await expect(locked.query('select nothing from nowhere')).rejects.toMatchObject({ code: 'sql_invalid' })
  const endless = 'select count(*) from range(1000000) a, range(1000000) b where (a.range * b.range) % 7 = 3'
  await using hurried = await openLockedTables([file], { ...limits, timeLimitMs: 2_000 })
  await expect(hurried.query(endless)).rejects.toMatchObject({ code: 'sql_timeout' })
  expect(await hurried.query('select count(*) as n from data')).toEqual([{ n: 1000 }])
  expect((await readdir(folder.path)).filter((name) => name.endsWith('.csv'))).toEqual([])
})
