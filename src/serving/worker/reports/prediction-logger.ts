// After the answer: shadow versions score the same rows, then the prediction goes to the report and a sample of raw rows to disk.
import { DomainError } from '../../../platform/errors.ts'
import { unitInterval } from '../../../statistics/hash.ts'
import type { Predictions } from '../../../models/inference.ts'
import type { PredictionRecord } from '../../gateway-report.ts'
import { predictionsAtOnceMax, predictionsPerSecondMax, shadowQueueRowsMax } from '../../contract/gateway-limits.ts'
import type { EndpointRuntime, VariantRuntime } from '../endpoint-runtime.ts'
import { isRunnable } from '../endpoint-runtime.ts'
import type { Executor } from '../runs/executor.ts'
import { statusOf } from '../http/http-answer.ts'
import type { FailedRequest, LoggedAnswer } from './logged-request.ts'
import type { EventSinks } from '../../telemetry/event-sinks.ts'
import { laneOf } from '../runs/lanes.ts'
import { createLogRate } from './log-rate.ts'
import type { RawLog } from './raw-log.ts'
import type { ReportBuffer } from './report-buffer.ts'
import { enqueue } from '../runs/version-queue.ts'

export interface PredictionLog {
  log(answer: LoggedAnswer): void
  /** For the raw log and the events only: there is no prediction that an outcome could be joined with. */
  fail(request: FailedRequest): void
  noteEventTime(endpoint: string, eventTimeMs: number): void
  /** Rows of the answers so far. */
  readonly rowsAnswered: number
  /** Rows that shadow versions did not score because they were behind. */
  readonly shadowRowsDropped: number
}

interface Score {
  readonly version: string
  readonly found: { readonly predictions: Predictions; readonly offset: number } | undefined
}

interface PredictionLogDeps {
  readonly reports: ReportBuffer
  readonly raw: RawLog
  readonly executor: Executor
  readonly nowMs: () => number
  readonly events: Pick<EventSinks, 'answered' | 'failed'>
  /** Is told that `rowsAnswered` has grown. */
  readonly answered: () => void
}

export function createPredictionLog(deps: PredictionLogDeps): PredictionLog {
  const mayLog = createLogRate(deps.nowMs, { rowsPerSecond: predictionsPerSecondMax, burstRows: predictionsAtOnceMax })
  let rowsAnswered = 0
  let shadowRowsDropped = 0

  const finish = (answer: LoggedAnswer, scores: readonly Score[]): void => {
    if (!mayLog(answer.rows)) return deps.reports.drop(answer.rows)
    const isKept = isKeptRaw(answer.endpoint, answer.id)
    for (let row = 0; row < answer.rows; row++) {
      const record = recordOf(answer, scores, row)
      deps.reports.add(record)
      if (isKept) addAnswered(deps.raw, { record, answer, row })
    }
  }
  const scoreByShadows = (answer: LoggedAnswer, shadows: readonly VariantRuntime[]): void => {
    const scores: Score[] = []
    let waiting = 1
    const settleOne = (): void => {
      if (--waiting === 0) finish(answer, scores)
    }
    for (const shadow of shadows) {
      if (!isRunnable(shadow)) continue
      if (shadow.loaded && shadow.loaded.shadowQueue.rows + answer.rows > shadowQueueRowsMax) {
        shadowRowsDropped += answer.rows
        continue
      }
      waiting++
      scoreByShadow(deps, { answer, shadow }, (found) => {
        scores.push(found)
        settleOne()
      })
    }
    settleOne()
  }

  return {
    log(answer) {
      rowsAnswered += answer.rows
      deps.answered()
      const { shadows, config } = answer.endpoint
      if (config.options.eventSink) deps.events.answered(answer)
      if (shadows.length === 0) finish(answer, [])
      else scoreByShadows(answer, shadows)
    },
    fail(request) {
      const { endpoint, id } = request
      const { logShare, options } = endpoint.config
      if (logShare < 1 && unitInterval('log', id) >= logShare) return
      if (options.eventSink) deps.events.failed(request)
      if (isKeptRaw(endpoint, id)) addFailed(deps.raw, request)
    },
    noteEventTime: (endpoint, eventTimeMs) => deps.reports.noteEventTime(endpoint, eventTimeMs),
    get rowsAnswered() {
      return rowsAnswered
    },
    get shadowRowsDropped() {
      return shadowRowsDropped
    },
  }
}

