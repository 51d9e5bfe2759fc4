// MLflow's methods of review queues and their items.
import type { LabellingWriteTables } from '../../labelling/evaluation-datasets.ts'
import {
  addReviewItems,
  listReviewItems,
  removeReviewItems,
  setReviewStatus,
  type ReviewTables,
} from '../../labelling/review-items.ts'
import { readItemIds, type ReviewItem, type ReviewQueue, type ReviewStatus } from '../../labelling/review-queue.ts'
import {
  changeReviewQueue,
  createReviewQueue,
  deleteReviewQueue,
  ensureUserQueue,
  getReviewQueue,
  getReviewQueueByName,
  listReviewQueues,
} from '../../labelling/review-queues.ts'
import { transact, type Connection } from '../../platform/database.ts'
import { invalidParameter } from '../wire/errors.ts'
import type * as wire from '../generated/messages.ts'
import type { Methods } from '../wire/method.ts'
import { experimentIdOf } from '../tracking/experiment-ids.ts'
import { limitOf, listed, offsetOf, pageOf } from './offset-pages.ts'

export interface ReviewDeps {
  readonly db: Connection<LabellingWriteTables & ReviewTables>
}

const pageDefault = 1000

const queueOf = (queue: ReviewQueue): wire.ReviewQueue => ({
  queue_id: queue.id,
  experiment_id: String(queue.experimentId),
  name: queue.name,
  queue_type: queue.type === 'user' ? 'USER' : 'CUSTOM',
  created_by: queue.createdBy ?? undefined,
  creation_time_ms: queue.createdAtMs,
  last_update_time_ms: queue.updatedAtMs,
  ...listed('users', queue.users),
  ...listed('schema_ids', queue.schemaIds),
})

const wireStatusOf = { pending: 'PENDING', complete: 'COMPLETE', declined: 'DECLINED' } as const

const itemOf = (item: ReviewItem): wire.ReviewQueueItem => ({
  queue_id: item.queueId,
  item_type: 'TRACE',
  item_id: item.traceId,
  status: wireStatusOf[item.status],
  completed_by: item.completedBy ?? undefined,
  completed_time_ms: item.completedAtMs ?? undefined,
  creation_time_ms: item.createdAtMs,
  last_update_time_ms: item.updatedAtMs,
})

const statusOf = (status: wire.ReviewStatus | undefined): ReviewStatus | undefined =>
  (Object.keys(wireStatusOf) as ReviewStatus[]).find((each) => wireStatusOf[each] === status)

function queueTypeOf(type: wire.ReviewQueueType | undefined): ReviewQueue['type'] {
  if (type === 'USER') return 'user'
  if (type === 'CUSTOM') return 'custom'
  throw invalidParameter('`queue_type` must be one of USER or CUSTOM; got proto enum value 0.')
}

const queueMethods: Methods<ReviewDeps> = {
  createReviewQueue: {
    permission: 'run.write',
    async handle({ db }, { request, actor }) {
      const made = {
        type: queueTypeOf(request.queue_type),
        experimentId: experimentIdOf(request.experiment_id ?? ''),
        name: request.name ?? '',
        createdBy: null, // Without authentication nobody owns a queue; the client is not asked.
        users: request.users ?? [],
        schemaIds: request.schema_ids ?? [],
      }
      return { review_queue: queueOf(await transact(db, (trx) => createReviewQueue(trx, actor, made))) }
    },
  },
  getOrCreateUserQueue: {
    permission: 'run.write',
    async handle({ db }, { request, actor }) {
      const which = { experimentId: experimentIdOf(request.experiment_id ?? ''), user: request.user ?? '' }
      return { review_queue: queueOf(await transact(db, (trx) => ensureUserQueue(trx, actor, which))) }
    },
  },
  getReviewQueue: {
    permission: 'run.read',
    handle: async ({ db }, { request }) => ({
      review_queue: queueOf(await getReviewQueue(db, request.queue_id ?? '')),
    }),
  },
  getReviewQueueByName: {
    permission: 'run.read',
    async handle({ db }, { request }) {
      const which = { experimentId: experimentIdOf(request.experiment_id ?? ''), name: request.name ?? '' }
      return { review_queue: queueOf(await getReviewQueueByName(db, which)) }
    },
  },
  listReviewQueues: {
    permission: 'run.read',
    async handle({ db }, { request }) {
      const limit = limitOf(request.max_results, pageDefault)
      const offset = offsetOf(request.page_token)
      const { user, item_id: traceId } = request
      const experimentId = experimentIdOf(request.experiment_id ?? '')
      const found = await listReviewQueues(db, { experimentId, user, traceId, limit: limit + 1, offset })
      const { page, next } = pageOf(found, { limit, offset })
      return { ...listed('review_queues', page.map(queueOf)), next_page_token: next }
    },
  },
  updateReviewQueue: {
    permission: 'run.write',
    async handle({ db }, { request, actor }) {
      const change = {
        users: request.update_users ? (request.users ?? []) : undefined,
        schemaIds: request.update_schema_ids ? (request.schema_ids ?? []) : undefined,
        name: request.name,
        newOwner: request.new_owner,
      }
      const changed = { id: request.queue_id ?? '', ...change }
      return { review_queue: queueOf(await transact(db, (trx) => changeReviewQueue(trx, actor, changed))) }
    },
  },
  deleteReviewQueue: {
    permission: 'run.write',
    async handle({ db }, { request, actor }) {
      await transact(db, (trx) => deleteReviewQueue(trx, actor, request.queue_id ?? ''))
      return {}
    },
  },
}

const itemMethods: Methods<ReviewDeps> = {
  addItemsToReviewQueue: {
    permission: 'run.write',
    async handle({ db }, { request, actor }) {
      const added = { queueId: request.queue_id ?? '', ids: readItemIds(request.item_ids ?? []) }
      return listed('items', (await transact(db, (trx) => addReviewItems(trx, actor, added))).map(itemOf))
    },
  },
  removeItemsFromReviewQueue: {
    permission: 'run.write',
    async handle({ db }, { request }) {
      const removed = { queueId: request.queue_id ?? '', ids: request.item_ids ?? [] }
      await transact(db, (trx) => removeReviewItems(trx, removed))
      return {}
    },
  },
  listReviewQueueItems: {
    permission: 'run.read',
    async handle({ db }, { request }) {
      const limit = limitOf(request.max_results, pageDefault)
      const offset = offsetOf(request.page_token)
      const sought = { queueId: request.queue_id ?? '', status: statusOf(request.status), limit: limit + 1, offset }
      const { page, next } = pageOf(await listReviewItems(db, sought), { limit, offset })
      return { ...listed('items', page.map(itemOf)), next_page_token: next }
    },
  },
  setReviewQueueItemStatus: {
    permission: 'run.write',
    async handle({ db }, { request, actor }) {
      const status = statusOf(request.status)
      if (!status) {
        throw invalidParameter('`status` must be one of PENDING, COMPLETE, or DECLINED; got proto enum value 0.')
      }
      const { queue_id: queueId = '', item_id: traceId = '', completed_by: completedBy } = request
      const set = { queueId, traceId, status, completedBy }
      return { item: itemOf(await transact(db, (trx) => setReviewStatus(trx, actor, set))) }
    },
  },
}

export const reviewMethods: Methods<ReviewDeps> = { ...queueMethods, ...itemMethods }
