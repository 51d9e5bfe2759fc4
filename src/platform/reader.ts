// Reads beside the connection: a long history or a wide search never keeps writers or the event loop waiting.
import type { CompiledQuery } from 'kysely'
import { databaseKind, on, type Connection } from './database.ts'

/** Rows of one chunk: few enough to be taken over in about a millisecond. */
export const chunkRows = 1000

/** Sees what was committed before it was asked. A query is what `on(db).selectFrom(…).compile()` or `sql<Row>`…`.compile(on(db))` answers. */
export interface Reader extends AsyncDisposable {
  /** All rows at once: for queries that a `limit` bounds. @throws DomainError reads_waiting */
  all<R>(query: CompiledQuery<R>): Promise<R[]>
  /**
   * In chunks, each read when the one before is taken, of one state of the data. To stop before the end, leave the loop.
   * @throws DomainError reads_waiting; read_stalled when a chunk is not taken within `stallMs` (reader-threads.ts)
   */
  rows<R>(query: CompiledQuery<R>): AsyncIterable<R[]>
}

/** A reader that uses the connection: PostgreSQL's pool, or a SQLite in memory, which no other connection can see. */
export function readerOf<T>(db: Connection<T>): Reader {
  return {
    all: async (query) => (await on(db).executeQuery(query)).rows,
    rows: (query) => (databaseKind(db) === 'postgres' ? cursorRows(db, query) : listRows(db, query)),
    [Symbol.asyncDispose]: async () => undefined, // The connection is its owner's.
  }
}

async function* listRows<T, R>(db: Connection<T>, query: CompiledQuery<R>): AsyncGenerator<R[]> {
  const { rows } = await on(db).executeQuery(query)
  for (let at = 0; at < rows.length; at += chunkRows) yield rows.slice(at, at + chunkRows)
}

/** A cursor, so that PostgreSQL keeps what was not taken yet. */
async function* cursorRows<T, R>(db: Connection<T>, query: CompiledQuery<R>): AsyncGenerator<R[]> {
  const raw = (sql: string, parameters: readonly unknown[] = []): CompiledQuery<R> => ({ ...query, sql, parameters })
  const trx = await on(db).startTransaction().setAccessMode('read only').execute()
  try {
    await trx.executeQuery(raw(`declare history no scroll cursor for ${query.sql}`, query.parameters))
    for (;;) {
      const { rows } = await trx.executeQuery(raw(`fetch ${chunkRows} from history`))
      if (rows.length > 0) yield rows
      if (rows.length < chunkRows) return
    }
  } finally {
    await trx.rollback().execute()
  }
}
