// After the answer: shadow versions score the same rows, then the prediction goes to the report and a sample of raw rows to disk.
import { DomainError } from '../../platform/errors.ts'
import type { Predictions } from '../../models/inference.ts'
import type { PredictionRecord } from '../gateway-report.ts'
import { shadowQueueRowsMax } from '../gateway-limits.ts'
import type { EndpointRuntime, VariantRuntime } from './endpoint-runtime.ts'
import { isRunnable } from './endpoint-runtime.ts'
import type { Executor } from './executor.ts'
import type { RawLog } from './raw-log.ts'
import type { ReportBuffer } from './report-buffer.ts'
import type { RequestColumns } from '../request-rows.ts'
import { enqueue, type RunOutcome } from './version-queue.ts'

/** An answer that was sent. */
export interface LoggedAnswer {
  readonly id: string
  readonly endpoint: EndpointRuntime
  readonly variant: VariantRuntime
  readonly assignedWith: number
  readonly eventTimeMs: number
  readonly atMs: number
  readonly rows: number
  readonly columns: RequestColumns
  readonly outcome: RunOutcome
}

export interface PredictionLog {
  log(answer: LoggedAnswer): void
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
}

export function createPredictionLog(deps: PredictionLogDeps): PredictionLog {
  let rowsAnswered = 0
  let shadowRowsDropped = 0

  const finish = (answer: LoggedAnswer, scores: readonly Score[]): void => {
    for (let row = 0; row < answer.rows; row++) {
      const record = recordOf(answer, scores, row)
      deps.reports.add(record)
      deps.raw.add(record, answer.columns, row)
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
      const { shadows } = answer.endpoint
      if (shadows.length === 0) finish(answer, [])
      else scoreByShadows(answer, shadows)
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
      answer: () => undefined,
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
    id: rows === 1 ? id : `${id}.${row}`,
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
