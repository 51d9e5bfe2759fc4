// Events: facts that stages announce to those downstream, written in the transaction of the change (an outbox) and delivered at least once.
import { sql } from 'kysely'
import { databaseKind, on, transact, type Connection, type Db, type Migrations, type Transaction } from './database.ts'
import { sleep, type Clock } from './clock.ts'
import { messageOf } from './errors.ts'
import type { Log } from './log.ts'

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

/** One receiver. `handle` may be called again with an event it has seen (after a crash): it must be idempotent. */
export interface EventConsumer {
  readonly name: string
  readonly types: readonly string[]
  handle(event: StoredEvent): Promise<void>
}

const batchSize = 100
const retryBaseMs = 200
const retryCapMs = 30_000
const pollMs = 1_000
/** After so many failures in a row an event is set aside for this consumer (logged as an error), so that one poison event stops nobody. */
const maxFailures = 10
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

export interface Dispatcher extends AsyncDisposable {
  /** Call after a commit that may have written events; without it they are found within a second. */
  readonly wake: () => void
  /** Resolves when every consumer has handled all that was there at the call. For tests and orderly shutdown. */
  drain(): Promise<void>
}

export function startDispatcher(
  deps: { db: Connection<EventTables>; clock: Clock; log: Log },
  consumers: readonly EventConsumer[],
): Dispatcher {
  const stop = new AbortController()
  const lanes = consumers.map((consumer) => createLane(deps, consumer, stop.signal))
  return {
    wake: () => lanes.forEach((lane) => lane.wake()),
    drain: async () => void (await Promise.all(lanes.map((lane) => lane.drain()))),
    async [Symbol.asyncDispose]() {
      stop.abort()
      lanes.forEach((lane) => lane.wake())
      await Promise.all(lanes.map((lane) => lane.finished))
    },
  }
}

interface Lane {
  readonly wake: () => void
  drain(): Promise<void>
  readonly finished: Promise<void>
}

function createLane(deps: { db: Connection<EventTables>; log: Log }, consumer: EventConsumer, stop: AbortSignal): Lane {
  let nudge = new AbortController()
  let idleWaiters: (() => void)[] = []
  const wake = (): void => nudge.abort()
  const loop = async (): Promise<void> => {
    while (!stop.aborted) {
      nudge = new AbortController()
      const delayMs = await step(deps, consumer)
      if (delayMs === 0) continue
      if (delayMs === pollMs) {
        const waiters = idleWaiters
        idleWaiters = []
        waiters.forEach((done) => done())
      }
      await sleep(delayMs, nudge.signal)
    }
    idleWaiters.forEach((done) => done())
  }
  const drain = (): Promise<void> =>
    new Promise((resolve) => {
      idleWaiters.push(resolve)
      wake()
    })
  return { wake, drain, finished: loop() }
}

/** Handles one batch; answers how long to wait before the next. */
async function step({ db, log }: { db: Connection<EventTables>; log: Log }, consumer: EventConsumer): Promise<number> {
  let cursor: EventTables['event_cursor'] | undefined
  let current: StoredEvent | undefined
  try {
    cursor = await on(db)
      .selectFrom('event_cursor')
      .selectAll()
      .where('consumer', '=', consumer.name)
      .executeTakeFirst()
    const events = await readEvents(db, { seq: cursor?.seq ?? 0, types: consumer.types })
    for (current of events) {
      await consumer.handle(current)
      await putCursor(db, {
        consumer: consumer.name,
        seq: current.seq,
        failures: 0,
        failed_seq: null,
        last_error: null,
      })
      cursor = { consumer: consumer.name, seq: current.seq, failures: 0, failed_seq: null, last_error: null }
    }
    return events.length > 0 ? 0 : pollMs
  } catch (error) {
    if (!current) {
      log.error('events could not be read', { consumer: consumer.name, error: messageOf(error) })
      return retryCapMs
    }
    const failures = (cursor?.failed_seq === current.seq ? cursor.failures : 0) + 1
    const setAside = failures >= maxFailures
    const fields = { consumer: consumer.name, type: current.type, seq: current.seq, failures, error: messageOf(error) }
    if (setAside) log.error('an event was set aside: its consumer failed too often', fields)
    else log.warn('an event is tried again', fields)
    const seq = setAside ? current.seq : (cursor?.seq ?? 0)
    await putCursor(db, {
      consumer: consumer.name,
      seq,
      failures: setAside ? 0 : failures,
      failed_seq: current.seq,
      last_error: messageOf(error),
    })
    return Math.min(retryCapMs, retryBaseMs * 2 ** failures)
  }
}

async function putCursor(db: Connection<EventTables>, row: EventTables['event_cursor']): Promise<void> {
  const { consumer: _, ...change } = row
  await transact(db, (trx) =>
    on(trx)
      .insertInto('event_cursor')
      .values(row)
      .onConflict((c) => c.column('consumer').doUpdateSet(change))
      .execute(),
  )
}
