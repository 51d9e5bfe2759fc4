// Files as bad as they come: each must end in an error that says what, where and what to do, and never in a crash.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import type { DomainError } from '../platform/errors.ts'
import { ingest } from './ingest.ts'
import { Schema, Source, type SourceInput } from './source.ts'
import { openDataWorkshop, type DataWorkshop } from './testing.ts'

const good = '1,2,3\n'.repeat(50)

async function failure(
  shop: DataWorkshop,
  {
    name,
    content,
    ...more
  }: { name: string; content?: string | Uint8Array; source?: Partial<SourceInput>; schema?: Schema },
): Promise<DomainError> {
  const path = join(shop.folder, name)
  if (content !== undefined) await writeFile(path, content)
  const source = Source.parse({ kind: 'file', paths: [path], ...more.source })
  const error: unknown = await shop
    .step((deps) => ingest(deps, { source, nowMs: 0, ...(more.schema ? { schema: more.schema } : {}) }))
    .catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ name: 'DomainError' })
  return error as DomainError
}

test('a CSV with ragged rows names the lines', async () => {
  await using shop = await openDataWorkshop()
  const error = await failure(shop, { name: 'ragged.csv', content: `a,b,c\n1,2,3\n4,5\n6,7,8,9\n${good}` })
  expect(error).toMatchObject({ kind: 'invalid', code: 'csv_malformed' })
  expect(error.message).toMatch(/ragged\.csv" has 2 bad lines \(3, 4\)/v)
  expect(error.detail).toMatchObject({
    count: 2,
    samples: [
      { line: 3, text: '4,5' },
      { line: 4, text: '6,7,8,9' },
    ],
  })
})

test('a value that does not fit the type of its column names the line and the column, and a text type takes it', async () => {
  await using shop = await openDataWorkshop()
  const content = `a,b\n${'1,2\n'.repeat(150_000)}x,2\n`
  const error = await failure(shop, { name: 'mixed.csv', content })
  expect(error).toMatchObject({
    code: 'csv_value_type',
    detail: { column: 'a', samples: [{ line: 150_002, text: 'x,2' }] },
  })
  expect(error.message).toMatch(/set the type of column "a" to string/v)
  const path = join(shop.folder, 'mixed.csv')
  const source = Source.parse({ kind: 'file', paths: [path] })
  const schema = Schema.parse({ columns: { a: 'string' } })
  const taken = await shop.step((deps) => ingest(deps, { source, schema, nowMs: 0 }))
  expect(taken.manifest).toMatchObject({
    rows: 150_001,
    columns: [
      { name: 'a', type: 'string' },
      { name: 'b', type: 'integer' },
    ],
  })
})

test('a fraction in a column of whole numbers is told and never rounded, found late or not', async () => {
  await using shop = await openDataWorkshop()
  const late = await failure(shop, { name: 'late.csv', content: `a,b\n${'1,2\n'.repeat(150_000)}4.5,2\n` })
  expect(late).toMatchObject({ code: 'value_not_of_type', detail: { column: 'a', samples: [{ value: '4.5' }] } })
  expect(late.message).toMatch(
    /cannot be read as integer: row 150001 of .+ holds "4\.5"; mend it, or set the type to double/v,
  )
  const lines = `${'{"a":1}\n'.repeat(150_000)}{"a":4.5}\n`
  expect(await failure(shop, { name: 'late.ndjson', content: lines })).toMatchObject({ code: 'value_not_of_type' })
  const path = join(shop.folder, 'said.csv')
  const source = Source.parse({ kind: 'file', paths: [path] })
  const read = async (content: string): Promise<unknown> => {
    await writeFile(path, content)
    const schema = Schema.parse({ columns: { a: 'integer' } })
    const { profile } = await shop.step((deps) => ingest(deps, { source, schema, nowMs: 0 }))
    return [profile.columns[0]?.min, profile.columns[0]?.max]
  }
  await expect(read('a\n4.5\n')).rejects.toMatchObject({ code: 'value_not_of_type' })
  expect(await read('a\n3.0\n1e3\n\n')).toEqual([3, 1000])
})

test('an instant that is none is told and never missing, found late or not', async () => {
  await using shop = await openDataWorkshop()
  const day = '2024-01-01T00:00:00+02:00\n'
  const late = await failure(shop, { name: 'instants.csv', content: `at\n${day.repeat(150_000)}soon\n` })
  expect(late).toMatchObject({ code: 'value_not_of_type', detail: { column: 'at', samples: [{ value: 'soon' }] } })
  const schema = Schema.parse({ columns: { at: 'timestamp' } })
  const said = await failure(shop, { name: 'said.csv', content: `at,n\nsoon,1\n${day.trim()},2\n`, schema })
  expect(said.message).toMatch(/cannot be read as timestamp: row 1 of .+ holds "soon"/v)
})

test('a time of day among days, or an offset among times without one, is told when it comes late', async () => {
  await using shop = await openDataWorkshop()
  const days = (text: string): string => `at\n${'2024-01-01\n'.repeat(150_000)}${text}\n`
  const late = await failure(shop, { name: 'days.csv', content: days('2024-01-02 05:00:00') })
  expect(late).toMatchObject({ code: 'value_not_of_type', detail: { samples: [{ value: '2024-01-02 05:00:00' }] } })
  expect(late.message).toMatch(/cannot be read as date: row 150001 .+ or set the type to timestamp or string/v)
  const moments = `at\n${'2024-01-01 10:00:00\n'.repeat(150_000)}2024-01-01 10:00:00+02:00\n`
  expect(await failure(shop, { name: 'moments.csv', content: moments })).toMatchObject({
    code: 'value_not_of_type',
    detail: { column: 'at' },
  })
  for (const [first, then] of [
    ['2024-01-01', '2024-01-02 05:00:00'],
    ['2024-01-01 10:00:00', '2024-01-01 10:00:00+02:00'],
  ]) {
    const content = `${`{"at":"${first}"}\n`.repeat(150_000)}{"at":"${then}"}\n`
    expect(await failure(shop, { name: 'moments.ndjson', content })).toMatchObject({ code: 'json_malformed' })
  }
  const source = Source.parse({ kind: 'file', paths: [join(shop.folder, 'days.csv')] })
  const schema = Schema.parse({ columns: { at: 'timestamp' } })
  const { profile } = await shop.step((deps) => ingest(deps, { source, schema, nowMs: 0 }))
  expect(profile.columns[0]).toMatchObject({ max: '2024-01-02T05:00:00Z' })
})

test('Latin-1 read as UTF-8 is told, and read when it is said', async () => {
  await using shop = await openDataWorkshop()
  const content = Buffer.from(`city,n\nM\u00fcnchen,2\n${'Bonn,3\n'.repeat(40)}`, 'latin1')
  const error = await failure(shop, { name: 'latin.csv', content })
  expect(error).toMatchObject({ code: 'csv_encoding', detail: { samples: [{ line: 2 }] } })
  expect(error.message).toMatch(/csv\.encoding/v)
  const source = Source.parse({ kind: 'file', paths: [join(shop.folder, 'latin.csv')], csv: { encoding: 'latin-1' } })
  const { profile } = await shop.step((deps) => ingest(deps, { source, nowMs: 0 }))
  expect(profile.columns[0]).toMatchObject({ max: 'M\u00fcnchen' })
})

test('an empty file is told in any format', async () => {
  await using shop = await openDataWorkshop()
  for (const name of ['e.csv', 'e.json', 'e.ndjson', 'e.parquet']) {
    expect(await failure(shop, { name, content: '' })).toMatchObject({ code: 'source_empty' })
  }
})

test('a Parquet file that was cut short, is damaged or is none is told', async () => {
  await using shop = await openDataWorkshop()
  const path = join(shop.folder, 'whole.parquet')
  await shop.step(({ tables }) =>
    tables.run(`COPY (SELECT i, md5(i::VARCHAR) AS m FROM range(100000) r(i)) TO '${path}' (FORMAT parquet)`),
  )
  const bytes = await readFile(path)
  const cut = await failure(shop, { name: 'cut.parquet', content: bytes.subarray(0, bytes.length / 2) })
  expect(cut).toMatchObject({ code: 'parquet_invalid' })
  expect(cut.message).toMatch(/cut short/v)
  const damaged = Buffer.from(bytes)
  damaged.fill(0x5a, bytes.length - 400, bytes.length - 8)
  expect(await failure(shop, { name: 'damaged.parquet', content: damaged })).toMatchObject({ code: 'parquet_invalid' })
  expect(await failure(shop, { name: 'none.parquet', content: 'a,b\n1,2\n' })).toMatchObject({
    code: 'parquet_invalid',
  })
})

test('a missing file, an unmatched glob, a folder and an unknown format are told', async () => {
  await using shop = await openDataWorkshop()
  expect(await failure(shop, { name: 'missing.csv' })).toMatchObject({ kind: 'not_found', code: 'source_not_found' })
  const glob = await failure(shop, { name: 'no-*.csv' })
  expect(glob).toMatchObject({ kind: 'not_found', code: 'source_not_found' })
  expect(glob.message).toMatch(/no file matches/v)
  expect(await failure(shop, { name: '.' })).toMatchObject({ code: 'source_not_found' })
  expect(await failure(shop, { name: 'rows.xyz', content: 'a' })).toMatchObject({ code: 'source_format' })
})

test('JSON nested 10,000 deep is refused before DuckDB sees it, compressed too', async () => {
  await using shop = await openDataWorkshop()
  const deep = `[\n{"s":"[[[\\"","a":${'['.repeat(10_000)}${']'.repeat(10_000)}}]`
  const error = await failure(shop, { name: 'deep.json', content: deep })
  expect(error).toMatchObject({ code: 'json_too_deep', detail: { line: 2 } })
  expect(await failure(shop, { name: 'deep.json.gz', content: gzipSync(deep) })).toMatchObject({
    code: 'json_too_deep',
  })
  const objects = `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}\n`
  expect(await failure(shop, { name: 'deep.ndjson', content: `{"a":1}\n${objects}` })).toMatchObject({
    code: 'json_too_deep',
    detail: { line: 2 },
  })
})

test('broken JSON and JSON of another type than asked for are told', async () => {
  await using shop = await openDataWorkshop()
  expect(await failure(shop, { name: 'half.json', content: '[{"a":1},{"a":2' })).toMatchObject({
    code: 'json_malformed',
  })
  expect(await failure(shop, { name: 'line.ndjson', content: '{"a":1}\n{"a":\n{"a":3}\n' })).toMatchObject({
    code: 'json_malformed',
  })
  const schema = Schema.parse({ columns: { a: 'integer' } })
  const error = await failure(shop, { name: 'text.json', content: '[{"a":1},{"a":"x"}]', schema })
  expect(['json_malformed', 'value_not_of_type']).toContain(error.code)
  expect(error.message).toMatch(/text\.json/v)
})

test('a Parquet value that a named type cannot hold is told with its row', async () => {
  await using shop = await openDataWorkshop()
  const path = join(shop.folder, 'words.parquet')
  await shop.step(({ tables }) =>
    tables.run(
      `COPY (SELECT CASE WHEN i = 700 THEN 'many' ELSE i::VARCHAR END AS n FROM range(1000) r(i)) TO '${path}' (FORMAT parquet)`,
    ),
  )
  const error = await failure(shop, { name: 'words.parquet', schema: Schema.parse({ columns: { n: 'integer' } }) })
  expect(error).toMatchObject({
    code: 'value_not_of_type',
    detail: { column: 'n', samples: [{ row: 701, value: 'many' }] },
  })
})

test('files of one glob with different columns are told', async () => {
  await using shop = await openDataWorkshop()
  await writeFile(join(shop.folder, 'd1.csv'), 'a,b\n1,2\n')
  await writeFile(join(shop.folder, 'd2.csv'), 'a,c,d\n1,2,3\n')
  expect(await failure(shop, { name: 'd*.csv' })).toMatchObject({ code: 'source_files_differ' })
})
