// Events: facts that stages announce to those downstream, written in the transaction of the change (an outbox).
import { sql } from 'kysely'
import { databaseKind, on, type Db, type Migrations, type Transaction } from './database.ts'

export interface EventTables {
  event: { seq: number; at_ms: number; type: string; subject: string; payload: string }
  event_cursor: {
    consumer: string
    seq: number
    failures: number
    failed_seq: number | null
    last_error: string | null
  }
}

/** `type` is `noun.verb_in_past` (`dataset.version_created`), `subject` names what it is about, `payload` is JSON. */
export interface NewEvent {
  readonly type: string
  readonly subject: string
  readonly payload: unknown
  readonly atMs: number
}
export interface StoredEvent extends NewEvent {
  readonly seq: number
}

const batchSize = 100
const advisoryLockKey = 7_283_411

export const eventMigrations: Migrations = {
  '2026-11-21-00-event': {
    async up(db) {
      const seq =
        databaseKind(db) === 'postgres'
          ? sql`bigint generated always as identity primary key`
          : sql`integer primary key autoincrement`
      await db.schema
        .createTable('event')
        .addColumn('seq', seq)
        .addColumn('at_ms', 'bigint', (c) => c.notNull())
        .addColumn('type', 'text', (c) => c.notNull())
        .addColumn('subject', 'text', (c) => c.notNull())
        .addColumn('payload', 'text', (c) => c.notNull())
        .execute()
      await db.schema
        .createTable('event_cursor')
        .addColumn('consumer', 'text', (c) => c.primaryKey())
        .addColumn('seq', 'bigint', (c) => c.notNull())
        .addColumn('failures', 'integer', (c) => c.notNull())
        .addColumn('failed_seq', 'bigint')
        .addColumn('last_error', 'text')
        .execute()
    },
  },
}

/** Wants the transaction of the change. On PostgreSQL writers are put in one order, so that no reader passes over a later commit. */
export async function appendEvent(trx: Transaction<EventTables>, event: NewEvent): Promise<void> {
  if (databaseKind(trx) === 'postgres') await sql`select pg_advisory_xact_lock(${advisoryLockKey})`.execute(on(trx))
  const row = { at_ms: event.atMs, type: event.type, subject: event.subject, payload: JSON.stringify(event.payload) }
  await on(trx)
    .insertInto('event')
    .values(row as EventTables['event'])
    .execute()
}

export async function readEvents(
  db: Db<EventTables>,
  after: { seq: number; types?: readonly string[]; limit?: number },
): Promise<StoredEvent[]> {
  let query = on(db)
    .selectFrom('event')
    .selectAll()
    .where('seq', '>', after.seq)
    .orderBy('seq')
    .limit(after.limit ?? batchSize)
  if (after.types) query = query.where('type', 'in', [...after.types])
  const rows = await query.execute()
  return rows.map(({ at_ms: atMs, payload, ...rest }) => ({ ...rest, atMs, payload: JSON.parse(payload) as unknown }))
}
