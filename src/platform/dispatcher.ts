// The dispatcher: hands every event of the outbox to each of its consumers, at least once and in order, and remembers how far each has come.
import { sleep } from './clock.ts'
import { on, transact, type Connection, type Db } from './database.ts'
import { messageOf } from './errors.ts'
import { readEvents, type EventTables, type StoredEvent } from './events.ts'
import type { Log } from './log.ts'

/** One receiver. */
export interface EventConsumer {
  readonly name: string
  readonly types: readonly string[]
  /** Where one that was not there before begins: at the oldest event that is stored (the default), or with what happens from then on. */
  readonly begins?: 'oldest' | 'next'
  /** Failures in a row after which an event is set aside for it (10 by default); until then, those behind it wait. */
  readonly failuresMax?: number
  /** May be called again with an event it has seen (after a crash): it must be idempotent. The signal says that the process ends. */
  handle(event: StoredEvent, signal: AbortSignal): Promise<void>
}

const retryBaseMs = 200
const retryCapMs = 30_000
const pollMs = 1_000
/** An event that is set aside is logged as an error: one poison event stops nobody. */
const failuresMaxDefault = 10

export interface Dispatcher extends AsyncDisposable {
  /** Call after a commit that may have written events; without it they are found within a second. */
  readonly wake: () => void
  /** Resolves when every consumer has handled all that was there at the call. For tests and orderly shutdown. */
  drain(): Promise<void>
  /**
   * Deletes events from before `beforeMs` (wall time) that every consumer has passed, in small transactions, and forgets how far consumers
   * had come that are no longer there. Answers how many events went; stops early when the signal aborts.
   */
  prune(limits: { readonly beforeMs: number; readonly signal?: AbortSignal }): Promise<number>
}

export interface DispatcherDeps {
  readonly db: Connection<EventTables>
  readonly log: Log
}

export function startDispatcher(deps: DispatcherDeps, consumers: readonly EventConsumer[]): Dispatcher {
  const stop = new AbortController()
  const lanes = consumers.map((consumer) => createLane(deps, consumer, stop.signal))
  return {
    wake: () => lanes.forEach((lane) => lane.wake()),
    drain: async () => void (await Promise.all(lanes.map((lane) => lane.drain()))),
    prune: (limits) => prune(deps.db, consumers, limits),
    async [Symbol.asyncDispose]() {
      stop.abort()
      lanes.forEach((lane) => lane.wake())
      await Promise.all(lanes.map((lane) => lane.finished))
    },
  }
}

type Cursor = EventTables['event_cursor']

interface Lane {
  readonly wake: () => void
  drain(): Promise<void>
  readonly finished: Promise<void>
}

