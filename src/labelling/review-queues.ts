// Making, changing and deleting review queues.
import type { ExperimentTables } from '../experiments/tables.ts'
import { recordAudit, type Actor } from '../governance/audit.ts'
import type { Db, Transaction } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import { hexId } from '../platform/ids.ts'
import type { LabellingWriteTables } from './evaluation-datasets.ts'
import { assertExperiment } from './experiment-scope.ts'
import {
  readCustomName,
  readField,
  readNewQueue,
  readSchemaIds,
  readUsers,
  reviewError,
  reviewQueueExists,
  reviewQueueNotFound,
  userOf,
  type ReviewQueue,
} from './review-queue.ts'
import { knownSchemas } from './stores/label-schema-store.ts'
import { hasItems } from './stores/review-item-store.ts'
import {
  findQueueByName,
  insertQueue,
  readQueue,
  readQueues,
  removeQueue,
  updateQueue,
  type QueuePage,
} from './stores/review-queue-store.ts'
import type { LabellingTables } from './tables.ts'

type Trx = Transaction<LabellingWriteTables>

const subjectOf = (id: string): string => `review_queue:${id}`

/** @throws DomainError review_queue_invalid, review_queue_exists, experiment_not_found */
export async function createReviewQueue(
  trx: Trx,
  actor: Actor,
  made: Pick<ReviewQueue, 'experimentId' | 'name' | 'type' | 'createdBy' | 'users' | 'schemaIds'>,
): Promise<ReviewQueue> {
  const { experimentId, type, createdBy } = made
  const read = readNewQueue(made)
  await assertExperiment(trx, experimentId)
  await assertSchemas(trx, experimentId, read.schemaIds)
  if (await findQueueByName(trx, { experimentId, name: read.name })) throw reviewQueueExists(read.name)
  const atMs = actor.clock()
  const id = `rq-${hexId()}`
  await insertQueue(trx, { id, experimentId, type, createdBy, ...read, createdAtMs: atMs, updatedAtMs: atMs })
  const detail = { name: read.name, experimentId }
  await recordAudit(trx, actor, { action: 'review_queue.create', subject: subjectOf(id), detail })
  return getReviewQueue(trx, id)
}

async function assertSchemas(db: Db<LabellingTables>, experimentId: number, ids: readonly string[]): Promise<void> {
  const known = await knownSchemas(db, experimentId, ids)
  const missing = ids.filter((id) => !known.has(id)).map((id) => `'${id}'`)
  if (missing.length === 0) return
  throw reviewError(`Label schema id(s) [${missing.join(', ')}] not found for experiment '${experimentId}'.`)
}

/** The person's own queue, made when there is none. @throws DomainError review_queue_invalid, review_queue_exists, experiment_not_found */
export async function ensureUserQueue(
  trx: Trx,
  actor: Actor,
  { experimentId, user }: { experimentId: number; user: string },
): Promise<ReviewQueue> {
  const name = userOf(user)
  const found = await findQueueByName(trx, { experimentId, name })
  if (!found) {
    const made = { experimentId, name, type: 'user', createdBy: name, users: [], schemaIds: [] } as const
    return createReviewQueue(trx, actor, made)
  }
  if (found.type === 'user') return found
  throw new DomainError(
    'conflict',
    'review_queue_exists',
    `A non-user queue named '${name}' already exists; cannot get-or-create a user queue with that name.`,
  )
}

/** @throws DomainError review_queue_not_found */
export async function getReviewQueue(db: Db<LabellingTables>, id: string): Promise<ReviewQueue> {
  const queue = await readQueue(db, id)
  if (!queue) throw reviewQueueNotFound(id)
  return queue
}

/** @throws DomainError review_queue_not_found, experiment_not_found */
export async function getReviewQueueByName(
  db: Db<LabellingTables & ExperimentTables>,
  which: Pick<ReviewQueue, 'experimentId' | 'name'>,
): Promise<ReviewQueue> {
  await assertExperiment(db, which.experimentId)
  const queue = await findQueueByName(db, which)
  if (!queue) throw reviewQueueNotFound(which)
  return queue
}

/** The newest first; those of a person, or with a trace, when these are named. @throws DomainError experiment_not_found */
export async function listReviewQueues(
  db: Db<LabellingTables & ExperimentTables>,
  page: QueuePage,
): Promise<ReviewQueue[]> {
  await assertExperiment(db, page.experimentId)
  return readQueues(db, { ...page, user: page.user === undefined ? undefined : userOf(page.user) })
}

export interface ReviewQueueChange {
  readonly users?: readonly string[] | undefined
  /** Only while the queue is empty: who has begun to answer keeps the questions. */
  readonly schemaIds?: readonly string[] | undefined
  readonly name?: string | undefined
  readonly newOwner?: string | undefined
}

/** What is not named stays. @throws DomainError review_queue_not_found, review_queue_invalid, review_queue_exists */
export async function changeReviewQueue(
  trx: Trx,
  actor: Actor,
  { id, ...change }: { id: string } & ReviewQueueChange,
): Promise<ReviewQueue> {
  const before = await getReviewQueue(trx, id)
  if (before.type === 'user') {
    throw reviewError("A user queue's name, assigned user, schemas, and owner are fixed and cannot be updated.")
  }
  if (Object.values(change).every((value) => value === undefined)) return before
  const after = {
    ...before,
    createdBy: change.newOwner === undefined ? before.createdBy : readField('new_owner', change.newOwner),
    name: change.name === undefined ? before.name : readCustomName(change.name),
    users: change.users ? readUsers(change.users) : before.users,
    schemaIds: change.schemaIds ? await readQuestions(trx, before, change.schemaIds) : before.schemaIds,
    updatedAtMs: actor.clock(),
  }
  const taken = await findQueueByName(trx, after)
  if (taken && taken.id !== id) throw reviewQueueExists(after.name)
  await updateQueue(trx, after)
  await recordAudit(trx, actor, { action: 'review_queue.change', subject: subjectOf(id), detail: change })
  return getReviewQueue(trx, id)
}

async function readQuestions(trx: Trx, queue: ReviewQueue, sent: readonly string[]): Promise<string[]> {
  if (await hasItems(trx, queue.id)) {
    throw reviewError(
      "A review queue's questions are locked once items are assigned to it. Remove the items before changing its questions.",
    )
  }
  const ids = readSchemaIds(sent)
  await assertSchemas(trx, queue.experimentId, ids)
  return ids
}

/** With its items; the answers stay. Nothing happens where there is none. */
export async function deleteReviewQueue(trx: Trx, actor: Actor, id: string): Promise<void> {
  const queue = await readQueue(trx, id)
  if (!queue) return
  await removeQueue(trx, id)
  const detail = { name: queue.name }
  await recordAudit(trx, actor, { action: 'review_queue.delete', subject: subjectOf(id), detail })
}
