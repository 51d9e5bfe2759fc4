// The process that turns the gateway's raw rows into Parquet and keeps the log within its limits. Started now and then; does its work and ends.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../platform/clock.ts'
import { messageOf } from '../platform/errors.ts'
import { yieldToAnswers } from '../platform/processes.ts'
import { openTables } from '../platform/tables.ts'
import { gatewayPaths } from '../serving/gateway-worker.ts'
import { convertSegments, pruneParquet } from '../serving/prediction-log.ts'
import { loadConfig, processEnvironment } from './config.ts'

const memoryLimitBytes = 128 * 1024 * 1024

async function keepLog(): Promise<void> {
  const { home, predictionAgeMs, predictionLogBytes } = loadConfig(processEnvironment())
  const retention = { ageMaxMs: predictionAgeMs, bytesMax: predictionLogBytes }
  const paths = { raw: gatewayPaths(home).raw, parquet: join(home, 'predictions') }
  const tempDirectory = await mkdtemp(join(tmpdir(), 'trueloop-log-'))
  try {
    await using tables = await openTables({ memoryLimitBytes, tempDirectory, threads: 1 })
    const rows = await convertSegments(tables, paths)
    const removed = await pruneParquet(paths, retention, systemClock())
    if (rows > 0 || removed > 0)
      process.stderr.write(
        `${JSON.stringify({ message: 'the prediction log was brought up to date', rows, removed })}\n`,
      )
  } finally {
    await rm(tempDirectory, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  try {
    yieldToAnswers()
    await keepLog()
    process.exit(0)
  } catch (error) {
    process.stderr.write(`the prediction log could not be kept: ${messageOf(error)}\n`)
    process.exit(1)
  }
}
