// The only file that reads or writes the tables review_queue, review_queue_user and review_queue_schema.
import { on, type Db, type Transaction } from '../../platform/database.ts'
import type { ReviewQueue } from '../review-queue.ts'
import { chunksOf } from '../../platform/chunks.ts'
import type { LabellingTables } from '../tables.ts'

type Row = LabellingTables['review_queue']
type Trx = Transaction<LabellingTables>

const rowOf = (queue: ReviewQueue): Row => ({
  id: queue.id,
  experiment_id: queue.experimentId,
  name: queue.name,
  name_key: queue.name.toLowerCase(),
  type: queue.type,
  created_by: queue.createdBy,
  created_at_ms: queue.createdAtMs,
  updated_at_ms: queue.updatedAtMs,
})

async function queuesOf(db: Db<LabellingTables>, rows: readonly Row[]): Promise<ReviewQueue[]> {
  const queues: ReviewQueue[] = []
  for (const chunk of chunksOf(rows)) {
    const ids = chunk.map(({ id }) => id)
    const users = await on(db)
      .selectFrom('review_queue_user')
      .selectAll()
      .where('queue_id', 'in', ids)
      .orderBy('user_name')
      .execute()
    const schemas = await on(db)
      .selectFrom('review_queue_schema')
      .selectAll()
      .where('queue_id', 'in', ids)
      .orderBy('schema_id')
      .execute()
    for (const row of chunk) {
      queues.push({
        id: row.id,
        experimentId: row.experiment_id,
        name: row.name,
        type: row.type as ReviewQueue['type'],
        createdBy: row.created_by,
        users: users.filter((user) => user.queue_id === row.id).map((user) => user.user_name),
        schemaIds: schemas.filter((schema) => schema.queue_id === row.id).map((schema) => schema.schema_id),
        createdAtMs: row.created_at_ms,
        updatedAtMs: row.updated_at_ms,
      })
    }
  }
  return queues
}

export async function readQueue(db: Db<LabellingTables>, id: string): Promise<ReviewQueue | undefined> {
  const rows = await on(db).selectFrom('review_queue').selectAll().where('id', '=', id).execute()
  return (await queuesOf(db, rows)).at(0)
}

/** Whatever the case of the name. */
export async function findQueueByName(
  db: Db<LabellingTables>,
  { experimentId, name }: Pick<ReviewQueue, 'experimentId' | 'name'>,
): Promise<ReviewQueue | undefined> {
  const rows = await on(db)
    .selectFrom('review_queue')
    .selectAll()
    .where('experiment_id', '=', experimentId)
    .where('name_key', '=', name.toLowerCase())
    .execute()
  return (await queuesOf(db, rows)).at(0)
}

export interface QueuePage {
  readonly experimentId: number
  readonly user?: string | undefined
  readonly traceId?: string | undefined
  readonly limit: number
  readonly offset: number
}

export async function readQueues(db: Db<LabellingTables>, page: QueuePage): Promise<ReviewQueue[]> {
  const { experimentId, user, traceId, limit, offset } = page
  let query = on(db).selectFrom('review_queue').selectAll().where('experiment_id', '=', experimentId)
  if (user !== undefined) {
    query = query.where('id', 'in', (eb) =>
      eb.selectFrom('review_queue_user').select('queue_id').where('user_name', '=', user),
    )
  }
  if (traceId !== undefined) {
    query = query.where('id', 'in', (eb) =>
      eb.selectFrom('review_item').select('queue_id').where('trace_id', '=', traceId),
    )
  }
  const rows = await query.orderBy('created_at_ms', 'desc').orderBy('id').limit(limit).offset(offset).execute()
  return queuesOf(db, rows)
}

export async function insertQueue(trx: Trx, queue: ReviewQueue): Promise<void> {
  await on(trx).insertInto('review_queue').values(rowOf(queue)).execute()
  await insertLists(trx, queue)
}

export async function updateQueue(trx: Trx, queue: ReviewQueue): Promise<void> {
  const { id, ...change } = rowOf(queue)
  await on(trx).updateTable('review_queue').set(change).where('id', '=', id).execute()
  await on(trx).deleteFrom('review_queue_user').where('queue_id', '=', id).execute()
  await on(trx).deleteFrom('review_queue_schema').where('queue_id', '=', id).execute()
  await insertLists(trx, queue)
}

async function insertLists(trx: Trx, { id, users, schemaIds }: ReviewQueue): Promise<void> {
  for (const chunk of chunksOf(users)) {
    const rows = chunk.map((user) => ({ queue_id: id, user_name: user }))
    await on(trx).insertInto('review_queue_user').values(rows).execute()
  }
  for (const chunk of chunksOf(schemaIds)) {
    const rows = chunk.map((schema) => ({ queue_id: id, schema_id: schema }))
    await on(trx).insertInto('review_queue_schema').values(rows).execute()
  }
}

/** With its lists and items. */
export async function removeQueue(trx: Trx, id: string): Promise<void> {
  await on(trx).deleteFrom('review_queue').where('id', '=', id).execute()
}
