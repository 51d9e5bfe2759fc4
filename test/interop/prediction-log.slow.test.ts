// The prediction log as pandas, pyarrow and DuckDB read it by themselves, with columns that change from version to version.
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import type { Signature } from '../../src/models/signature.ts'
import { monotonicMs } from '../../src/platform/clock.ts'
import { silentLog } from '../../src/platform/log.ts'
import { openTables } from '../../src/platform/tables.ts'
import { convertSegments } from '../../src/serving/prediction-log.ts'
import { createRawLog, type RawFacts } from '../../src/serving/worker/reports/raw-log.ts'
import { ensureVenv } from './venv.ts'

const run = promisify(execFile)
const signature: Signature = {
  task: 'regression',
  inputs: [{ name: 'x', type: 'double', required: true }],
  classes: [],
}
const noonMs = Date.UTC(2026, 0, 10, 12)
const dayMs = 86_400_000

const facts = (id: string, how: Partial<RawFacts> = {}): RawFacts => ({
  id,
  endpoint: 'flights',
  version: 'm/1',
  role: 'champion',
  status: 200,
  code: null,
  assignedWith: 1,
  eventTimeMs: noonMs,
  atMs: noonMs,
  output: [0.25, 0.75],
  ...how,
})

test('pandas, pyarrow and DuckDB read the log with its partitions, whatever columns the models had', async () => {
  const home = mkdtempSync(join(tmpdir(), 'trueloop-log-'))
  try {
    const paths = { raw: join(home, 'raw'), parquet: join(home, 'predictions') }
    mkdirSync(paths.raw)
    await using tables = await openTables({ memoryLimitBytes: 256 * 1024 * 1024, tempDirectory: home, threads: 1 })
    const write = async (
      worker: string,
      rows: readonly (readonly [RawFacts, Record<string, unknown[]> | undefined])[],
    ) => {
      const raw = createRawLog({ directory: paths.raw, worker, nowMs: monotonicMs, log: silentLog })
      for (const [of, columns] of rows) raw.add(of, columns && { columns, row: 0, signature, redact: ['secret'] })
      await raw.close()
      await raw.flush()
      await raw.close()
      await convertSegments(tables, paths)
    }
    await write('w1', [
      [facts('a'), { x: [1.5], carrier: ['ÄÖ "quoted"'], secret: ['4111'] }],
      [facts('b', { status: 500, code: 'model_failed', output: [], version: null, role: null }), undefined],
    ])
    await write('w2', [
      [facts('c', { atMs: noonMs + dayMs, version: 'm/2' }), { amount: [7], x: ['now a text'] }],
      [facts('d', { endpoint: 'prices', output: [3] }), { x: [null] }],
    ])
    const { python } = await ensureVenv(['pandas==2.3.3', 'pyarrow==26.0.1'])
    const { stdout } = await run(python, [join(import.meta.dirname, 'prediction_log.py'), paths.parquet])
    expect(JSON.parse(stdout)).toEqual({
      rows: 4,
      columns: [
        'assignedWith',
        'atMs',
        'code',
        'day',
        'endpoint',
        'eventTimeMs',
        'id',
        'inputs',
        'output',
        'role',
        'status',
        'version',
      ],
      endpoints: { flights: 3, prices: 1 },
      days: ['2026-01-10', '2026-01-11'],
      outputs: [[0.25, 0.75], [], [0.25, 0.75]],
      statuses: [200, 500, 200],
      inputs: [
        { x: 1.5, carrier: 'ÄÖ "quoted"', amount: null },
        { x: null, carrier: null, amount: null },
        { x: 'now a text', carrier: null, amount: 7 },
      ],
    })
    const rows = await tables.rows(
      `SELECT endpoint, CAST(day AS VARCHAR) AS day, count(*) AS n FROM read_parquet('${paths.parquet}/**/*.parquet', hive_partitioning = true) GROUP BY ALL ORDER BY ALL`,
    )
    expect(rows).toEqual([
      { endpoint: 'flights', day: '2026-01-10', n: 2 },
      { endpoint: 'flights', day: '2026-01-11', n: 1 },
      { endpoint: 'prices', day: '2026-01-10', n: 1 },
    ])
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
})
