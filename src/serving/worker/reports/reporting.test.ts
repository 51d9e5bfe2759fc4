// Reports on their way to the disk: a full spool takes none, and what a buffer then dropped is told with the next.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { monotonicMs, sleep } from '../../../platform/clock.ts'
import { silentLog } from '../../../platform/log.ts'
import { GatewayReport, type PredictionRecord } from '../../gateway-report.ts'
import { createReportBuffer, type EncodedReport } from './report-buffer.ts'
import { startReporting } from './reporting.ts'

const record = (id: number): PredictionRecord => ({
  id: `prd_${id}`,
  endpoint: 'flights',
  version: 'flights/1',
  role: 'champion',
  assignedWith: 1,
  eventTimeMs: 1,
  atMs: 1,
  output: [0.5],
  shadows: [],
})

test('beyond its bound the spool grows no more; every prediction is reported once or counted as dropped', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'trueloop-reporting-'))
  const capacity = 50
  const bytesMax = 20_000
  const buffer = createReportBuffer('w1', capacity)
  const raw = { flush: async () => undefined, close: async () => undefined }
  const told: number[] = []
  const spooled = ({ rows, dropped }: EncodedReport): void => void told.push(rows + dropped)
  const take = (): EncodedReport | undefined => buffer.take([])
  const reporting = startReporting({
    directory,
    worker: 'w1',
    take,
    spooled,
    raw,
    nowMs: monotonicMs,
    log: silentLog,
    bytesMax,
  })
  const bytes = (): number =>
    readdirSync(directory).reduce((sum, name) => sum + readFileSync(join(directory, name)).length, 0)
  let added = 0
  const add = (): void => {
    for (let row = 0; row < 100; row++) buffer.add(record(added++))
  }
  try {
    for (let waited = 0; bytes() < bytesMax && waited < 20_000; waited += 20) {
      add()
      await sleep(20)
    }
    const full = readdirSync(directory).length
    const told1 = told.length
    for (let turn = 0; turn < 40; turn++) {
      add()
      await sleep(20)
    }
    expect(readdirSync(directory).length).toBeLessThanOrEqual(full + 1)
    expect(told.length).toBeLessThanOrEqual(told1 + 1)
    // The control plane is back, and takes what is there.
    const reports = new Map<string, GatewayReport>()
    const collect = (): void => {
      for (const name of readdirSync(directory).filter((found) => found.endsWith('.json'))) {
        reports.set(name, GatewayReport.parse(JSON.parse(readFileSync(join(directory, name), 'utf8'))))
        rmSync(join(directory, name))
      }
    }
    collect()
    await reporting.close()
    collect()
    const ids = [...reports.values()].flatMap(({ predictions }) => predictions.map(({ id }) => id))
    const dropped = [...reports.values()].reduce((sum, report) => sum + report.dropped, 0)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.length + dropped).toBe(added)
    expect(dropped).toBeGreaterThan(1_000)
    expect(ids.at(-1)).toBe(`prd_${added - 1}`)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})
