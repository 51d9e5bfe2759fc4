// A reader thread of a SQLite file: a connection of its own that cannot write; one message in, one answer out (reader-threads.ts).
import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { addRegexp } from './pattern.ts'

export type ThreadRequest =
  | { readonly kind: 'start'; readonly id: number; readonly sql: string; readonly parameters: readonly unknown[] }
  | { readonly kind: 'more'; readonly id: number }
  | { readonly kind: 'end'; readonly id: number }

export type ThreadAnswer =
  | {
      readonly kind: 'chunk'
      readonly columns: readonly string[]
      readonly rows: unknown[][]
      readonly isLast: boolean
    }
  | { readonly kind: 'failed'; readonly message: string; readonly errcode: unknown }

export interface ThreadData {
  readonly path: string
  readonly chunkRows: number
}

interface OpenQuery {
  readonly columns: readonly string[]
  readonly rows: Iterator<SQLOutputValue[]>
}

const busyTimeoutMs = 5_000
/** Pages of the file that each thread keeps. */
const cacheBytes = 16 * 1024 * 1024

const { path, chunkRows } = workerData as ThreadData
const database = new DatabaseSync(path, { readOnly: true })
addRegexp(database)
database.exec(`PRAGMA busy_timeout=${busyTimeoutMs}; PRAGMA cache_size=-${cacheBytes / 1024}`)
const open = new Map<number, OpenQuery>()

/** A number where that is exact. */
const plain = (value: unknown): unknown =>
  typeof value === 'bigint' && BigInt.asIntN(54, value) === value ? Number(value) : value

function start({ sql, parameters }: { sql: string; parameters: readonly unknown[] }): OpenQuery {
  const statement = database.prepare(sql)
  statement.setReadBigInts(true)
  statement.setReturnArrays(true)
  const columns = statement.columns().map(({ name }) => name)
  const values = parameters.map((value) => (typeof value === 'boolean' ? Number(value) : (value ?? null)))
  const rows = statement.iterate(...(values as SQLInputValue[])) as Iterator<unknown> as OpenQuery['rows']
  return { columns, rows }
}

function take(id: number, { columns, rows }: OpenQuery): ThreadAnswer {
  const chunk: unknown[][] = []
  while (chunk.length < chunkRows) {
    const { done, value } = rows.next()
    if (done) {
      open.delete(id)
      return { kind: 'chunk', columns, rows: chunk, isLast: true }
    }
    chunk.push(value.map(plain))
  }
  return { kind: 'chunk', columns, rows: chunk, isLast: false }
}

function answer(request: ThreadRequest): ThreadAnswer {
  const { id } = request
  const nothing: ThreadAnswer = { kind: 'chunk', columns: [], rows: [], isLast: true }
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