function createLane(deps: DispatcherDeps, consumer: EventConsumer, stop: AbortSignal): Lane {
  let nudge = new AbortController()
  let idleWaiters: (() => void)[] = []
  const wake = (): void => nudge.abort()
  const loop = async (): Promise<void> => {
    while (!stop.aborted) {
      nudge = new AbortController()
      const next = await step(deps, consumer, stop).catch((error: unknown): Next => {
        deps.log.error('events could not be delivered', { consumer: consumer.name, error: messageOf(error) })
        return { retryInMs: retryCapMs }
      })
      if (next === 'more') continue
      // What failed waits its time: an event elsewhere is no reason to try it sooner.
      if (next !== 'idle') {
        await sleep(next.retryInMs, stop)
        continue
      }
      const waiters = idleWaiters
      idleWaiters = []
      waiters.forEach((done) => done())
      await sleep(pollMs, nudge.signal)
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

type Next = 'more' | 'idle' | { readonly retryInMs: number }

/** Handles one batch. */
async function step(deps: DispatcherDeps, consumer: EventConsumer, stop: AbortSignal): Promise<Next> {
  const { db } = deps
  const { name } = consumer
  let cursor = (await findCursor(db, name)) ?? (await beginCursor(db, consumer))
  const events = await readEvents(db, { seq: cursor.seq, types: consumer.types })
  for (const event of events) {
    try {
      await consumer.handle(event, stop)
    } catch (error) {
      // It may have been ended half-way: the next process tries again.
      return stop.aborted ? 'idle' : await putFailure(deps, consumer, { event, cursor, error })
    }
    cursor = { consumer: name, seq: event.seq, failures: 0, failed_seq: null, last_error: null }
    await putCursor(db, cursor)
    if (stop.aborted) break
  }
  return events.length > 0 ? 'more' : 'idle'
}

/** Counts the failure, or sets the event aside after too many. */
async function putFailure(
  { db, log }: DispatcherDeps,
  { name, failuresMax = failuresMaxDefault }: EventConsumer,
  { event, cursor, error }: { event: StoredEvent; cursor: Cursor; error: unknown },
): Promise<Next> {
  const { type, seq } = event
  const failures = (cursor.failed_seq === seq ? cursor.failures : 0) + 1
  const isSetAside = failures >= failuresMax
  const fields = { consumer: name, type, seq, failures, error: messageOf(error) }
  if (isSetAside) log.error('an event was set aside: its consumer failed too often', fields)
  else if (isPowerOfTwo(failures)) log.warn('an event is tried again', fields)
  await putCursor(db, {
    consumer: name,
    seq: isSetAside ? seq : cursor.seq,
    failures: isSetAside ? 0 : failures,
    failed_seq: seq,
    last_error: messageOf(error),
  })
  return { retryInMs: Math.min(retryCapMs, retryBaseMs * 2 ** failures) }
}

/** A long failure is told less and less often. */
const isPowerOfTwo = (count: number): boolean => Number.isInteger(Math.log2(count))

async function findCursor(db: Db<EventTables>, consumer: string): Promise<Cursor | undefined> {
  return on(db).selectFrom('event_cursor').selectAll().where('consumer', '=', consumer).executeTakeFirst()
}

async function beginCursor(db: Connection<EventTables>, { name, begins }: EventConsumer): Promise<Cursor> {
  const newest = begins === 'next' ? await newestSeq(db) : 0
  const cursor = { consumer: name, seq: newest, failures: 0, failed_seq: null, last_error: null }
  await putCursor(db, cursor)
  return cursor
}

async function newestSeq(db: Db<EventTables>): Promise<number> {
  const row = await on(db)
    .selectFrom('event')
    .select((e) => e.fn.max('seq').as('seq'))
    .executeTakeFirst()
  return row?.seq ?? 0
}

async function putCursor(db: Connection<EventTables>, row: Cursor): Promise<void> {
  const { consumer: _, ...change } = row
  await transact(db, (trx) =>
    on(trx)
      .insertInto('event_cursor')
      .values(row)
      .onConflict((c) => c.column('consumer').doUpdateSet(change))
      .execute(),
  )
}

/** Rows of one transaction: small, so that nobody waits for it. */
const pruneBatch = 1_000

async function prune(
  db: Connection<EventTables>,
  consumers: readonly EventConsumer[],
  { beforeMs, signal }: { readonly beforeMs: number; readonly signal?: AbortSignal },
): Promise<number> {
  await transact(db, (trx) =>
    on(trx)
      .deleteFrom('event_cursor')
      .where(
        'consumer',
        'not in',
        consumers.map(({ name }) => name),
      )
      .execute(),
  )
  let deleted = 0
  for (let seq = 0, rows = pruneBatch; rows === pruneBatch && !signal?.aborted;) {
    const cursors = await on(db).selectFrom('event_cursor').selectAll().execute()
    const isPassed = ({ seq: of, type }: { seq: number; type: string }): boolean =>
      consumers.every(
        ({ name, types }) => !types.includes(type) || of <= (cursors.find((each) => each.consumer === name)?.seq ?? 0),
      )
    const batch = await on(db)
      .selectFrom('event')
      .select(['seq', 'type', 'at_ms'])
      .where('seq', '>', seq)
      .orderBy('seq')
      .limit(pruneBatch)
      .execute()
    // Numbers and times rise together, so the first that is young enough ends the search.
    const firstYoung = batch.findIndex((event) => event.at_ms >= beforeMs)
    const old = firstYoung < 0 ? batch : batch.slice(0, firstYoung)
    const passed = old.filter(isPassed).map((event) => event.seq)
    if (passed.length > 0) {
      await transact(db, (trx) => on(trx).deleteFrom('event').where('seq', 'in', passed).execute())
    }
    deleted += passed.length
    rows = old.length
    seq = old.at(-1)?.seq ?? seq
  }
  return deleted
}
