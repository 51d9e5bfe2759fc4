// Ingest on real files: what is stored again, what appending stores, and that files and order do not matter.
import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { ExpectationSuiteInput } from './expectation.ts'
import { ExpectationSuite } from './expectation.ts'
import { ingest, type IngestInput, type IngestOutput } from './ingest.ts'
import { openVersion, readColumns } from './select.ts'
import { Schema, Source, type SourceInput } from './source.ts'
import { openDataWorkshop, type DataWorkshop } from './testing.ts'

const vega = join(import.meta.dirname, '../../node_modules/vega-datasets/data')
const file = (...paths: string[]): SourceInput => ({ kind: 'file', paths })

type Given = Partial<Omit<IngestInput, 'source' | 'expectations'>> & { expectations?: ExpectationSuiteInput }
const run = (shop: DataWorkshop, source: SourceInput, { expectations, ...given }: Given = {}): Promise<IngestOutput> =>
  shop.step((deps) =>
    ingest(deps, {
      source: Source.parse(source),
      nowMs: 0,
      ...given,
      ...(expectations ? { expectations: ExpectationSuite.parse(expectations) } : {}),
    }),
  )

/** 200,000 events in a Parquet file made by SQL, so that there are several parts. */
async function events(shop: DataWorkshop, name: string, { where = 'true', order = 'i' } = {}): Promise<string> {
  const path = join(shop.folder, name)
  await shop.step(({ tables }) =>
    tables.run(
      `COPY (SELECT TIMESTAMP '2024-01-01' + to_seconds(i * 37 + i % 11) AS at, i AS id, 'k' || i % 97 AS kind, (i * 7919) % 1000 / 8 AS x
       FROM range(200000) r(i) WHERE ${where} ORDER BY ${order}) TO '${path}' (FORMAT parquet)`,
    ),
  )
  return path
}

const allRows = (shop: DataWorkshop, { manifest }: IngestOutput): Promise<unknown> =>
  shop.step(async (deps) => {
    await openVersion(deps, { manifest, view: 'v' })
    return deps.tables.rows('SELECT count(*) AS n, sum(id) AS ids, sum(x) AS x FROM v')
  })

test('the same rows again, in another order and from several files, store nothing and have the same digest', async () => {
  await using shop = await openDataWorkshop()
  const first = await run(shop, file(await events(shop, 'all.parquet')), { timeColumn: 'at', keyColumns: ['id'] })
  expect(first).toMatchObject({ readRows: 200_000, manifest: { rows: 200_000 } })
  expect(first.manifest.parts.length).toBeGreaterThan(1)
  expect(first.storedParts).toBe(first.manifest.parts.length)

  await events(shop, 'half-1.parquet', { where: 'i % 2 = 1', order: 'i DESC' })
  await events(shop, 'half-2.parquet', { where: 'i % 2 = 0', order: 'x' })
  const again = await run(shop, file(join(shop.folder, 'half-*.parquet')), {
    timeColumn: 'at',
    keyColumns: ['id'],
    previous: first.manifest,
  })
  expect(again).toMatchObject({ storedParts: 0, storedBytes: 0, digest: first.digest, manifest: first.manifest })
})

test('appended rows store new parts only, and the version is the one that reading everything makes', async () => {
  await using shop = await openDataWorkshop()
  const shape = { timeColumn: 'at', keyColumns: ['id'] }
  const base = await run(shop, file(await events(shop, 'base.parquet', { where: 'i < 190000' })), shape)
  const tail = await events(shop, 'tail.parquet', { where: 'i >= 190000' })
  const appended = await run(shop, file(tail), { ...shape, previous: base.manifest, mode: 'append' })
  const whole = await run(shop, file(await events(shop, 'whole.parquet')), { ...shape, previous: base.manifest })

  expect(appended.manifest.rows).toBe(200_000)
  expect(appended.digest).toBe(whole.digest)
  expect(appended.profile).toMatchObject({ rows: 200_000 })
  const before = new Set(base.manifest.parts.map((part) => part.digest))
  expect(appended.manifest.parts.filter((part) => before.has(part.digest))).toHaveLength(base.manifest.parts.length - 1)
  expect(appended.storedParts).toBe(appended.manifest.parts.length - base.manifest.parts.length + 1)
  expect(await allRows(shop, appended)).toEqual([{ n: 200_000, ids: 19_999_900_000, x: 12_487_500 }])
})

