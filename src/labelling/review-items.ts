// The traces of a review queue, and how far their review is.
import type { Actor } from '../governance/audit.ts'
import type { Db, Transaction } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import type { TraceTables } from '../tracing/tables.ts'
import {
  readCompletedBy,
  readField,
  readItemIds,
  reviewItemNotFound,
  type ReviewItem,
  type ReviewStatus,
} from './review-queue.ts'
import { getReviewQueue } from './review-queues.ts'
import {
  insertItems,
  knownTraces,
  readItemPage,
  readItems,
  removeItems,
  removeItemsOfTraces,
  updateItem,
  type ItemPage,
} from './stores/review-item-store.ts'
import type { LabellingTables } from './tables.ts'

type Trx = Transaction<LabellingTables & TraceTables>
export type ReviewTables = LabellingTables & TraceTables

/**
 * Traces of the queue's experiment; one that is in the queue stays as it is. Answers the items in the order of `ids`.
 * @throws DomainError review_queue_not_found, review_queue_invalid, review_trace_not_found
 */
export async function addReviewItems(
  trx: Trx,
  actor: Actor,
  { queueId, ids }: { queueId: string; ids: readonly string[] },
): Promise<ReviewItem[]> {
  const traceIds = readItemIds(ids)
  const { experimentId } = await getReviewQueue(trx, queueId)
  const known = await knownTraces(trx, experimentId, traceIds)
  const missing = traceIds.filter((id) => !known.has(id)).map((id) => `'${id}'`)
  if (missing.length > 0) {
    throw new DomainError(
      'not_found',
      'review_trace_not_found',
      `Cannot attach trace(s) [${missing.join(', ')}] to review queue '${queueId}': they do not exist in experiment '${experimentId}'.`,
    )
  }
  const atMs = actor.clock()
  const item = { queueId, status: 'pending', completedBy: null, completedAtMs: null } as const
  await insertItems(
    trx,
    traceIds.map((traceId) => ({ ...item, traceId, createdAtMs: atMs, updatedAtMs: atMs })),
  )
  return readItems(trx, queueId, traceIds)
}

/** Idempotent. @throws DomainError review_queue_not_found, review_queue_invalid */
export async function removeReviewItems(
  trx: Trx,
  { queueId, ids }: { queueId: string; ids: readonly string[] },
): Promise<void> {
  const traceIds = readItemIds(ids)
  await getReviewQueue(trx, queueId)
  await removeItems(trx, queueId, traceIds)
}

/** Of traces that are deleted: nobody can review them. */
export const forgetTraces = (trx: Trx, traceIds: readonly string[]): Promise<void> => removeItemsOfTraces(trx, traceIds)

/** @throws DomainError review_queue_not_found */
export async function listReviewItems(db: Db<LabellingTables>, page: ItemPage): Promise<ReviewItem[]> {
  await getReviewQueue(db, page.queueId)
  return readItemPage(db, page)
}

/**
 * An item that has the status already stays as it is, so that nobody takes another's answer over.
 * @throws DomainError review_queue_invalid, review_queue_not_found, review_item_not_found
 */
export async function setReviewStatus(
  trx: Trx,
  actor: Actor,
  sent: { queueId: string; traceId: string; status: ReviewStatus; completedBy?: string | undefined },
): Promise<ReviewItem> {
  const { queueId, status } = sent
  const traceId = readField('item_id', sent.traceId)
  const completedBy = readCompletedBy(status, sent.completedBy)
  await getReviewQueue(trx, queueId)
  const [item] = await readItems(trx, queueId, [traceId])
  if (!item) throw reviewItemNotFound(queueId, traceId)
  if (item.status === status) return item
  const atMs = actor.clock()
  const after = { ...item, status, completedBy, completedAtMs: completedBy === null ? null : atMs, updatedAtMs: atMs }
  await updateItem(trx, after)
  return after
}
