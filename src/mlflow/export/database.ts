// The database that an export writes: SQLite with the stock schema, filled table by table.
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { revision, statements } from '../generated/schema.ts'

export type Row = Readonly<Record<string, unknown>>

export interface StockDatabase extends Disposable {
  /** Adds rows with one set of columns. */
  insert(table: string, rows: readonly Row[]): void
  count(table: string): number
}

/** Infinities are the largest numbers, as the stock server stores them; a yes or no is 1 or 0. */
function storable(value: unknown): SQLInputValue {
  if (value === Infinity) return Number.MAX_VALUE
  if (value === -Infinity) return -Number.MAX_VALUE
  if (typeof value === 'boolean') return value ? 1 : 0
  return (value ?? null) as SQLInputValue
}

const quoted = (name: string): string => `"${name}"`

/** @param path of a file that is not there yet */
export function createStockDatabase(path: string): StockDatabase {
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false })
  // Nobody reads it before it is whole, and an export that was cut short begins anew.
  database.exec('PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF')
  database.exec('BEGIN')
  for (const statement of statements) database.exec(statement)
  database.prepare('INSERT INTO alembic_version VALUES (?)').run(revision)
  database
    .prepare('INSERT INTO workspaces (name, description) VALUES (?, ?)')
    .run('default', 'Default workspace for legacy resources')
  database.exec('COMMIT')
  return {
    insert(table, rows) {
      const [first] = rows
      if (!first) return
      const columns = Object.keys(first)
      const places = columns.map(() => '?').join(', ')
      const insert = database.prepare(
        `INSERT INTO ${quoted(table)} (${columns.map(quoted).join(', ')}) VALUES (${places})`,
      )
      database.exec('BEGIN')
      for (const row of rows) insert.run(...columns.map((column) => storable(row[column])))
      database.exec('COMMIT')
    },
    count: (table) =>
      (database.prepare(`SELECT count(*) AS rows FROM ${quoted(table)}`).get() as { rows: number }).rows,
    [Symbol.dispose]: () => database.close(),
  }
}
