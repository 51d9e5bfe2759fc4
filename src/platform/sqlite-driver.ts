// node:sqlite in the shape that Kysely's SQLite dialect expects.
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import type { SqliteDatabase, SqliteStatement } from 'kysely'
import { DomainError } from './errors.ts'
import { addRegexp } from './pattern.ts'
import { createLogSync } from './sqlite-sync.ts'

const busyTimeoutMs = 5_000
/** Of the log, before they are taken over into the file (16 MB): fewer pages are written twice than by SQLite's own 1,000. */
const checkpointPages = 4_000
/** Prepared statements that are kept: to prepare a statement takes longer than to run it. */
const keptStatements = 256
/** Longer ones are made for their one use. */
const keptTextMax = 16_384

const bindable = (value: unknown): SQLInputValue =>
  typeof value === 'boolean' ? (value ? 1 : 0) : value === undefined ? null : (value as SQLInputValue)

/** Of a statement that gives lists of values. Integers that a double does not hold come as bigints; the driver reads either all integers so or none. */
function allOf(statement: StatementSync, parameters: readonly SQLInputValue[]): unknown[][] {
  const all = (): unknown[][] => statement.all(...parameters) as unknown as unknown[][]
  try {
    return all()
  } catch (error) {
    // What writes and answers rows has written by now, and is not run again.
    if ((error as { code?: unknown }).code !== 'ERR_OUT_OF_RANGE' || !isRead.test(statement.sourceSQL)) throw error
    statement.setReadBigInts(true)
    try {
      return all().map(withNumbers)
    } finally {
      statement.setReadBigInts(false)
    }
  }
}

const isRead = /^\s*(?:select|with)\b/iv

const withNumbers = (row: readonly unknown[]): unknown[] =>
  row.map((value) => (typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value))

const namesOf = (statement: StatementSync): string[] => statement.columns().map(({ name }) => name)

/** Of rows with the same names, objects of one shape: the driver's own would each be a table of names. */
function rowOf(names: readonly string[], values: readonly unknown[]): Record<string, unknown> {
  const row: Record<string, unknown> = {}
  for (let at = 0; at < names.length; at++) row[names[at]!] = values[at]
  return row
}

/** SQLITE_FULL */
const fullCode = 13

/** @throws DomainError disk_full in place of SQLite's error. */
function told<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if ((error as { errcode?: unknown }).errcode !== fullCode) throw error
    throw new DomainError(
      'unavailable',
      'disk_full',
      `the disk of ${path} is full: free some space or move the home to a larger disk; nothing was stored`,
    )
  }
}

export interface SqliteFile extends SqliteDatabase {
  /** SQLite itself may have ended one, for an error such as a full disk. */
  isInTransaction(): boolean
  /** Resolves when all that was committed is on the disk. @throws DomainError disk_sync_failed */
  synced(): Promise<void>
  /** @throws DomainError disk_sync_failed when nothing may be written any more */
  assertSound(): void
  /** To be waited for before `close`. */
  settled(): Promise<void>
}

/**
 * @param path a file, or `:memory:`. A commit is on the disk when `synced` says so, since SQLite would hold up the thread for as long
 *   (`synchronous=NORMAL`: a power failure before that takes back whole transactions, the last ones first).
 * @throws DomainError disk_full from any statement
 */
export function openSqliteDriver(path: string): SqliteFile {
  const database = new DatabaseSync(path)
  addRegexp(database)
  database.exec(
    `PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; PRAGMA busy_timeout=${busyTimeoutMs}; PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=${checkpointPages}`,
  )
  const log = path === ':memory:' ? undefined : createLogSync(`${path}-wal`)
  const prepare = (sql: string): SqliteStatement => {
    const statement = database.prepare(sql)
    let names = namesOf(statement)
    statement.setReturnArrays(true)
    return {
      reader: names.length > 0,
      all(parameters) {
        const rows = told(path, () => allOf(statement, parameters.map(bindable)))
        // A table that was changed since may have other columns for `*`.
        if (rows.length > 0 && rows[0]!.length !== names.length) names = namesOf(statement)
        return rows.map((values) => rowOf(names, values))
      },
      run: (parameters) => told(path, () => statement.run(...parameters.map(bindable))),
      // Of its own: it is still being read while the same text may be run again.
      iterate: (parameters) => database.prepare(sql).iterate(...parameters.map(bindable)) as IterableIterator<unknown>,
    }
  }
  return {
    close: () => database.close(),
    prepare: keptFor(prepare),
    isInTransaction: () => database.isTransaction,
    synced: async () => log?.synced(),
    assertSound: () => log?.assertSound(),
    settled: async () => log?.close(),
  }
}

/** The statement of a text again, the last used ones kept. SQLite itself prepares them anew after a change of the schema. */
function keptFor(prepare: (sql: string) => SqliteStatement): (sql: string) => SqliteStatement {
  const kept = new Map<string, SqliteStatement>()
  return (sql) => {
    const statement = kept.get(sql) ?? prepare(sql)
    if (sql.length > keptTextMax) return statement
    kept.delete(sql)
    kept.set(sql, statement)
    if (kept.size > keptStatements) kept.delete(kept.keys().next().value!)
    return statement
  }
}
