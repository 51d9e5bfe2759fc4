// Raw rows from an answer to Parquet and back, with a cut line, a killed conversion and retention in between.
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { smallModel, smallSignature } from '../models/testing.ts'
import { defaultOptions } from './endpoint-options.ts'
import { monotonicMs } from '../platform/clock.ts'
import { silentLog } from '../platform/log.ts'
import { cellText, openTables } from '../platform/tables.ts'
import { convertSegments, pruneParquet, readPredictions, type PredictionLogPaths } from './prediction-log.ts'
import { smallConfig, startTestWorker } from './testing.ts'
import { createRawLog } from './worker/reports/raw-log.ts'

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
    const facts = { id, endpoint, version: 'm/1', role: 'champion', status: 200, code: null, assignedWith: 1 }
    const columns = { x: [1.5], name: ["O'Hare"] }
    raw.add(
      { ...facts, eventTimeMs: at, atMs: at, output: [0.25] },
      { columns, row: 0, signature: smallSignature, redact: [] },
    )
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
  expect(readdirSync(paths.parquet).toSorted()).toEqual(['endpoint=..%2Fescape', 'endpoint=flights'])
  expect(readdirSync(join(paths.parquet, 'endpoint=flights')).toSorted()).toEqual(['day=2026-01-10', 'day=2026-01-11'])
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
  expect(await pruneParquet(paths, { ageMaxMs: 2 * day, bytesMax: 1e9 }, atMs)).toMatchObject({ filesTooOld: 1 })
  expect(readdirSync(join(paths.parquet, 'endpoint=flights'))).toHaveLength(3)
  const pruned = await pruneParquet(paths, { ageMaxMs: 9 * day, bytesMax: 1 }, atMs)
  expect(pruned).toEqual({ filesTooOld: 0, filesTooMuch: 3, bytes: 0 })
  expect(readdirSync(paths.parquet)).toEqual([])
})

test('what a killed conversion had begun to remove is not written over with less', async () => {
  using paths = openHome()
  await writeRows(paths, 'w1', [{ id: 'a', endpoint: 'flights', atMs }])
  await writeRows(paths, 'w2', [{ id: 'b', endpoint: 'flights', atMs }])
  await using tables = await open(paths.raw)
  expect(await convertSegments(tables, paths)).toBe(2)
  // As if the removal had been cut short: what is left of the batch is in the folder of what is done.
  mkdirSync(join(paths.raw, 'converted', 'half'), { recursive: true })
  expect(await convertSegments(tables, paths)).toBe(0)
  expect(readdirSync(paths.raw)).toEqual(['converting'])
  const query = { endpoint: 'flights', fromMs: 0, toMs: atMs + day, limit: 10 }
  expect((await readPredictions(tables, paths, query)).map((row) => row['id'])).toEqual(['b', 'a'])
})

test('a batch that fails each time is set aside, and the others go on', async () => {
  using paths = openHome()
  await writeRows(paths, 'w1', [{ id: 'a', endpoint: 'flights', atMs }])
  await using tables = await open(paths.raw)
  const original = tables.run.bind(tables)
  const broken = {
    ...tables,
    run: (sql: string) => (sql.includes('w1.') ? Promise.reject(new Error('cannot be read')) : original(sql)),
  }
  await expect(convertSegments(broken, paths)).rejects.toThrow('cannot be read')
  await writeRows(paths, 'w2', [{ id: 'b', endpoint: 'flights', atMs }])
  await expect(convertSegments(broken, paths)).rejects.toThrow('cannot be read')
  const query = { endpoint: 'flights', fromMs: 0, toMs: atMs + day, limit: 10 }
  expect((await readPredictions(tables, paths, query)).map((row) => row['id'])).toEqual(['b'])
  await expect(convertSegments(broken, paths)).rejects.toThrow('cannot be read')
  expect(await convertSegments(broken, paths)).toBe(0)
  expect(readdirSync(join(paths.raw, 'rejected'))).toHaveLength(1)
})

test('redacted columns are in no file, integers keep their digits and microseconds become times', async () => {
  using paths = openHome()
  const raw = createRawLog({ directory: paths.raw, worker: 'w1', nowMs: monotonicMs, log: silentLog })
  const facts = { endpoint: 'flights', version: null, role: null, status: 500, code: 'model_failed' }
  const columns = { x: [2n ** 60n + 1n], secret: ['4111-1111'], date: BigInt64Array.of(980_927_100_000_001n) }
  const at = { assignedWith: null, eventTimeMs: atMs, atMs, output: [] }
  raw.add({ id: 'a', ...facts, ...at }, { columns, row: 0, signature: smallSignature, redact: ['secret'] })
  raw.add({ id: 'b', ...facts, ...at }, undefined)
  const long = { name: ['x'.repeat(2_000_000)] }
  raw.add({ id: 'c', ...facts, ...at }, { columns: long, row: 0, signature: smallSignature, redact: [] })
  await raw.flush()
  await raw.close()
  expect(raw.rowsDropped).toBe(1)
  const [segment] = readdirSync(paths.raw)
  expect(readFileSync(join(paths.raw, segment!), 'utf8')).not.toContain('4111')
  await using tables = await open(paths.raw)
  expect(await convertSegments(tables, paths)).toBe(2)
  const rows = await readPredictions(tables, paths, { endpoint: 'flights', fromMs: 0, toMs: 1e15, limit: 9 })
  expect(rows.map(({ id, status, code, inputs }) => [id, status, code, inputs])).toEqual([
    ['b', 500, 'model_failed', null],
    ['a', 500, 'model_failed', '{"x":1152921504606846977,"date":"2001-01-31T07:45:00.000001Z"}'],
  ])
})

test('a worker keeps what it could not answer, and of an endpoint only its share', async () => {
  const [endpoint] = smallConfig().endpoints
  const options = { ...defaultOptions, redact: ['carrier'] }
  const config = { generation: 1, endpoints: [{ ...endpoint!, options }] }
  await using gateway = await startTestWorker(config, [{ bytes: smallModel() }])
  await gateway.infer([1.5])
  const malformed = await fetch(`${gateway.url}/v2/models/flights/infer`, { method: 'POST', body: '{' })
  expect(malformed.status).toBe(400)
  expect(malformed.headers.get('server-timing')).toMatch(/^total;dur=[\d.]+$/v)
  const unfit = JSON.stringify({ inputs: [{ name: 'y', datatype: 'FP64', shape: [1], data: [7] }] })
  expect((await fetch(`${gateway.url}/v2/models/flights/infer`, { method: 'POST', body: unfit })).status).toBe(400)
  const silent = { ...endpoint!, options: { ...options, rawShare: 0 } }
  await gateway.worker.apply({ generation: 2, endpoints: [silent] })
  await gateway.infer([2.5])
  await gateway.worker.close()
  const paths = { raw: gateway.paths.raw, parquet: join(gateway.paths.raw, '..', 'parquet') }
  await using tables = await open(paths.raw)
  await convertSegments(tables, paths)
  const rows = await readPredictions(tables, paths, { endpoint: 'flights', fromMs: 0, toMs: 1e15, limit: 9 })
  expect(rows.map(({ status, code, inputs }) => [status, code, inputs]).toReversed()).toEqual([
    [200, null, '{"x":1.5,"date":"2001-01-31T07:45:00Z"}'],
    [400, 'json_invalid', null],
    [400, 'input_column_unknown', '{"y":7}'],
  ])
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
