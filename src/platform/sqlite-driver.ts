// node:sqlite in the shape that Kysely's SQLite dialect expects.
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import type { SqliteDatabase, SqliteStatement } from 'kysely'

const busyTimeoutMs = 5_000

const bindable = (value: unknown): SQLInputValue =>
  typeof value === 'boolean' ? (value ? 1 : 0) : value === undefined ? null : (value as SQLInputValue)

/** @param path a file, or `:memory:`. Commits are synced to disk before they return (`synchronous=FULL`). */
export function openSqliteDriver(path: string): SqliteDatabase {
  const database = new DatabaseSync(path)
  database.exec(
    `PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA busy_timeout=${busyTimeoutMs}; PRAGMA temp_store=MEMORY`,
  )
  return {
    close: () => database.close(),
    prepare(sql: string): SqliteStatement {
      const statement = database.prepare(sql)
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...parameters.map(bindable)),
        run: (parameters) => statement.run(...parameters.map(bindable)),
        iterate: (parameters) => statement.iterate(...parameters.map(bindable)) as IterableIterator<unknown>,
      }
    },
  }
}
