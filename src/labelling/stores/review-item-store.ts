// The only file that reads or writes the table review_item.
import { on, type Db, type Transaction } from '../../platform/database.ts'
import type { TraceTables } from '../../tracing/tables.ts'
import type { ReviewItem, ReviewStatus } from '../review-queue.ts'
import { chunksOf } from '../../platform/chunks.ts'
import type { LabellingTables } from '../tables.ts'

type Row = LabellingTables['review_item']
type Trx = Transaction<LabellingTables>

const itemOf = (row: Row): ReviewItem => ({
  queueId: row.queue_id,
  traceId: row.trace_id,
  status: row.status as ReviewStatus,
  completedBy: row.completed_by,
  completedAtMs: row.completed_at_ms,
  createdAtMs: row.created_at_ms,
  updatedAtMs: row.updated_at_ms,
})

/** One that is there already stays as it is. */
export async function insertItems(trx: Trx, items: readonly ReviewItem[]): Promise<void> {
  for (const chunk of chunksOf(items)) {
    const rows = chunk.map((item) => ({
      queue_id: item.queueId,
      trace_id: item.traceId,
      status: item.status,
      completed_by: item.completedBy,
      completed_at_ms: item.completedAtMs,
      created_at_ms: item.createdAtMs,
      updated_at_ms: item.updatedAtMs,
    }))
    await on(trx)
      .insertInto('review_item')
      .values(rows)
      .onConflict((c) => c.doNothing())
      .execute()
  }
}

/** In the order of `traceIds`; those without an item are left out. */
export async function readItems(
  db: Db<LabellingTables>,
  queueId: string,
  traceIds: readonly string[],
): Promise<ReviewItem[]> {
  const found = new Map<string, ReviewItem>()
  for (const chunk of chunksOf(traceIds)) {
    const rows = await on(db)
      .selectFrom('review_item')
      .selectAll()
      .where('queue_id', '=', queueId)
      .where('trace_id', 'in', chunk)
      .execute()
    for (const row of rows) found.set(row.trace_id, itemOf(row))
  }
  return traceIds.flatMap((id) => found.get(id) ?? [])
}

export interface ItemPage {
  readonly queueId: string
  readonly status?: ReviewStatus | undefined
  readonly limit: number
  readonly offset: number
}

/** The newest first. */
export async function readItemPage(db: Db<LabellingTables>, page: ItemPage): Promise<ReviewItem[]> {
  let query = on(db).selectFrom('review_item').selectAll().where('queue_id', '=', page.queueId)
  if (page.status) query = query.where('status', '=', page.status)
  const rows = await query
    .orderBy('created_at_ms', 'desc')
    .orderBy('trace_id')
    .limit(page.limit)
    .offset(page.offset)
    .execute()
  return rows.map(itemOf)
}

export async function hasItems(db: Db<LabellingTables>, queueId: string): Promise<boolean> {
  const row = await on(db)
    .selectFrom('review_item')
    .select('trace_id')
    .where('queue_id', '=', queueId)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

export async function removeItems(trx: Trx, queueId: string, traceIds: readonly string[]): Promise<void> {
  for (const chunk of chunksOf(traceIds)) {
    await on(trx).deleteFrom('review_item').where('queue_id', '=', queueId).where('trace_id', 'in', chunk).execute()
  }
}

/** In every queue. */
export async function removeItemsOfTraces(trx: Trx, traceIds: readonly string[]): Promise<void> {
  for (const chunk of chunksOf(traceIds))
    await on(trx).deleteFrom('review_item').where('trace_id', 'in', chunk).execute()
}

export async function updateItem(trx: Trx, item: ReviewItem): Promise<void> {
  await on(trx)
    .updateTable('review_item')
    .set({
      status: item.status,
      completed_by: item.completedBy,
      completed_at_ms: item.completedAtMs,
      updated_at_ms: item.updatedAtMs,
    })
    .where('queue_id', '=', item.queueId)
    .where('trace_id', '=', item.traceId)
    .execute()
}

/** Those of `traceIds` that are traces of the experiment. */
export async function knownTraces(
  db: Db<TraceTables>,
  experimentId: number,
  traceIds: readonly string[],
): Promise<Set<string>> {
  const known = new Set<string>()
  for (const chunk of chunksOf(traceIds)) {
    const rows = await on(db)
      .selectFrom('trace')
      .select('id')
      .where('id', 'in', chunk)
      .where('experiment_id', '=', experimentId)
      .execute()
    for (const { id } of rows) known.add(id)
  }
  return known
}
