// How long predictions are kept: by age and by number. Aggregates stay; an outcome that comes later waits as unmatched until its own time is over.
import { on, transact, type Connection, type Db } from '../platform/database.ts'
import { dayMsLength } from './aggregates/arm.ts'
import { listMonitors } from './monitors/monitor-store.ts'
import type { MonitoringTables } from './tables.ts'

export interface Retention {
  /** Older predictions (by the wall time of their answer), and outcomes without a prediction, are deleted. */
  readonly ageMsMax: number
  /** Of each endpoint, about the newest so many are kept. */
  readonly rowsMax: number
}

export interface RetentionRun {
  /** Wall time. */
  readonly nowMs: number
  /** Event time from which on an endpoint's predictions are kept whatever the limits say, for their outcomes are awaited; infinite: none are. */
  readonly neededFromMs: (endpoint: string) => Promise<number>
  /** Stops early. */
  readonly signal?: AbortSignal
}

export interface Deleted {
  readonly predictions: number
  readonly outcomes: number
}

/** Rows of one transaction or look: small, so that answers and reports do not wait. */
const rowsPerStep = 2_000
const rowsPerLook = 20_000

/** Deletes what is past its time, in small transactions, with the outcomes that it had. */
export async function applyRetention(
  db: Connection<MonitoringTables>,
  { ageMsMax, rowsMax }: Retention,
  run: RetentionRun,
): Promise<Deleted> {
  const oldestMs = run.nowMs - ageMsMax
  const deleted = { predictions: 0, outcomes: 0 }
  // Its sums name every endpoint that ever had predictions, in a few rows.
  const endpoints = await on(db).selectFrom('performance').select('endpoint').distinct().execute()
  for (const { endpoint } of endpoints) {
    const beforeMs = Math.max(oldestMs, await surplusBeforeMs(db, { endpoint, rowsMax }))
    const neededFromMs = await run.neededFromMs(endpoint)
    for (;;) {
      if (run.signal?.aborted) return deleted
      const step = await deleteStep(db, { endpoint, beforeMs, neededFromMs })
      deleted.predictions += step.predictions
      deleted.outcomes += step.outcomes
      // Answers come in about the order of their event times: where one step finds nothing that may go, the next would not either.
      if (step.predictions === 0) break
    }
  }
  deleted.outcomes += await deleteUnjoined(db, oldestMs)
  return deleted
}

/**
 * Event time from which on predictions are needed: as far back as the longest of the endpoint's monitors looks (its window and the delay of
 * outcomes), seen from `policyNowMs`.
 */
export async function monitorsNeedFromMs(
  db: Db<MonitoringTables>,
  { endpoint, policyNowMs }: { endpoint: string; policyNowMs: number },
): Promise<number> {
  const monitors = await listMonitors(db, endpoint)
  const spans = monitors.map(({ monitor }) => monitor.windowDays * dayMsLength + monitor.outcomeDelayMs)
  return monitors.length === 0 ? Number.POSITIVE_INFINITY : policyNowMs - Math.max(...spans)
}

/** Wall time before which lies what is more than `rowsMax` rows; found from the newest on, in looks that each are short. */
async function surplusBeforeMs(
  db: Connection<MonitoringTables>,
  { endpoint, rowsMax }: { endpoint: string; rowsMax: number },
): Promise<number> {
  let boundMs = Number.MAX_SAFE_INTEGER
  for (let left = rowsMax; ; left -= rowsPerLook) {
    const row = await on(db)
      .selectFrom('prediction')
      .select('at_ms')
      .where('endpoint', '=', endpoint)
      .where('at_ms', '<', boundMs)
      .orderBy('at_ms', 'desc')
      .offset(Math.min(left, rowsPerLook))
      .limit(1)
      .executeTakeFirst()
    if (!row) return Number.MIN_SAFE_INTEGER
    // Those answered in the very millisecond of the first one too many go with it.
    if (left <= rowsPerLook) return row.at_ms + 1
    boundMs = row.at_ms + 1
  }
}

interface Doomed {
  readonly endpoint: string
  /** Wall time of the answer. */
  readonly beforeMs: number
  readonly neededFromMs: number
}

/** The oldest rows that may go, at most one step of them. */
async function deleteStep(
  db: Connection<MonitoringTables>,
  { endpoint, beforeMs, neededFromMs }: Doomed,
): Promise<Deleted> {
  return transact(db, async (trx) => {
    const rows = await on(trx)
      .selectFrom('prediction')
      .select(['id', 'event_time_ms'])
      .where('endpoint', '=', endpoint)
      .where('at_ms', '<', beforeMs)
      .orderBy('at_ms')
      .limit(rowsPerStep)
      .execute()
    const ids = rows.filter(({ event_time_ms: timeMs }) => timeMs < neededFromMs).map(({ id }) => id)
    if (ids.length === 0) return { predictions: 0, outcomes: 0 }
    const gone = await on(trx).deleteFrom('outcome').where('prediction_id', 'in', ids).executeTakeFirst()
    await on(trx).deleteFrom('prediction').where('id', 'in', ids).execute()
    return { predictions: ids.length, outcomes: Number(gone.numDeletedRows) }
  })
}

/** Outcomes whose prediction never came, or came and did not fit. */
async function deleteUnjoined(db: Connection<MonitoringTables>, oldestMs: number): Promise<number> {
  const gone = await transact(db, (trx) =>
    on(trx).deleteFrom('outcome').where('state', '!=', 'joined').where('received_ms', '<', oldestMs).executeTakeFirst(),
  )
  return Number(gone.numDeletedRows)
}
