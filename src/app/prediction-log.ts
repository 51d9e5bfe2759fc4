// The process that turns the gateway's raw rows into Parquet and keeps the log within its limits. Started now and then; does its work and ends.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../platform/clock.ts'
import { messageOf } from '../platform/errors.ts'
import { openTables } from '../platform/tables.ts'
import { gatewayPaths } from '../serving/gateway-worker.ts'
import { convertSegments, pruneParquet } from '../serving/prediction-log.ts'
import { loadConfig, processEnvironment } from './config.ts'
import type { LogKept } from './log-keeper.ts'

const memoryLimitBytes = 128 * 1024 * 1024

/** What was done, on standard output for the gateway. Retention does not wait for a conversion that fails. */
async function keepLog(): Promise<void> {
  const { home, predictionAgeMs, predictionLogBytes } = loadConfig(processEnvironment())
  const retention = { ageMaxMs: predictionAgeMs, bytesMax: predictionLogBytes }
  const paths = { raw: gatewayPaths(home).raw, parquet: join(home, 'predictions') }
  const tempDirectory = await mkdtemp(join(tmpdir(), 'trueloop-log-'))
  try {
    await using tables = await openTables({ memoryLimitBytes, tempDirectory, threads: 1 })
    const conversion = convertSegments(tables, paths)
    const rows = await conversion.catch(() => 0)
    const kept: LogKept = { rows, ...(await pruneParquet(paths, retention, systemClock())) }
    process.stdout.write(`${JSON.stringify(kept)}\n`)
    await conversion
  } finally {
    await rm(tempDirectory, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  try {
    await keepLog()
    process.exit(0)
  } catch (error) {
    process.stderr.write(`the prediction log could not be kept: ${messageOf(error)}\n`)
    process.exit(1)
  }
}
