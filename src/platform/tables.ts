// Tables: DuckDB in this process, opened for one job with a memory limit and a folder to spill to. Loaded when first used.
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DuckDBConnection, DuckDBInstance, DuckDBValue } from '@duckdb/node-api'
import { DomainError, messageOf } from './errors.ts'
import { collectColumns, type Columnar } from './tables-columnar.ts'
import { literal } from './tables-sql.ts'

export interface TablesOptions {
  /** Of DuckDB's buffers; the process needs up to twice as much. */
  readonly memoryLimitBytes: number
  /** Where sorts, joins and tables beyond the limit go. */
  readonly tempDirectory: string
  readonly threads: number
  /** Interrupts the running statement when it aborts; every later one is refused. */
  readonly signal?: AbortSignal
}

/** A value of a row as JSON has it: integers beyond 2^53 and moments are text (ISO 8601 in UTC). */
export type Cell = string | number | boolean | null | Cell[] | { [name: string]: Cell }
export type Row = Record<string, Cell>

/** A cell for a message. */
export const cellText = (cell: Cell | undefined): string =>
  typeof cell === 'object' ? JSON.stringify(cell) : String(cell)

/** One connection. Statements run one after the other; they are written by us, with names and values quoted by `tables-sql.ts`. */
export interface Tables extends AsyncDisposable {
  /** All rows of a small result. */
  rows(sql: string): Promise<Row[]>
  /** Runs for the effect; answers the number of rows changed or written. */
  run(sql: string): Promise<number>
  /** A result of any size, as typed arrays. */
  columnar(sql: string): Promise<Columnar>
  readonly options: TablesOptions
}

/**
 * A fresh in-memory database. Time zone is UTC; row order is kept.
 * @throws DomainError tables_out_of_memory, disk_full, tables_interrupted from any statement. Other errors of DuckDB come as they are.
 */
export async function openTables(options: TablesOptions): Promise<Tables> {
  const instance = await createInstance(options)
  const connection = await instance.connect()
  await connection.run("SET TimeZone = 'UTC'")
  return tablesOf(instance, connection, options)
}

export interface LockedOptions extends TablesOptions {
  readonly timeLimitMs: number
  /** The most rows that a query gives; more is refused. */
  readonly rowsMax: number
}

/** Where SQL that a user wrote may run: it sees one table, `data`, and no file, network, setting or other table. */
export interface LockedTables extends AsyncDisposable {
  /** @throws DomainError sql_invalid, sql_timeout, sql_too_many_rows */
  query(sql: string): Promise<Row[]>
  /** How many rows the query gives, and the first `sampleMax` of them. */
  count(sql: string, sampleMax: number): Promise<{ count: number; sample: Row[] }>
}

/**
 * A DuckDB of its own that holds a copy of the rows in the Parquet files, then gives up every right to look outside.
 * @param parquetFiles local paths; read before the lock, never after.
 */
export async function openLockedTables(parquetFiles: readonly string[], options: LockedOptions): Promise<LockedTables> {
  // DuckDB lets even locked SQL read its temporary directory, so it is one that holds nothing else.
  const tempDirectory = await mkdtemp(join(options.tempDirectory, 'locked-'))
  const instance = await createInstance({ ...options, tempDirectory })
  const connection = await instance.connect()
  const dispose = async (): Promise<void> => {
    close(instance, connection)
    await rm(tempDirectory, { recursive: true, force: true })
  }
  try {
    await connection.run("SET TimeZone = 'UTC'")
    const files = parquetFiles.map((path) => literal(path)).join(', ')
    await connection.run(`CREATE TABLE data AS SELECT * FROM read_parquet([${files}])`)
    await connection.run('SET enable_external_access = false')
    await connection.run('SET lock_configuration = true')
  } catch (error) {
    await dispose()
    throw tablesError(error, options.signal)
  }
  const query = async (sql: string): Promise<Row[]> => {
    const rows = await runLimited(connection, `SELECT * FROM (${sql}\n) LIMIT ${options.rowsMax + 1}`, options)
    if (rows.length <= options.rowsMax) return rows
    throw new DomainError(
      'too_large',
      'sql_too_many_rows',
      `the query gives more than ${options.rowsMax} rows: add a LIMIT or aggregate`,
    )
  }
  const count = async (sql: string, sampleMax: number): Promise<{ count: number; sample: Row[] }> => {
    const sample = await runLimited(connection, `SELECT * FROM (${sql}\n) LIMIT ${sampleMax}`, options)
    if (sample.length < sampleMax) return { count: sample.length, sample }
    const [row] = await runLimited(connection, `SELECT count(*) AS n FROM (${sql}\n)`, options)
    return { count: Number(row!['n']), sample }
  }
  return { query, count, [Symbol.asyncDispose]: dispose }
}

