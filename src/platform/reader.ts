// Reads beside the connection: a long history or a wide search never keeps writers or the event loop waiting.
import type { CompiledQuery, ControlledTransaction } from 'kysely'
import { databaseKind, on, type Connection } from './database.ts'
import { DomainError } from './errors.ts'

/** Rows of one chunk: few enough to be taken over in about a millisecond. */
export const chunkRows = 1000

/** How many reads may be under way and waiting; the next is told to come later (503). */
export const waitingReadsMax = 256
/** What is not taken within this time is given up: an open read keeps SQLite from reusing its log, and one of PostgreSQL's few connections. */
const stallMsDefault = 30_000
/** Of PostgreSQL's connections, those that long reads may hold. */
const cursorsMax = 3

export interface ReaderOptions {
  readonly stallMs: number
}
export const readerDefaults: ReaderOptions = { stallMs: stallMsDefault }

/** Sees what was committed before it was asked. A query is what `on(db).selectFrom(…).compile()` or `sql<Row>`…`.compile(on(db))` answers. */
export interface Reader extends AsyncDisposable {
  /** All rows at once: for queries that a `limit` bounds. @throws DomainError reads_waiting */
  all<R>(query: CompiledQuery<R>): Promise<R[]>
  /**
   * In chunks, each read when the one before is taken, of one state of the data. To stop before the end, leave the loop.
   * @throws DomainError reads_waiting; read_stalled when a chunk is not taken for half a minute
   */
  rows<R>(query: CompiledQuery<R>): AsyncIterable<R[]>
}

export const tooManyReads = (): DomainError =>
  new DomainError('unavailable', 'reads_waiting', `${waitingReadsMax} reads wait already: try again in a moment`)

export const stalled = ({ stallMs }: ReaderOptions): DomainError =>
  new DomainError(
    'unavailable',
    'read_stalled',
    `the answer was not taken for ${stallMs / 1000} s and was given up: read it again, in pages`,
  )

/** A reader that uses the connection: PostgreSQL's pool, or a SQLite in memory, which no other connection can see. */
export function readerOf<T>(db: Connection<T>, options: ReaderOptions = readerDefaults): Reader {
  const cursors = createSlots(cursorsMax)
  return {
    all: async (query) => (await on(db).executeQuery(query)).rows,
    rows: (query) =>
      databaseKind(db) === 'postgres' ? cursorRows({ db, cursors, options }, query) : listRows(db, query),
    [Symbol.asyncDispose]: async () => undefined, // The connection is its owner's.
  }
}

async function* listRows<T, R>(db: Connection<T>, query: CompiledQuery<R>): AsyncGenerator<R[]> {
  const { rows } = await on(db).executeQuery(query)
  for (let at = 0; at < rows.length; at += chunkRows) yield rows.slice(at, at + chunkRows)
}

interface CursorDeps<T> {
  readonly db: Connection<T>
  readonly cursors: Slots
  readonly options: ReaderOptions
}

/** A cursor, so that PostgreSQL keeps what was not taken yet. */
async function* cursorRows<T, R>(
  { db, cursors, options }: CursorDeps<T>,
  query: CompiledQuery<R>,
): AsyncGenerator<R[]> {
  const raw = (sql: string, parameters: readonly unknown[] = []): CompiledQuery<R> => ({ ...query, sql, parameters })
  const trx = await startInSlot(db, cursors)
  let closed: Promise<unknown> | undefined
  const close = (): Promise<unknown> => (closed ??= trx.rollback().execute().finally(cursors.give))
  try {
    await trx.executeQuery(raw(`declare history no scroll cursor for ${query.sql}`, query.parameters))
    for (;;) {
      const { rows } = await trx.executeQuery(raw(`fetch ${chunkRows} from history`))
      const timer = setTimeout(() => void close().catch(() => undefined), options.stallMs).unref()
      if (rows.length > 0) yield rows
      clearTimeout(timer)
      if (rows.length < chunkRows) return
      if (closed) throw stalled(options)
    }
  } finally {
    await close()
  }
}

async function startInSlot<T>(db: Connection<T>, cursors: Slots): Promise<ControlledTransaction<T>> {
  await cursors.take()
  try {
    return await on(db).startTransaction().setAccessMode('read only').execute()
  } catch (error) {
    cursors.give()
    throw error
  }
}

interface Slots {
  /** @throws DomainError reads_waiting */
  readonly take: () => Promise<void>
  readonly give: () => void
}

function createSlots(count: number): Slots {
  let free = count
  const waiting: (() => void)[] = []
  return {
    async take() {
      if (waiting.length >= waitingReadsMax) throw tooManyReads()
      if (free > 0) free--
      else await new Promise<void>((resolve) => void waiting.push(resolve))
    },
    give() {
      const next = waiting.shift()
      if (next) next()
      else free++
    },
  }
}
