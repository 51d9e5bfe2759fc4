// A full disk under the metadata, for real: a small tmpfs. Skipped, and said so, where one cannot be mounted.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { governanceMigrations } from '../governance/migrations.ts'
import { testActor } from '../governance/testing.ts'
import { migrate, openDatabase, transact } from '../platform/database.ts'
import { eventMigrations } from '../platform/events.ts'
import { openReader } from '../platform/reader-threads.ts'
import { readHistory } from './metric-history.ts'
import { artifactMigrations } from '../artifacts/migrations.ts'
import { experimentMigrations } from './migrations.ts'
import { createRun, type RecordingTables } from './recording.ts'
import { createRunWriter } from './run-writer.ts'

const mount = mkdtempSync(join(tmpdir(), 'trueloop-tmpfs-'))

function tryMount(): string | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', mount], { stdio: 'pipe' })
    return undefined
  } catch (error) {
    return String(error)
  }
}

const refusal = tryMount()
afterAll(() => {
  if (refusal === undefined) execFileSync('umount', [mount])
  rmSync(mount, { recursive: true })
})

test('on a full disk each batch is refused whole, and with room again the next ones are stored', async (context) => {
  if (refusal !== undefined) context.skip(`no tmpfs can be mounted here: ${refusal}`)
  const url = `sqlite:${join(mount, 'metadata.sqlite')}`
  const { db, [Symbol.asyncDispose]: close } = await openDatabase<RecordingTables>(url)
  await using stack = new AsyncDisposableStack()
  stack.defer(close)
  await migrate(db, { ...eventMigrations, ...governanceMigrations, ...artifactMigrations, ...experimentMigrations })
  const reader = stack.use(openReader(db, url))
  const writer = createRunWriter(db)
  const runId = await transact(db, (trx) => createRun(trx, testActor(), { experiment: 'flights' }))
  const filler = join(mount, 'filler')
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