async function createInstance(options: TablesOptions): Promise<DuckDBInstance> {
  const { DuckDBInstance } = await import('@duckdb/node-api')
  return DuckDBInstance.create(':memory:', {
    memory_limit: `${Math.floor(options.memoryLimitBytes)}B`,
    temp_directory: options.tempDirectory,
    threads: String(options.threads),
    // Nothing may be downloaded at run time.
    autoinstall_known_extensions: 'false',
  })
}

function close(instance: DuckDBInstance, connection: DuckDBConnection): void {
  connection.closeSync()
  instance.closeSync()
}

function tablesOf(instance: DuckDBInstance, connection: DuckDBConnection, options: TablesOptions): Tables {
  const { signal } = options
  const interrupt = (): void => connection.interrupt()
  signal?.addEventListener('abort', interrupt)
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    if (signal?.aborted) throw interrupted()
    try {
      return await work()
    } catch (error) {
      throw tablesError(error, signal)
    }
  }
  return {
    options,
    rows: (sql) => guarded(async () => cellsOf(await (await connection.run(sql)).getRowObjects())),
    run: (sql) => guarded(async () => (await connection.run(sql)).rowsChanged),
    columnar: (sql) => guarded(async () => collectColumns(await connection.stream(sql))),
    async [Symbol.asyncDispose]() {
      signal?.removeEventListener('abort', interrupt)
      close(instance, connection)
    },
  }
}

/** One statement of a user: a single SELECT (as wrapped by us), within the time limit. */
async function runLimited(connection: DuckDBConnection, sql: string, options: LockedOptions): Promise<Row[]> {
  let timedOut = false
  const stop = (): void => connection.interrupt()
  const timer = setTimeout(() => {
    timedOut = true
    stop()
  }, options.timeLimitMs)
  options.signal?.addEventListener('abort', stop)
  try {
    const statements = await connection.extractStatements(sql)
    if (statements.count !== 1)
      throw new DomainError('invalid', 'sql_invalid', 'the SQL must be one SELECT statement without a semicolon')
    const prepared = await statements.prepare(0)
    return cellsOf(await (await prepared.run()).getRowObjects())
  } catch (error) {
    if (timedOut)
      throw new DomainError(
        'invalid',
        'sql_timeout',
        `the SQL ran longer than ${options.timeLimitMs} ms: make it simpler`,
      )
    const known = tablesError(error, options.signal)
    if (known instanceof DomainError) throw known
    throw new DomainError('invalid', 'sql_invalid', `the SQL does not run: ${messageOf(error)}`)
  } finally {
    clearTimeout(timer)
    options.signal?.removeEventListener('abort', stop)
  }
}

const interrupted = (): DomainError =>
  new DomainError('unavailable', 'tables_interrupted', 'the table work was cancelled')

/** Whoever writes temporary files says so when they do not fit. */
export const diskFull = (): DomainError =>
  new DomainError(
    'unavailable',
    'disk_full',
    'the disk that holds the temporary files is full: free some space and try again',
  )

/** What can be expected of any statement, as an error a caller can act on; all else unchanged. */
function tablesError(error: unknown, signal: AbortSignal | undefined): unknown {
  const text = messageOf(error)
  if (signal?.aborted && /interrupt/iv.test(text)) return interrupted()
  // DuckDB stops short of the last tenth of the disk, and then speaks of its limit.
  if (/no space left on device|disk quota exceeded|max_temp_directory_size/iv.test(text)) {
    return diskFull()
  }
  if (text.startsWith('Out of Memory Error')) {
    return new DomainError(
      'unavailable',
      'tables_out_of_memory',
      `the table work needs more memory than its limit: ${text.split('\n')[0]}`,
    )
  }
  return error
}

const cellsOf = (rows: readonly Record<string, DuckDBValue>[]): Row[] =>
  rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, cellOf(value)])))

function cellOf(value: DuckDBValue): Cell {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if ('items' in value) return value.items.map(cellOf)
  if ('entries' in value && !Array.isArray(value.entries)) {
    return Object.fromEntries(Object.entries(value.entries).map(([name, inner]) => [name, cellOf(inner)]))
  }
  if ('micros' in value && !('months' in value)) return momentText(value.toString())
  return value.toString()
}

/** DuckDB's `2001-01-02 03:04:05+00` in ISO 8601; a time of day or `infinity` stays. */
function momentText(text: string): string {
  const match = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)(?:\+00)?$/v.exec(text)
  return match ? `${match[1]}T${match[2]}Z` : text
}