/** By the id alone, so that the rows of one request are kept together. */
function isKeptRaw({ config }: EndpointRuntime, id: string): boolean {
  const { rawShare } = config.options
  return rawShare >= 1 || (rawShare > 0 && unitInterval('raw', id) < rawShare)
}

function addAnswered(
  raw: RawLog,
  { record, answer, row }: { record: PredictionRecord; answer: LoggedAnswer; row: number },
): void {
  const { endpoint, variant, columns } = answer
  const { id, version, role, assignedWith, eventTimeMs, atMs, output } = record
  raw.add(
    { id, endpoint: record.endpoint, version, role, status: 200, code: null, assignedWith, eventTimeMs, atMs, output },
    { columns, row, signature: variant.variant.signature, redact: endpoint.config.options.redact },
  )
}

/** The rows of a request that was read, else one row that only says that it was refused. */
function addFailed(raw: RawLog, { id, endpoint, variant, eventTimeMs, atMs, rows, error }: FailedRequest): void {
  const facts = {
    endpoint: endpoint.name,
    version: variant?.variant.version ?? null,
    role: variant?.role ?? null,
    status: statusOf(error),
    code: error.code,
    assignedWith: null,
    eventTimeMs,
    atMs,
    output: [],
  }
  const signature = (variant ?? endpoint.champion)?.variant.signature
  if (!rows || !signature || rows.count === 0) return raw.add({ id, ...facts }, undefined)
  const { redact } = endpoint.config.options
  for (let row = 0; row < rows.count; row++)
    raw.add({ id: rowId(id, row, rows.count), ...facts }, { columns: rows.columns, row, signature, redact })
}

/** Of several rows in one request, each has its place after the request's id. */
const rowId = (id: string, row: number, rows: number): string => (rows === 1 ? id : `${id}.${row}`)

/** Calls `done` once, when the shadow had its turn. */
function scoreByShadow(
  { executor, nowMs }: PredictionLogDeps,
  { answer, shadow }: { answer: LoggedAnswer; shadow: VariantRuntime },
  done: (score: Score) => void,
): void {
  const queue = shadow.loaded!.shadowQueue
  const { rows, columns, eventTimeMs } = answer
  const { version } = shadow.variant
  const counted = { assignedWith: 0, eventTimeMs, rows }
  try {
    enqueue(queue, {
      columns,
      rows,
      enqueuedMs: nowMs(),
      lane: laneOf(0),
      expiresAtMs: Infinity,
      answer: () => undefined,
      refuse: () => done({ version, found: undefined }),
      settle({ predictions, offset, error, aloneMs, inferMs }, { batch, from }) {
        const found = error ? undefined : { predictions, offset }
        shadow.counters.count('shadow', { ...counted, from, batch, aloneMs, inferMs, answer: found })
        done({ version, found })
      },
    })
  } catch (error) {
    // Rows that the answering version took and the shadow does not: the shadow's failure.
    if (!(error instanceof DomainError)) throw error
    shadow.counters.count('shadow', {
      ...counted,
      from: 0,
      batch: undefined,
      aloneMs: undefined,
      inferMs: undefined,
      answer: undefined,
    })
    done({ version, found: undefined })
    return
  }
  executor.wakeLater(queue)
}

/** Of two probabilities the positive class's says all. */
function outputOf(variant: VariantRuntime, predictions: Predictions, row: number): number[] {
  if (variant.variant.signature.task === 'binary')
    return [predictions.values[row * predictions.width + predictions.width - 1]!]
  return Array.from(predictions.values.subarray(row * predictions.width, (row + 1) * predictions.width))
}

function recordOf(answer: LoggedAnswer, scores: readonly Score[], row: number): PredictionRecord {
  const { id, endpoint, variant, outcome, rows } = answer
  return {
    id: rowId(id, row, rows),
    endpoint: endpoint.name,
    version: variant.variant.version,
    role: variant.role === 'canary' ? 'canary' : 'champion',
    assignedWith: answer.assignedWith,
    eventTimeMs: answer.eventTimeMs,
    atMs: answer.atMs,
    output: outputOf(variant, outcome.predictions, outcome.offset + row),
    // A candidate of the same task: the shape of its answer is the answering version's.
    shadows: scores.map(({ version, found }) => ({
      version,
      output: found ? outputOf(variant, found.predictions, found.offset + row) : null,
    })),
  }
}