test('late rows in the middle change the parts of their time only', async () => {
  await using shop = await openDataWorkshop()
  const shape = { timeColumn: 'at', keyColumns: ['id'] }
  const base = await run(
    shop,
    file(await events(shop, 'base.parquet', { where: 'i NOT BETWEEN 100000 AND 100050' })),
    shape,
  )
  const late = await events(shop, 'late.parquet', { where: 'i BETWEEN 100000 AND 100050' })
  const appended = await run(shop, file(late), { ...shape, previous: base.manifest, mode: 'append' })
  const whole = await run(shop, file(await events(shop, 'whole.parquet')), { ...shape, previous: base.manifest })
  expect(appended.digest).toBe(whole.digest)
  expect(appended.storedParts).toBeLessThanOrEqual(2)
})

test('without time and key the order of the source is kept, and appending adds to the end', async () => {
  await using shop = await openDataWorkshop()
  const base = await run(shop, file(await events(shop, 'base.parquet', { where: 'i < 150000', order: 'i DESC' })))
  const tail = await events(shop, 'tail.parquet', { where: 'i >= 150000' })
  const appended = await run(shop, file(tail), { previous: base.manifest, mode: 'append' })
  expect(appended.manifest.rows).toBe(200_000)
  const ids = await shop.step(async (deps) => {
    await openVersion(deps, { manifest: appended.manifest, view: 'v' })
    return readColumns(deps.tables, { view: 'v', columns: [{ name: 'id', type: 'integer' }] })
  })
  const id = ids.columns.get('id')
  if (id?.kind !== 'number') throw new Error('kind')
  expect([id.values[0], id.values[149_999], id.values[150_000], id.values[199_999]]).toEqual([
    149_999, 0, 150_000, 199_999,
  ])
})

test('a changed value is another version, an equal one in another type of file is not', async () => {
  await using shop = await openDataWorkshop()
  const path = (name: string): string => join(shop.folder, name)
  await writeFile(path('a.csv'), 'id,name,x\n1,"a|b",0.5\n2,,1\n3,"1:~",-0.25\n')
  await writeFile(
    path('a.ndjson'),
    '{"id":1,"name":"a|b","x":0.5}\n{"id":2,"name":null,"x":1}\n{"id":3,"name":"1:~","x":-0.25}\n',
  )
  await writeFile(path('a.json'), '[{"id":3,"name":"1:~","x":-0.25},{"id":1,"name":"a|b","x":0.5},{"id":2,"x":1}]')
  await writeFile(path('b.csv'), 'id,name,x\n1,"a|b",0.5\n2,~,1\n3,"1:~",-0.25\n')
  const key = { keyColumns: ['id'] }
  const csv = await run(shop, file(path('a.csv')), key)
  expect(csv.manifest.columns).toEqual([
    { name: 'id', type: 'integer' },
    { name: 'name', type: 'string' },
    { name: 'x', type: 'double' },
  ])
  expect((await run(shop, file(path('a.ndjson')), key)).digest).toBe(csv.digest)
  expect((await run(shop, file(path('a.json')), key)).digest).toBe(csv.digest)
  expect((await run(shop, file(path('b.csv')), key)).digest).not.toBe(csv.digest)
})

test('naive times are UTC unless a zone is named, offsets count, numbers since 1970 can be moments', async () => {
  await using shop = await openDataWorkshop()
  const path = join(shop.folder, 't.csv')
  await writeFile(path, 'naive,zoned,epoch\n2024-07-01 12:00:00,2024-07-01 12:00:00+02:00,1719835200.5\n')
  const at = async (schema: Schema): Promise<unknown> => {
    const { manifest } = await run(shop, file(path), { schema })
    return shop.step(async (deps) => {
      await openVersion(deps, { manifest, view: 'v' })
      return (await deps.tables.rows('FROM v'))[0]
    })
  }
  const columns = { epoch: 'timestamp_s' as const }
  const noon = { zoned: '2024-07-01T10:00:00Z', epoch: '2024-07-01T12:00:00.5Z' }
  expect(await at(Schema.parse({ columns }))).toEqual({ naive: '2024-07-01T12:00:00Z', ...noon })
  expect(await at(Schema.parse({ columns, zone: 'Europe/Berlin' }))).toEqual({ naive: '2024-07-01T10:00:00Z', ...noon })
  // Said to be a time stamp, a text keeps its offset.
  const said = Schema.parse({ columns: { ...columns, zoned: 'timestamp', naive: 'timestamp' }, zone: 'Europe/Berlin' })
  expect(await at(said)).toEqual({ naive: '2024-07-01T10:00:00Z', ...noon })
  await expect(at(Schema.parse({ zone: 'Mars/Base' }))).rejects.toMatchObject({ code: 'zone_unknown' })
  await expect(at(Schema.parse({ columns: { nope: 'string' } }))).rejects.toMatchObject({ code: 'column_not_found' })
})

