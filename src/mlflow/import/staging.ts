// What is read from anything but a database, kept in a SQLite file with MLflow's tables, and imported from there as from a database.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { statements } from '../generated/schema.ts'
import { sqliteSource, type MlflowSource, type SourceRow } from './source.ts'

export interface Staging extends MlflowSource {
  /**
   * Adds rows of one set of columns, durably; one whose key is there takes its place. Infinities become the largest numbers, as
   * MLflow's database keeps them; it keeps no NaN: give 0 and `is_nan`.
   */
  insert(table: string, rows: readonly SourceRow[]): void
  /** Whether `finish` was told of the part, by this import or by the one that was cut short. */
  isFinished(part: string): boolean
  /** From now on the part is not read again, unless all of it is. */
  finish(part: string): void
  /** For the end of an import that is whole: closes and deletes it. */
  remove(): Promise<void>
}

/**
 * Opens the one of this home and origin: what an import that was cut short had read is there.
 * @param origin where the source is, without secrets
 */
export async function openStaging(home: string, origin: string): Promise<Staging> {
  const folder = join(home, 'import')
  await mkdir(folder, { recursive: true })
  const name = createHash('sha256').update(origin).digest('hex').slice(0, 16)
  const path = join(folder, `${name}.db`)
  const isNew = !existsSync(path)
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false })
  database.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL')
  if (isNew || !hasTables(database)) createTables(database)
  const source = sqliteSource(database)
  return {
    ...source,
    insert(table, rows) {
      const [first] = rows
      if (!first) return
      const columns = Object.keys(first)
      const statement = database.prepare(upsertOf(database, table, columns))
      inTransaction(database, () => {
        for (const row of rows) statement.run(...columns.map((column) => storable(row[column])))
      })
    },
    isFinished: (part) =>
      database.prepare('SELECT 1 AS found FROM trueloop_finished WHERE part = ?').get(part) !== undefined,
    finish(part) {
      database.prepare('INSERT OR IGNORE INTO trueloop_finished VALUES (?)').run(part)
    },
    async remove() {
      database.close()
      for (const suffix of ['', '-wal', '-shm']) await rm(`${path}${suffix}`, { force: true })
    },
    [Symbol.asyncDispose]: async () => {
      if (database.isOpen) database.close()
    },
  }
}

/** The last of what `createTables` makes: it is one transaction. */
const hasTables = (database: DatabaseSync): boolean =>
  database.prepare("SELECT 1 AS found FROM sqlite_master WHERE name = 'trueloop_finished'").get() !== undefined

const createTables = (database: DatabaseSync): void =>
  inTransaction(database, () => {
    for (const statement of statements) database.exec(statement)
    database.exec('CREATE TABLE trueloop_finished (part TEXT PRIMARY KEY) WITHOUT ROWID')
  })

function inTransaction(database: DatabaseSync, write: () => void): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    write()
    database.exec('COMMIT')
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}

const quoted = (name: string): string => `"${name}"`

/** By its primary key alone: what breaks another rule of the table is an error, and replaces nothing. */
function upsertOf(database: DatabaseSync, table: string, columns: readonly string[]): string {
  const all = database.prepare('SELECT name, pk FROM pragma_table_info(?) ORDER BY pk').all(table)
  const key = all.filter(({ pk }) => Number(pk) > 0).map(({ name }) => String(name))
  const rest = columns.filter((column) => !key.includes(column))
  const update = rest.map((column) => `${quoted(column)} = excluded.${quoted(column)}`).join(', ')
  return `INSERT INTO ${quoted(table)} (${columns.map(quoted).join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
    ON CONFLICT (${key.map(quoted).join(', ')}) DO ${update === '' ? 'NOTHING' : `UPDATE SET ${update}`}`
}

function storable(value: SourceRow[string] | undefined): SQLInputValue {
  if (value === Infinity) return Number.MAX_VALUE
  if (value === -Infinity) return -Number.MAX_VALUE
  if (typeof value === 'boolean') return value ? 1 : 0
  return value ?? null
}
