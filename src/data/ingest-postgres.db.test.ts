// A PostgreSQL query as a source, on the real server of the test run; on SQLite there is nothing to test.
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { on, openDatabase } from '../platform/database.ts'
import { testDatabaseKind } from '../platform/testing.ts'
import { ingest, type IngestOutput } from './ingest.ts'
import { openVersion } from './select.ts'
import { Schema, Source } from './source.ts'
import { openDataWorkshop, type DataWorkshop } from './testing.ts'

// oxlint-disable-next-line no-restricted-properties -- the test run says here where its PostgreSQL is
const url = process.env['TRUELOOP_TEST_POSTGRES'] ?? ''

const run = (shop: DataWorkshop, query: string, zone = 'UTC'): Promise<IngestOutput> =>
  shop.step(
    (deps) =>
      ingest(deps, {
        source: Source.parse({ kind: 'postgres', connection: 'shop', query }),
        schema: Schema.parse({ zone }),
        nowMs: 0,
      }),
    { connections: { shop: url } },
  )

describe.skipIf(testDatabaseKind === 'sqlite')('a PostgreSQL query', () => {
  test('keeps types, nulls, empty texts, quotes and moments', async () => {
    await using shop = await openDataWorkshop()
    const query = `select * from (values
      (1::int, 1.5::numeric, 'a,"b"'::text, true, timestamp '2024-07-01 12:00:00.25', timestamptz '2024-07-01 12:00:00+02', date '2024-02-29'),
      (2, null, '', false, null, null, null),
      (null, 'NaN', null, null, null, null, null),
      (3, 3, E'two\\nlines', true, null, null, null)) v(i, n, s, b, at, zoned, day)`
    const { manifest } = await run(shop, query, 'Europe/Berlin')
    expect(manifest.columns.map(({ type }) => type)).toEqual([
      'integer',
      'double',
      'string',
      'boolean',
      'timestamp',
      'timestamp',
      'date',
    ])
    const rows = await shop.step(async (deps) => {
      await openVersion(deps, { manifest, view: 'v' })
      return deps.tables.rows('FROM v')
    })
    expect(rows).toEqual([
      {
        i: 1,
        n: 1.5,
        s: 'a,"b"',
        b: true,
        at: '2024-07-01T10:00:00.25Z',
        zoned: '2024-07-01T10:00:00Z',
        day: '2024-02-29',
      },
      { i: 2, n: null, s: '', b: false, at: null, zoned: null, day: null },
      { i: null, n: 'NaN', s: null, b: null, at: null, zoned: null, day: null },
      { i: 3, n: 3, s: 'two\nlines', b: true, at: null, zoned: null, day: null },
    ])
  })

  test('comes in batches, whatever its size, and an empty one has its columns', async () => {
    await using shop = await openDataWorkshop()
    const many = await run(shop, `select i, 'v' || i % 7 as v from generate_series(1, 30000) i`)
    expect(many.profile).toMatchObject({ rows: 30_000, columns: [{ min: 1, max: 30_000 }, { distinct: 7 }] })
    const none = await run(shop, 'select 1 as i where false')
    expect(none.manifest).toMatchObject({ rows: 0, columns: [{ name: 'i', type: 'integer' }] })
  })

  test('reads only: a second statement, a change or a mistake is refused', async () => {
    await using shop = await openDataWorkshop()
    await using admin = await openDatabase<unknown>(url)
    await sql`create table if not exists source_probe (i int)`.execute(on(admin.db))
    for (const query of [
      'select 1; drop table source_probe',
      'select 1 limit 1); drop table source_probe; --',
      `insert into source_probe values (1) returning i`,
      'select nothing from nowhere',
    ]) {
      await expect(run(shop, query)).rejects.toMatchObject({ code: 'source_query_failed' })
    }
    expect((await sql`select * from source_probe`.execute(on(admin.db))).rows).toEqual([])
    await sql`drop table source_probe`.execute(on(admin.db))
  })

  test('an unknown connection and a server that does not answer are told', async () => {
    await using shop = await openDataWorkshop()
    const source = Source.parse({ kind: 'postgres', connection: 'shop', query: 'select 1' })
    await expect(shop.step((deps) => ingest(deps, { source, nowMs: 0 }))).rejects.toMatchObject({
      code: 'connection_unknown',
    })
    const nobody = shop.step((deps) => ingest(deps, { source, nowMs: 0 }), {
      connections: { shop: 'postgres://nobody@127.0.0.1:1/x' },
    })
    await expect(nobody).rejects.toMatchObject({ code: 'source_unreachable', kind: 'unavailable' })
  })
})
