// Has the prediction log turned into Parquet every so often, by a process of its own, one at a time; logs and counts what it did.
import { spawn, type ChildProcess } from 'node:child_process'
import { z } from 'zod'
import type { Log } from '../platform/log.ts'
import { letYieldToAnswers } from '../platform/processes.ts'
import { createMetrics, type MetricSnapshot } from '../serving/gateway-metrics.ts'
import { childEnvironment, type Config } from './config.ts'
import { entryFile } from './entries.ts'

const everyMs = 60_000
/** A run that takes longer is ended; what it had converted stays, and the next goes on. */
const timeoutMs = 10 * 60_000

/** What one run did. */
export const LogKept = z.object({
  /** Converted. */
  rows: z.int(),
  filesTooOld: z.int(),
  filesTooMuch: z.int(),
  /** Of the log now. */
  bytes: z.int(),
})
export type LogKept = z.infer<typeof LogKept>

export interface LogKeeper {
  readonly snapshot: MetricSnapshot
  stop(): void
}

export function startLogKeeper(config: Config, log: Log): LogKeeper {
  const metrics = createMetrics()
  let running: ChildProcess | undefined
  const note = (text: string, exitCode: number | null): void => {
    metrics.add('trueloop_prediction_log_runs_total', `outcome="${exitCode === 0 ? 'done' : 'failed'}"`, 1)
    if (!text.endsWith('\n')) return // It was ended before it had said all.
    const kept = LogKept.parse(JSON.parse(text))
    metrics.set('trueloop_prediction_log_bytes', '', kept.bytes)
    metrics.add('trueloop_prediction_log_rows_total', '', kept.rows)
    metrics.add('trueloop_prediction_log_files_removed_total', 'reason="age"', kept.filesTooOld)
    metrics.add('trueloop_prediction_log_files_removed_total', 'reason="size"', kept.filesTooMuch)
    if (kept.filesTooMuch > 0) {
      const mostBytes = config.predictionLogBytes
      log.warn('the prediction log is full: its oldest days were removed', { ...kept, mostBytes })
    } else if (kept.rows + kept.filesTooOld > 0) log.info('the prediction log was brought up to date', { ...kept })
  }
  const turn = (): void => {
    if (running) return
    const child = spawn(process.execPath, [entryFile('prediction-log')], {
      env: childEnvironment(config),
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    })
    letYieldToAnswers(child)
    running = child
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    child.once('error', (error) => log.warn('the prediction log could not be kept', { error: error.message }))
    child.once('close', (code) => {
      running = undefined
      note(text, code)
    })
  }
  const timer = setInterval(turn, everyMs)
  return {
    snapshot: metrics.snapshot,
    stop() {
      clearInterval(timer)
      running?.kill('SIGKILL') // It may be killed at any moment and goes on the next time.
    },
  }
}
