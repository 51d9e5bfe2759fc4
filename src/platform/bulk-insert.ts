// Inserting many rows with few statements: telemetry comes by the thousand, and building a statement for each batch would take longer than to run it.
import { CompiledQuery } from 'kysely'
import { databaseKind, on, type Transaction } from './database.ts'

/** Of one statement on SQLite, whose connection is synchronous. */
const rowsMax = 256

export type ColumnType = 'bigint' | 'double precision' | 'integer' | 'text'

export interface BulkInsert {
  readonly table: string
  /** In the order of a row's values. */
  readonly columns: Readonly<Record<string, ColumnType>>
  /** What follows the rows, such as `on conflict do nothing returning id`. */
  readonly after: string
}

/**
 * Answers what `after` returns. Rows of one call must not meet in a conflict that updates: PostgreSQL refuses that.
 * The parts of `insert` are SQL text, and never from outside.
 */
export async function insertRows<R>(
  trx: Transaction<unknown>,
  insert: BulkInsert,
  rows: readonly (readonly unknown[])[],
): Promise<R[]> {
  if (rows.length === 0) return []
  if (databaseKind(trx) === 'postgres') {
    const lists = Object.keys(insert.columns).map((_, column) => rows.map((row) => row[column]))
    return run<R>(trx, textForPostgres(insert), lists)
  }
  const answered: R[] = []
  for (let at = 0; at < rows.length;) {
    const count = sizeOfNext(rows.length - at)
    const values: unknown[] = []
    for (let row = at; row < at + count; row++) for (const value of rows[row]!) values.push(value)
    for (const row of await run<R>(trx, textForSqlite(insert, count), values)) answered.push(row)
    at += count
  }
  return answered
}

/** Up to so many rows are one statement: each has its price. */
const exactRowsMax = 16

/** Else a power of two, so that there are few texts, whose statements stay prepared. */
function sizeOfNext(left: number): number {
  if (left <= exactRowsMax) return left
  return left >= rowsMax ? rowsMax : 2 ** Math.floor(Math.log2(left))
}

async function run<R>(trx: Transaction<unknown>, text: string, values: unknown[]): Promise<R[]> {
  const { rows } = await on(trx).executeQuery<R>(CompiledQuery.raw(text, values))
  return rows
}

function textForSqlite({ table, columns, after }: BulkInsert, count: number): string {
  const names = Object.keys(columns)
  const row = `(${names.map(() => '?').join(',')})`
  return `insert into ${table} (${names.join(', ')}) values ${Array(count).fill(row).join(',')} ${after}`
}

function textForPostgres({ table, columns, after }: BulkInsert): string {
  const lists = Object.values(columns).map((type, at) => `$${at + 1}::${type}[]`)
  return `insert into ${table} (${Object.keys(columns).join(', ')}) select * from unnest(${lists.join(', ')}) ${after}`
}
