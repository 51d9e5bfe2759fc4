// Many rows in few statements, beside the query builder: building a statement of thousands of parameters takes it longer than the database needs to run it.
import { CompiledQuery } from 'kysely'
import { databaseKind, on, type Db, type Transaction } from '../../platform/database.ts'

/**
 * Rows of one statement, largest first: few sizes, so that the same few texts come again and their prepared statements are there. With the
 * widest table here, under SQLite's 32,766 and PostgreSQL's 65,535 parameters.
 */
const statementRows = [256, 32, 8, 1] as const
const idsPerStatement = 1000

export type Cell = string | number | null

export interface Insert<Row> {
  readonly table: string
  /** In the order of the table's type; names come from the code, never from a caller. */
  readonly columns: readonly (keyof Row & string)[]
  readonly rows: readonly Row[]
  /** What follows the values, such as `on conflict (id) do nothing returning id`. */
  readonly ending?: string
}

/** Inserts in order; answers what a `returning` clause returned. */
export async function insertRows<T, Row extends object>(
  trx: Transaction<T>,
  { table, columns, rows, ending = '' }: Insert<Row>,
): Promise<unknown[]> {
  const returned: unknown[] = []
  let at = 0
  for (const size of statementRows) {
    if (rows.length - at < size) continue
    const values = placeholders(trx, size, columns.length)
    const text = `insert into ${table} (${columns.join(', ')}) values ${values} ${ending}`
    for (; rows.length - at >= size; at += size) {
      const parameters: Cell[] = []
      for (const row of rows.slice(at, at + size)) for (const column of columns) parameters.push(row[column] as Cell)
      const result = await on(trx).executeQuery(CompiledQuery.raw(text, parameters))
      for (const row of result.rows) returned.push(row)
    }
  }
  return returned
}

/** Runs `select` (SQL up to `... in`) for all ids, a thousand at a time. */
export async function selectByIds<T>(db: Db<T>, select: string, ids: readonly string[]): Promise<unknown[]> {
  const found: unknown[] = []
  for (let at = 0; at < ids.length; at += idsPerStatement) {
    const part = ids.slice(at, at + idsPerStatement)
    const text = `${select} ${placeholders(db, 1, part.length)}`
    const result = await on(db).executeQuery(CompiledQuery.raw(text, part))
    for (const row of result.rows) found.push(row)
  }
  return found
}

function placeholders<T>(db: Db<T>, rows: number, columns: number): string {
  const numbered = databaseKind(db) === 'postgres'
  const tuples: string[] = []
  for (let row = 0; row < rows; row++) {
    const marks: string[] = []
    for (let column = 0; column < columns; column++) marks.push(numbered ? `$${row * columns + column + 1}` : '?')
    tuples.push(`(${marks.join(',')})`)
  }
  return tuples.join(',')
}
