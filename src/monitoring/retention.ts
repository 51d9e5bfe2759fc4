// How long predictions are kept: by age and by number. Aggregates stay; an outcome that comes later waits as unmatched until its own time is over.
import { on, transact, type Connection, type Transaction } from '../platform/database.ts'
import type { MonitoringTables } from './tables.ts'

export interface Retention {
  /** Older predictions (by the wall time of their answer), and outcomes without a prediction, are deleted. */
  readonly ageMsMax: number
  /** Of each endpoint, the newest so many are kept. */
  readonly rowsMax: number
}

/** Rows of one transaction: small, so that answers and reports do not wait. */
const rowsPerStep = 2_000

/** Deletes what is past its time, in small transactions; answers how many predictions went. Stops early when the signal aborts. */
export async function applyRetention(
  db: Connection<MonitoringTables>,
  { ageMsMax, rowsMax }: Retention,
  { nowMs, signal }: { nowMs: number; signal?: AbortSignal },
): Promise<number> {
  const oldestMs = nowMs - ageMsMax
  let deleted = 0
  const endpoints = await on(db).selectFrom('prediction').select('endpoint').distinct().execute()
  for (const { endpoint } of endpoints) {
    const beyond = await on(db)
      .selectFrom('prediction')
      .select('at_ms')
      .where('endpoint', '=', endpoint)
      .orderBy('at_ms', 'desc')
      .offset(rowsMax)
      .limit(1)
      .executeTakeFirst()
    // Those answered in the very millisecond of the first one too many go with it.
    const beforeMs = Math.max(oldestMs, beyond ? beyond.at_ms + 1 : oldestMs)
    for (let step = rowsPerStep; step === rowsPerStep && !signal?.aborted; deleted += step) {
      step = await transact(db, (trx) => deletePredictions(trx, { endpoint, beforeMs }))
    }
  }
  await transact(db, (trx) =>
    on(trx).deleteFrom('outcome').where('state', '!=', 'joined').where('received_ms', '<', oldestMs).execute(),
  )
  return deleted
}

async function deletePredictions(
  trx: Transaction<MonitoringTables>,
  { endpoint, beforeMs }: { endpoint: string; beforeMs: number },
): Promise<number> {
  const rows = await on(trx)
    .selectFrom('prediction')
    .select('id')
    .where('endpoint', '=', endpoint)
    .where('at_ms', '<', beforeMs)
    .orderBy('at_ms')
    .limit(rowsPerStep)
    .execute()
  const ids = rows.map(({ id }) => id)
  if (ids.length === 0) return 0
  await on(trx).deleteFrom('outcome').where('prediction_id', 'in', ids).execute()
  await on(trx).deleteFrom('prediction').where('id', 'in', ids).execute()
  return ids.length
}
