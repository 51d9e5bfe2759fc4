// A reader thread of a SQLite file: a connection of its own that cannot write; one message in, one answer out (reader-threads.ts).
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { addRegexp } from './pattern.ts'

export type ThreadRequest =
  | { readonly kind: 'start'; readonly id: number; readonly sql: string; readonly parameters: readonly unknown[] }
  | { readonly kind: 'more'; readonly id: number }
  | { readonly kind: 'end'; readonly id: number }

/** Column by column: a list of numbers goes from thread to thread as it is. */
export interface Chunk {
  readonly kind: 'chunk'
  readonly names: readonly string[]
  readonly columns: readonly ArrayLike<unknown>[]
  readonly rows: number
  readonly isLast: boolean
}
export type ThreadAnswer = Chunk | { readonly kind: 'failed'; readonly message: string; readonly errcode: unknown }

export interface ThreadData {
  readonly path: string
  readonly chunkRows: number
}

interface Prepared {
  readonly sql: string
  readonly statement: StatementSync
  readonly names: readonly string[]
}

interface OpenQuery extends Prepared {
  readonly rows: Iterator<SQLOutputValue[]>
}

const busyTimeoutMs = 5_000
/** Pages of the file that each thread keeps. */
const cacheBytes = 28 * 1024 * 1024

const { path, chunkRows } = workerData as ThreadData
const database = new DatabaseSync(path, { readOnly: true })
addRegexp(database)
database.exec(`PRAGMA busy_timeout=${busyTimeoutMs}; PRAGMA cache_size=-${cacheBytes / 1024}`)
const open = new Map<number, OpenQuery>()

/** A number where that is exact. */
const plain = (value: unknown): unknown =>
  typeof value === 'bigint' && BigInt.asIntN(54, value) === value ? Number(value) : value

/** Those that nobody reads: to prepare a search again takes longer than some of its parts do. */
const idle = new Map<string, Prepared>()
const idleMax = 64

function prepared(sql: string): Prepared {
  const kept = idle.get(sql)
  if (kept) {
    idle.delete(sql)
    return kept
  }
  const statement = database.prepare(sql)
  statement.setReadBigInts(true)
  statement.setReturnArrays(true)
  return { sql, statement, names: statement.columns().map(({ name }) => name) }
}

function keep({ sql, statement, names }: Prepared): void {
  idle.delete(sql)
  idle.set(sql, { sql, statement, names })
  if (idle.size > idleMax) idle.delete(idle.keys().next().value!)
}

function start({ sql, parameters }: { sql: string; parameters: readonly unknown[] }): OpenQuery {
  const { statement, names } = prepared(sql)
  const values = parameters.map((value) => (typeof value === 'boolean' ? Number(value) : (value ?? null)))
  const rows = statement.iterate(...(values as SQLInputValue[])) as Iterator<unknown> as OpenQuery['rows']
  return { sql, statement, names, rows }
}

function take(id: number, query: OpenQuery): Chunk {
  const { names, rows } = query
  const columns: unknown[][] = names.map(() => [])
  for (let count = 0; count < chunkRows; count++) {
    const { done, value } = rows.next()
    if (done) {
      open.delete(id)
      keep(query)
      return { kind: 'chunk', names, columns: columns.map(packed), rows: count, isLast: true }
    }
    for (const [at, column] of columns.entries()) column.push(plain(value[at]))
  }
  return { kind: 'chunk', names, columns: columns.map(packed), rows: chunkRows, isLast: false }
}

const packed = (column: unknown[]): ArrayLike<unknown> =>
  column.every((value) => typeof value === 'number') ? Float64Array.from(column as number[]) : column

function answer(request: ThreadRequest): ThreadAnswer {
  const { id } = request
  const nothing: Chunk = { kind: 'chunk', names: [], columns: [], rows: 0, isLast: true }
  if (request.kind === 'end') {
    open.get(id)?.rows.return?.()
    open.delete(id)
    return nothing
  }
  const query = request.kind === 'start' ? start(request) : open.get(id)
  if (!query) return nothing
  open.set(id, query)
  return take(id, query)
}

parentPort!.on('message', (request: ThreadRequest) => {
  try {
    parentPort!.postMessage(answer(request))
  } catch (error) {
    open.delete(request.id)
    const { message, errcode } = error as Error & { errcode?: unknown }
    parentPort!.postMessage({ kind: 'failed', message, errcode } satisfies ThreadAnswer)
  }
})
