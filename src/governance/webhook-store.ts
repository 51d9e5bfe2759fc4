// The only file that reads or writes the tables webhook and webhook_event.
import { on, type Db, type Transaction } from '../platform/database.ts'
import { webhookNotFound, type Webhook, type WebhookEvent } from './webhook.ts'

export interface WebhookTables {
  webhook: {
    id: string
    name: string
    description: string
    url: string
    is_active: number
    /** Sealed for the id of the webhook; null: what is sent is not signed. */
    secret: string | null
    created_at_ms: number
    updated_at_ms: number
  }
  /** In the order of `position`. */
  webhook_event: { webhook_id: string; event: string; position: number }
}

type Row = WebhookTables['webhook']

async function withEvents(db: Db<WebhookTables>, rows: readonly Row[]): Promise<Webhook[]> {
  if (rows.length === 0) return []
  const ids = rows.map(({ id }) => id)
  const found = await on(db).selectFrom('webhook_event').selectAll().where('webhook_id', 'in', ids).execute()
  const events = Map.groupBy(found, (row) => row.webhook_id)
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    description: row.description,
    url: row.url,
    events: (events.get(row.id) ?? [])
      .toSorted((a, b) => a.position - b.position)
      .map(({ event }) => event as WebhookEvent),
    isActive: row.is_active === 1,
    hasSecret: row.secret !== null,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  }))
}

/** @throws DomainError webhook_not_found */
export async function getWebhook(db: Db<WebhookTables>, id: string): Promise<Webhook> {
  const rows = await on(db).selectFrom('webhook').selectAll().where('id', '=', id).execute()
  const [webhook] = await withEvents(db, rows)
  if (!webhook) throw webhookNotFound(id)
  return webhook
}

export interface WebhookPlace {
  readonly createdAtMs: number
  readonly id: string
}

/** Newest first, those after `after`. */
export async function listWebhooks(
  db: Db<WebhookTables>,
  { after, limit }: { after?: WebhookPlace | undefined; limit: number },
): Promise<Webhook[]> {
  let query = on(db)
    .selectFrom('webhook')
    .selectAll()
    .orderBy('created_at_ms', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
  if (after) {
    query = query.where((e) =>
      e.or([
        e('created_at_ms', '<', after.createdAtMs),
        e.and([e('created_at_ms', '=', after.createdAtMs), e('id', '<', after.id)]),
      ]),
    )
  }
  return withEvents(db, await query.execute())
}

/** Ids of the active webhooks that want to be told of the event. */
export async function listListening(db: Db<WebhookTables>, event: WebhookEvent): Promise<string[]> {
  const rows = await on(db)
    .selectFrom('webhook_event')
    .innerJoin('webhook', 'webhook.id', 'webhook_event.webhook_id')
    .select('webhook.id')
    .where('event', '=', event)
    .where('is_active', '=', 1)
    .orderBy('webhook.id')
    .execute()
  return rows.map(({ id }) => id)
}

/** As it is stored; null: it has none. @throws DomainError webhook_not_found */
export async function readSealedSecret(db: Db<WebhookTables>, id: string): Promise<string | null> {
  const row = await on(db).selectFrom('webhook').select('secret').where('id', '=', id).executeTakeFirst()
  if (!row) throw webhookNotFound(id)
  return row.secret
}

export async function insertWebhook(trx: Transaction<WebhookTables>, row: Row): Promise<void> {
  await on(trx).insertInto('webhook').values(row).execute()
}

export async function updateWebhook(
  trx: Transaction<WebhookTables>,
  id: string,
  change: Partial<Omit<Row, 'id'>>,
): Promise<void> {
  await on(trx).updateTable('webhook').set(change).where('id', '=', id).execute()
}

/** These and no others. */
export async function setWebhookEvents(
  trx: Transaction<WebhookTables>,
  id: string,
  events: readonly WebhookEvent[],
): Promise<void> {
  await on(trx).deleteFrom('webhook_event').where('webhook_id', '=', id).execute()
  const rows = [...new Set(events)].map((event, position) => ({ webhook_id: id, event, position }))
  if (rows.length > 0) await on(trx).insertInto('webhook_event').values(rows).execute()
}

/** With its events. */
export async function removeWebhook(trx: Transaction<WebhookTables>, id: string): Promise<void> {
  await on(trx).deleteFrom('webhook').where('id', '=', id).execute()
}
