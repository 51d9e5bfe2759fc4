// The watermark of an endpoint: the event time up to which nothing more is expected. Stored, never going back.
import { on, type Db, type Transaction } from '../platform/database.ts'
import type { MonitoringTables } from './tables.ts'

type Tables = Pick<MonitoringTables, 'watermark'>

/** The largest accepted event time less the allowed lateness, as Unix time; undefined before the first prediction. */
export async function watermarkMs(db: Db<Tables>, endpoint: string): Promise<number | undefined> {
  const row = await on(db)
    .selectFrom('watermark')
    .select(['watermark_ms', 'largest_event_ms'])
    .where('endpoint', '=', endpoint)
    .executeTakeFirst()
  return row && row.largest_event_ms > 0 ? row.watermark_ms : undefined
}

/** Says that event times up to this one were accepted. */
export async function advanceWatermark(
  trx: Transaction<Tables>,
  { endpoint, eventTimeMs }: { endpoint: string; eventTimeMs: number },
): Promise<void> {
  const before = await on(trx).selectFrom('watermark').selectAll().where('endpoint', '=', endpoint).executeTakeFirst()
  if (before && before.largest_event_ms >= eventTimeMs) return
  const lateness = before?.lateness_ms ?? 0
  await put(trx, {
    endpoint,
    largest_event_ms: eventTimeMs,
    watermark_ms: Math.max(before?.watermark_ms ?? 0, eventTimeMs - lateness),
    lateness_ms: lateness,
  })
}

/** How late events may come, from now on; 0 until it is said. A longer lateness holds the watermark where it is until events pass it. */
export async function setAllowedLateness(
  trx: Transaction<Tables>,
  { endpoint, latenessMs }: { endpoint: string; latenessMs: number },
): Promise<void> {
  const before = await on(trx).selectFrom('watermark').selectAll().where('endpoint', '=', endpoint).executeTakeFirst()
  const largest = before?.largest_event_ms ?? 0
  await put(trx, {
    endpoint,
    largest_event_ms: largest,
    watermark_ms: Math.max(before?.watermark_ms ?? 0, largest - latenessMs),
    lateness_ms: latenessMs,
  })
}

async function put(trx: Transaction<Tables>, row: MonitoringTables['watermark']): Promise<void> {
  const { endpoint: _, ...change } = row
  await on(trx)
    .insertInto('watermark')
    .values(row)
    .onConflict((c) => c.column('endpoint').doUpdateSet(change))
    .execute()
}
