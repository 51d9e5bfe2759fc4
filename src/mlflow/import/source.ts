// The database of an MLflow server, only read: SQLite or PostgreSQL, of this release or an older one.
import { existsSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { sql } from 'kysely'
import { on, openDatabase } from '../../platform/database.ts'
import { DomainError } from '../../platform/errors.ts'
import { readerOf } from '../../platform/reader.ts'

export type SourceRow = Readonly<Record<string, string | number | bigint | boolean | null>>

export interface MlflowSource extends AsyncDisposable {
  /** Names of a table's columns; empty when an older schema has no such table. */
  columnsOf(table: string): Promise<ReadonlySet<string>>
  /** `?` stands for a parameter. All rows: for what is bounded. */
  all(query: string, parameters?: readonly unknown[]): Promise<SourceRow[]>
  /** In chunks. */
  rows(query: string, parameters?: readonly unknown[]): AsyncIterable<SourceRow[]>
}

const chunkRows = 1000

/**
 * @param url `sqlite:///folder/mlflow.db`, the path of such a file, or `postgresql://…`
 * @throws DomainError import_source when it is no database of MLflow's
 */
export async function openSource(url: string): Promise<MlflowSource> {
  const source = /^postgres(?:ql)?(?:\+\w+)?:\/\//v.test(url)
    ? await openPostgresSource(url.replace(/^postgres(?:ql)?(?:\+\w+)?:/v, 'postgres:'))
    : sqliteSource(new DatabaseSync(pathOf(url), { readOnly: true }))
  const runs = await source.columnsOf('runs')
  if (runs.has('run_uuid')) return source
  await source[Symbol.asyncDispose]()
  throw importSource(url, 'it has no table of runs')
}

const importSource = (url: string, why: string): DomainError =>
  new DomainError(
    'invalid',
    'import_source',
    `${url.replace(/:\/\/[^@\/]*@/v, '://…@')} is no database of an MLflow server: ${why}; name sqlite:///<file>, a file, postgresql://…, or an mlruns folder`,
  )

/** SQLAlchemy's: three strokes before a relative path, four before an absolute one. */
function pathOf(url: string): string {
  const path = url.replace(/^sqlite:\/\/\//v, '')
  if (/^[a-z][a-z0-9+]*:\/\//iv.test(path)) throw importSource(url, 'places of this kind are not read')
  if (!existsSync(path)) throw importSource(url, 'there is no such file')
  return path
}

/** Closes the database at its end. */
export function sqliteSource(database: DatabaseSync): MlflowSource {
  const exact = (row: SourceRow): SourceRow =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [
        name,
        typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value,
      ]),
    )
  const read = function* (query: string, parameters: readonly unknown[]): Generator<SourceRow> {
    const statement = database.prepare(query)
    statement.setReadBigInts(true)
    for (const row of statement.iterate(...(parameters as SQLInputValue[]))) yield exact(row as SourceRow)
  }
  return {
    columnsOf: async (table) =>
      new Set([...read('select name from pragma_table_info(?)', [table])].map(({ name }) => String(name))),
    all: async (query, parameters = []) => [...read(query, parameters)],
    async *rows(query, parameters = []) {
      let chunk: SourceRow[] = []
      for (const row of read(query, parameters)) {
        if (chunk.push(row) < chunkRows) continue
        yield chunk
        chunk = []
      }
      if (chunk.length > 0) yield chunk
    },
    [Symbol.asyncDispose]: async () => database.close(),
  }
}

async function openPostgresSource(url: string): Promise<MlflowSource> {
  const { db, [Symbol.asyncDispose]: close } = await openDatabase<unknown>(url)
  const reader = readerOf(db)
  const compiled = (query: string, parameters: readonly unknown[]) => {
    const [first = '', ...rest] = query.split('?')
    const parts = rest.map((part, index) => sql`${parameters[index]}${sql.raw(part)}`)
    return sql<SourceRow>`${sql.raw(first)}${sql.join(parts, sql``)}`.compile(on(db))
  }
  return {
    columnsOf: async (table) => {
      const query = `select column_name as name from information_schema.columns where table_schema = current_schema() and table_name = ?`
      return new Set((await reader.all(compiled(query, [table]))).map(({ name }) => String(name)))
    },
    all: (query, parameters = []) => reader.all(compiled(query, parameters)),
    rows: (query, parameters = []) => reader.rows(compiled(query, parameters)),
    [Symbol.asyncDispose]: close,
  }
}
