// Three million real flights: what they hold, that they are quick to take in, and that taking them in again stores nothing.
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ExpectationSuite } from './expectation.ts'
import { ingest, type IngestOutput } from './ingest.ts'
import type { Manifest } from './manifest.ts'
import { openVersion, readColumns } from './select.ts'
import { Source } from './source.ts'
import { openDataWorkshop, type DataWorkshop } from './testing.ts'

const path = join(import.meta.dirname, '../../node_modules/vega-datasets/data/flights-3m.parquet')
const expectations = ExpectationSuite.parse({
  name: 'flights',
  expectations: [
    { type: 'between', column: 'delay', min: -180, severity: 'quarantine' },
    { type: 'between', column: 'date', max: '2001-07-01', strictMax: true, severity: 'quarantine' },
    { type: 'not_null', column: 'date' },
    { type: 'distinct_count_between', column: 'origin', min: 229, max: 229 },
    { type: 'distinct_count_between', column: 'destination', min: 228, max: 228 },
  ],
})
const run = (
  shop: DataWorkshop,
  more: { previous?: Manifest; expectations?: ExpectationSuite } = {},
): Promise<IngestOutput> =>
  shop.step((deps) =>
    ingest(deps, { source: Source.parse({ kind: 'file', paths: [path] }), timeColumn: 'date', nowMs: 0, ...more }),
  )

test('the flights hold what they are said to hold, and again store nothing', async () => {
  await using shop = await openDataWorkshop()
  const startedMs = performance.now()
  const raw = await run(shop)
  const ingestMs = performance.now() - startedMs
  expect(raw.manifest.rows).toBe(3_000_000)
  expect(raw.profile.columns.find(({ name }) => name === 'delay')).toMatchObject({ min: -1116, max: 1688 })
  // Some 4 s on two free cores; the limit leaves room for busy ones.
  expect(ingestMs).toBeLessThan(60_000)

  const months = await shop.step(async (deps) => {
    await openVersion(deps, { manifest: raw.manifest, view: 'v' })
    return deps.tables.rows(
      'SELECT month(date) AS m, count(*) AS n, round(avg((delay > 15)::INTEGER), 3) AS late FROM v GROUP BY 1 ORDER BY 1',
    )
  })
  expect(months.map((row) => row['n'])).toEqual([508_239, 458_170, 511_502, 501_030, 518_831, 502_222, 6])
  expect(months.slice(0, 6).map((row) => row['late'])).toEqual([0.205, 0.233, 0.21, 0.179, 0.161, 0.213])

  const clean = await run(shop, { expectations, previous: raw.manifest })
  expect(clean.validation.success).toBe(true)
  expect(clean.validation.results[1]!.counts).toEqual({ considered: 3_000_000, missing: 0, unexpected: 6 })
  expect(clean.manifest.rows + clean.quarantine!.rows).toBe(3_000_000)
  expect(clean.storedParts).toBeLessThan(raw.manifest.parts.length)
  const again = await run(shop, { expectations, previous: clean.manifest })
  expect(again).toMatchObject({ storedParts: 0, digest: clean.digest })

  const january = await shop.step(async (deps) => {
    await openVersion(deps, { manifest: clean.manifest, view: 'v', time: { toMs: Date.parse('2001-02-01') } })
    return readColumns(deps.tables, { view: 'v', columns: clean.manifest.columns })
  })
  expect(january.rowCount).toBe(508_239)
})
