// Raw rows from an answer to Parquet and back, with a cut line, a killed conversion and retention in between.
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { smallModel } from '../models/testing.ts'
import { monotonicMs } from '../platform/clock.ts'
import { silentLog } from '../platform/log.ts'
import { cellText, openTables } from '../platform/tables.ts'
import { convertSegments, pruneParquet, readPredictions, type PredictionLogPaths } from './prediction-log.ts'
import { smallConfig, startTestWorker } from './testing.ts'
import { createRawLog } from './worker/raw-log.ts'

const day = 86_400_000
const atMs = Date.UTC(2026, 0, 10, 12)

function openHome(): PredictionLogPaths & Disposable {
  const home = mkdtempSync(join(tmpdir(), 'trueloop-predictions-'))
  const paths = { raw: join(home, 'raw'), parquet: join(home, 'parquet') }
  mkdirSync(paths.raw)
  return { ...paths, [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }) }
}

const open = (directory: string) =>
  openTables({ memoryLimitBytes: 256 * 1024 * 1024, tempDirectory: directory, threads: 1 })

async function writeRows(
  paths: PredictionLogPaths,
  worker: string,
  rows: { id: string; endpoint: string; atMs: number }[],
): Promise<void> {
  const raw = createRawLog({ directory: paths.raw, worker, nowMs: monotonicMs, log: silentLog })
  for (const { id, endpoint, atMs: at } of rows) {
    const record = {
      id,
      endpoint,
      version: 'm/1',
      role: 'champion' as const,
      assignedWith: 1,
      eventTimeMs: at,
      atMs: at,
      output: [0.25],
      shadows: [],
    }
    raw.add(record, { x: [1.5], name: ["O'Hare"] }, 0)
  }
  await raw.flush()
  await raw.close()
}

test('raw rows become Parquet by endpoint and day, and are read back newest first', async () => {
  using paths = openHome()
  await writeRows(paths, 'w1', [
    { id: 'a', endpoint: 'flights', atMs },
    { id: 'b', endpoint: 'flights', atMs: atMs + day },
    { id: 'c', endpoint: '../escape', atMs },
  ])
  await using tables = await open(paths.raw)
  expect(await convertSegments(tables, paths)).toBe(3)
  expect(readdirSync(paths.parquet).every((name) => /^[0-9a-f]{32}$/v.test(name))).toBe(true)
  const rows = await readPredictions(tables, paths, {
    endpoint: 'flights',
    fromMs: atMs,
    toMs: atMs + 2 * day,
    limit: 10,
  })
  expect(rows.map((row) => row['id'])).toEqual(['b', 'a'])
  expect(rows[0]).toMatchObject({ version: 'm/1', output: [0.25], inputs: `{"x":1.5,"name":"O'Hare"}` })
  expect(await convertSegments(tables, paths)).toBe(0)
})

test('a line that was cut is left out, and a conversion that was killed is done again without a row twice', async () => {
  using paths = openHome()
  await writeRows(paths, 'w1', [{ id: 'a', endpoint: 'flights', atMs }])
  const [segment] = readdirSync(paths.raw)
  appendFileSync(join(paths.raw, segment!), '{"id":"b","endpoint":"fli')
  await using tables = await open(paths.raw)
  await using broken = await open(paths.raw)
  // Killed between the Parquet file and the removal of the batch: the batch stays.
  const original = broken.run.bind(broken)
  const failing = {
    ...broken,
    run: (sql: string) => (sql.startsWith('DROP') ? Promise.reject(new Error('killed')) : original(sql)),
  }
  await expect(convertSegments(failing, paths)).rejects.toThrow('killed')
  expect(await convertSegments(tables, paths)).toBe(1)
  const query = { endpoint: 'flights', fromMs: 0, toMs: atMs + day, limit: 10 }
  expect((await readPredictions(tables, paths, query)).map((row) => row['id'])).toEqual(['a'])
})

test('retention removes what is too old, then the oldest of what is too much', async () => {
  using paths = openHome()
  await writeRows(
    paths,
    'w1',
    [0, 1, 2, 3].map((ago) => ({ id: `r${ago}`, endpoint: 'flights', atMs: atMs - ago * day })),
  )
  await using tables = await open(paths.raw)
  await convertSegments(tables, paths)
  expect(await pruneParquet(paths, { ageMaxMs: 2 * day, bytesMax: 1e9 }, atMs)).toBe(1)
  expect(await pruneParquet(paths, { ageMaxMs: 9 * day, bytesMax: 1 }, atMs)).toBe(3)
})

test('a worker writes inputs and outputs of its answers', async () => {
  await using gateway = await startTestWorker(smallConfig(), [{ bytes: smallModel() }])
  await gateway.infer([1.5])
  await gateway.worker.close()
  const paths = { raw: gateway.paths.raw, parquet: join(gateway.paths.raw, '..', 'parquet') }
  await using tables = await open(paths.raw)
  expect(await convertSegments(tables, paths)).toBe(1)
  const [row] = await readPredictions(tables, paths, { endpoint: 'flights', fromMs: 0, toMs: 1e15, limit: 1 })
  expect(JSON.parse(cellText(row!['inputs']))).toEqual({ x: 1.5, carrier: 'AA', date: '2001-01-31T07:45:00Z' })
})
