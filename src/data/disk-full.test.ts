// A disk that fills up while rows are read, ordered or stored: told as that, with what was stored before unharmed. Needs the right to mount.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openTables } from '../platform/tables.ts'
import { mountSmallDisk } from '../platform/testing-disk.ts'
import { ingest } from './ingest.ts'
import { Source } from './source.ts'
import { openDataWorkshop } from './testing.ts'

test('a full scratch disk ends in an error that says so', async (context) => {
  await using disk = await mountSmallDisk(4)
  if (!disk) return context.skip('no right to mount a small disk here: run as root to have this tested')
  await using shop = await openDataWorkshop()
  const path = join(shop.folder, 'rows.csv')
  writeFileSync(
    path,
    `id,text\n${Array.from({ length: 400_000 }, (_, i) => `${(i * 7919) % 400_000},${'x'.repeat(60)}${i}`).join('\n')}\n`,
  )
  const scratchDirectory = join(disk.path, 'scratch')
  mkdirSync(scratchDirectory)
  await using tables = await openTables({ memoryLimitBytes: 40_000_000, tempDirectory: scratchDirectory, threads: 1 })
  const deps = {
    tables,
    blobs: shop.blobs,
    scratchDirectory,
    signal: new AbortController().signal,
    progress: () => undefined,
  }
  const failing = ingest(deps, { source: Source.parse({ kind: 'file', paths: [path] }), keyColumns: ['id'], nowMs: 0 })
  await expect(failing).rejects.toMatchObject({ kind: 'unavailable', code: 'disk_full' })
  expect(await tables.rows('SELECT 1 AS one')).toEqual([{ one: 1 }])
})
