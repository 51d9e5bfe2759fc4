// A full disk under PostgreSQL, for real: its tables lie on a small tmpfs. Skipped, and said so, where one cannot be mounted.
import { chownSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { on, openDatabase } from '../../src/platform/database.ts'
import { mountSmallDisk, type SmallDisk } from '../../src/platform/testing-disk.ts'
import { startPostgres } from '../postgres.ts'
import { startTrueloop, type MlflowServer } from './mlflow/servers.ts'

const diskMegabytes = 40
const fillerMegabytes = 8
const pointsPerBatch = 1000

/** Of the database's tables from now on. */
async function layOn({ path }: SmallDisk, url: string): Promise<void> {
  await using database = await openDatabase<unknown>(url)
  const db = on(database.db)
  const { rows } = await sql<{ data_directory: string }>`show data_directory`.execute(db)
  const owner = statSync(rows[0]!.data_directory)
  // PostgreSQL runs as a user of its own.
  chownSync(path, owner.uid, owner.gid)
  await sql`create tablespace small location ${sql.lit(path)}`.execute(db)
  const name = new URL(url).pathname.slice(1)
  await sql`alter database ${sql.id(name)} set default_tablespace = small`.execute(db)
}

async function ask(server: MlflowServer, path: string, body?: unknown): Promise<{ status: number; answer: unknown }> {
  const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${server.url}/api/2.0/mlflow/${path}`, { ...init, headers })
  return { status: response.status, answer: await response.json() }
}

async function createRun(server: MlflowServer): Promise<string> {
  const { answer } = await ask(server, 'runs/create', { experiment_id: '0', start_time: 1 })
  return z.object({ run: z.object({ info: z.object({ run_id: z.string() }) }) }).parse(answer).run.info.run_id
}

const batchOf = (run: string, batch: number) => ({
  run_id: run,
  metrics: Array.from({ length: pointsPerBatch }, (_, at) => ({
    key: 'loss',
    value: at,
    timestamp: batch,
    step: batch * pointsPerBatch + at,
  })),
})

async function countPoints(server: MlflowServer, run: string): Promise<number> {
  const { answer } = await ask(server, `metrics/get-history?run_id=${run}&metric_key=loss`)
  return z.object({ metrics: z.array(z.unknown()) }).parse(answer).metrics.length
}

test('on a full disk of PostgreSQL a batch is refused whole, and with room again the next is stored', async (context) => {
  const disk = await mountSmallDisk(diskMegabytes)
  if (!disk) return context.skip('no tmpfs can be mounted here')
  await using stack = new AsyncDisposableStack()
  // PostgreSQL ends before its disk goes.
  stack.use(disk)
  const postgres = stack.use(await startPostgres())
  const prepare = ({ TRUELOOP_DATABASE: url }: Readonly<Record<string, string>>): Promise<void> => layOn(disk, url!)
  const server = stack.use(await startTrueloop({ postgres, prepare }))
  const filler = join(disk.path, 'filler')
  const run = await createRun(server)
  writeFileSync(filler, new Uint8Array(fillerMegabytes * 1024 * 1024))
  let batch = 0
  let refused = await ask(server, 'runs/log-batch', batchOf(run, batch))
  while (refused.status === 200 && batch < 1000) refused = await ask(server, 'runs/log-batch', batchOf(run, ++batch))
  expect(batch).toBeGreaterThan(0)
  expect(refused).toMatchObject({ status: 507, answer: { error_code: 'TEMPORARILY_UNAVAILABLE' } })
  expect(refused.answer).toHaveProperty('message', expect.stringContaining('the disk of PostgreSQL is full'))
  expect(await countPoints(server, run)).toBe(batch * pointsPerBatch)
  rmSync(filler)
  expect(await ask(server, 'runs/log-batch', batchOf(run, batch))).toMatchObject({ status: 200 })
  expect(await countPoints(server, run)).toBe((batch + 1) * pointsPerBatch)
})