test('types can be said, columns chosen, and what nests is kept as JSON text', async () => {
  await using shop = await openDataWorkshop()
  const csv = join(shop.folder, 'zip.csv')
  await writeFile(csv, 'zip;n\n00501;1\n10115;2\n')
  const schema = Schema.parse({ columns: { zip: 'string', n: 'double' }, select: ['n', 'zip'] })
  const { manifest, profile } = await run(shop, file(csv), { schema })
  expect(manifest.columns).toEqual([
    { name: 'n', type: 'double' },
    { name: 'zip', type: 'string' },
  ])
  expect(profile.columns[1]).toMatchObject({ min: '00501' })

  const json = join(shop.folder, 'nested.json')
  await writeFile(json, '[{"a":{"b":[1,{"c":2}]},"t":"2024-01-02T03:04:05Z"},{"a":5,"t":null}]')
  const nested = await run(shop, file(json))
  expect(nested.manifest.columns.map(({ type }) => type)).toEqual(['string', 'timestamp'])
  expect(nested.profile.columns[0]).toMatchObject({ distinct: 2, max: '{"b":[1,{"c":2}]}' })
})

test('rows that a quarantine expectation refuses are set aside with the reason, and the rest goes on', async () => {
  await using shop = await openDataWorkshop()
  const source = file(join(vega, 'flights-10k.json'))
  const expectations: ExpectationSuiteInput = {
    name: 'flights',
    expectations: [
      { type: 'row_count_between', min: 9_000 },
      { type: 'between', column: 'delay', min: -60, max: 400, severity: 'quarantine' },
      { type: 'in_set', column: 'origin', values: ['XXX'], severity: 'warning' },
      { type: 'pair', left: 'origin', operator: 'not_equal', right: 'destination', severity: 'quarantine' },
    ],
  }
  const raw = await run(shop, source)
  const out = await run(shop, source, {
    expectations,
    schema: Schema.parse({ columns: { date: 'timestamp' } }),
    timeColumn: 'date',
  })
  const { quarantine, manifest, validation } = out
  if (!quarantine) throw new Error('nothing was set aside')
  expect(raw.manifest.rows).toBe(10_000)
  expect(manifest.rows + quarantine.rows).toBe(10_000)
  expect(quarantine.columns.at(-1)).toEqual({ name: 'quarantined_by', type: 'string' })
  expect(validation).toMatchObject({ success: true, rows: 10_000, quarantinedRows: quarantine.rows })
  expect(validation.results.map(({ success }) => success)).toEqual([true, false, false, true])
  expect(validation.results[1]!.counts!.unexpected).toBe(quarantine.rows)
  expect(validation.results[1]!.sample[0]).toHaveProperty('delay')
  const reasons = await shop.step(async (deps) => {
    await openVersion(deps, { manifest: quarantine, view: 'q' })
    return deps.tables.rows(
      'SELECT DISTINCT quarantined_by AS why, count(*) FILTER (WHERE delay BETWEEN -60 AND 400) AS good FROM q GROUP BY 1',
    )
  })
  expect(reasons).toEqual([{ why: 'delay is between -60 and 400', good: 0 }])
})

test('a link and a glob are followed, a file outside of the roots is refused', async () => {
  await using shop = await openDataWorkshop()
  const odd = join(shop.folder, "it's [odd].csv")
  await copyFile(join(vega, 'airports.csv'), odd)
  expect((await run(shop, file(odd))).manifest.rows).toBeGreaterThan(3_000)
  const outside = shop.step(
    (deps) => ingest(deps, { source: Source.parse(file(join(vega, 'airports.csv'))), nowMs: 0 }),
    { fileRoots: [shop.folder] },
  )
  await expect(outside).rejects.toMatchObject({ code: 'source_forbidden', kind: 'forbidden' })
})

test('only rows with the same columns can be appended', async () => {
  await using shop = await openDataWorkshop()
  const path = join(shop.folder, 'a.csv')
  await writeFile(path, 'a,b\n1,x\n')
  const base = await run(shop, file(path))
  await writeFile(path, 'a,b\n1.5,x\n')
  await expect(run(shop, file(path), { previous: base.manifest, mode: 'append' })).rejects.toMatchObject({
    code: 'columns_differ',
  })
  await expect(run(shop, file(path), { timeColumn: 'b' })).rejects.toMatchObject({ code: 'time_column_type' })
})
