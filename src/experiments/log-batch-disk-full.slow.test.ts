// A full disk under the metadata, for real: a small tmpfs. Skipped, and said so, where one cannot be mounted.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { governanceMigrations } from '../governance/migrations.ts'
import { testActor } from '../governance/testing.ts'
import { migrate, openDatabase, transact } from '../platform/database.ts'
import { eventMigrations } from '../platform/events.ts'
import { openReader } from '../platform/reader-threads.ts'
import { mountSmallDisk } from '../platform/testing-disk.ts'
import { readHistory } from './metric-history.ts'
import { artifactMigrations } from '../artifacts/migrations.ts'
import { experimentMigrations } from './migrations.ts'
import { createRun, type RecordingTables } from './recording.ts'
import { createRunWriter } from './run-writer.ts'

test('on a full disk each batch is refused whole, and with room again the next ones are stored', async (context) => {
  const disk = await mountSmallDisk(16)
  if (!disk) return context.skip('no tmpfs can be mounted here')
  await using stack = new AsyncDisposableStack()
  stack.use(disk)
  const url = `sqlite:${join(disk.path, 'metadata.sqlite')}`
  const { db, [Symbol.asyncDispose]: close } = await openDatabase<RecordingTables>(url)
  stack.defer(close)
  await migrate(db, { ...eventMigrations, ...governanceMigrations, ...artifactMigrations, ...experimentMigrations })
  const reader = stack.use(openReader(db, url))
  const writer = createRunWriter(db)
  const runId = await transact(db, (trx) => createRun(trx, testActor(), { experiment: 'flights' }))
  const filler = join(disk.path, 'filler')
  writeFileSync(filler, new Uint8Array(8 * 1024 * 1024))
  const stored: number[] = []
  const log = async (batch: number): Promise<void> => {
    const metrics = Array.from({ length: 1000 }, (_, i) => ({
      key: 'loss',
      step: batch * 1000 + i,
      atMs: batch,
      value: 1,
    }))
    await writer.log(runId, { metrics })
    stored.push(batch)
  }
  const batches = Array.from({ length: 400 }, (_, batch) => batch)
  const outcomes = []
  for (let at = 0; at < batches.length; at += 8) {
    outcomes.push(...(await Promise.allSettled(batches.slice(at, at + 8).map(log))))
    if (outcomes.some(({ status }) => status === 'rejected')) break
  }
  const [first] = outcomes.filter(({ status }) => status === 'rejected')
  expect(first).toMatchObject({ reason: { kind: 'unavailable', code: 'disk_full' } })
  rmSync(filler)
  await log(1000)
  const points = await readHistory({ db, reader }, { runId, key: 'loss', limit: 1_000_000 })
  expect([...Map.groupBy(points, ({ atMs }) => Number(atMs))].map(([batch, of]) => [batch, of.length])).toEqual(
    stored.toSorted((a, b) => a - b).map((batch) => [batch, 1000]),
  )
})
