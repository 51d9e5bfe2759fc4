// Writing to runs in turns. Batches that wait are stored together, since most of a small write is waiting for the disk; writes of one run never
// meet in two transactions, of which PostgreSQL would refuse one again and again.
import { databaseKind, transact, type Connection, type Transaction } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import { logBatches, type Batch, type LogTables, type RunBatch } from './log-batch.ts'

/** How many writes of one run may be under way and waiting; the next is told to come later (503). */
export const waitingWritersMax = 256

/** Of one transaction: it is over in some 20 ms, while nothing else is written. */
const batchesTogether = 64
const pointsTogether = 4000
/** PostgreSQL writes runs beside each other. */
const postgresLanes = 4

export interface RunWriter<T> {
  /** Runs `work` in a transaction of its own after the writes of this run that were asked for before. @throws DomainError run_busy */
  write<R>(runId: string, work: (trx: Transaction<T>) => Promise<R>): Promise<R>
  /** Stores a batch, together with others that wait. It is on the disk when this returns. @throws DomainError run_busy, and what `logBatch` throws */
  log(runId: string, batch: Batch): Promise<void>
}

type Item = BatchItem | { readonly kind: 'turn'; readonly take: () => Promise<void> }
interface BatchItem {
  readonly kind: 'batch'
  readonly batch: RunBatch
  readonly done: PromiseWithResolvers<void>
}

export function createRunWriter<T extends LogTables>(db: Connection<T>): RunWriter<T> {
  const lanes = Array.from({ length: databaseKind(db) === 'postgres' ? postgresLanes : 1 }, () => createLane<T>(db))
  const waiting = new Map<string, number>()

  async function enter<R>(runId: string, item: Item, done: PromiseWithResolvers<R>): Promise<R> {
    const before = waiting.get(runId) ?? 0
    if (before >= waitingWritersMax) throw runBusy(runId)
    waiting.set(runId, before + 1)
    try {
      lanes[laneOf(runId) % lanes.length]!(item)
      return await done.promise
    } finally {
      const left = waiting.get(runId)! - 1
      if (left === 0) waiting.delete(runId)
      else waiting.set(runId, left)
    }
  }

  return {
    write<R>(runId: string, work: (trx: Transaction<T>) => Promise<R>) {
      const done = Promise.withResolvers<R>()
      const take = (): Promise<void> => transact(db, work).then(done.resolve, done.reject)
      return enter(runId, { kind: 'turn', take }, done)
    },
    log(runId, batch) {
      const done = Promise.withResolvers<void>()
      return enter(runId, { kind: 'batch', batch: { runId, ...batch }, done }, done)
    },
  }
}

const runBusy = (runId: string): DomainError =>
  new DomainError(
    'unavailable',
    'run_busy',
    `${waitingWritersMax} writes of run "${runId}" wait already: send larger batches, and this one again later`,
  )

/** Any spread of the runs will do. */
function laneOf(runId: string): number {
  let sum = 0
  for (let at = 0; at < runId.length; at++) sum = (sum * 31 + runId.charCodeAt(at)) % 65_521
  return sum
}

type Lane = (item: Item) => void

/** Writes one after the other, in the order in which they came; batches side by side in it become one transaction. */
function createLane<T extends LogTables>(db: Connection<T>): Lane {
  const items: Item[] = []
  let isAtWork = false

  async function work(): Promise<void> {
    while (items.length > 0) {
      await new Promise(setImmediate) // Requests that have arrived meanwhile come into this turn.
      const [first] = items
      if (first?.kind === 'turn') {
        items.shift()
        await first.take()
      } else {
        await store(db, takeBatches(items))
      }
    }
    isAtWork = false
  }

  return (item) => {
    items.push(item)
    if (isAtWork) return
    isAtWork = true
    void work()
  }
}

function takeBatches(items: Item[]): BatchItem[] {
  const taken: BatchItem[] = []
  let points = 0
  while (taken.length < batchesTogether) {
    const [next] = items
    if (next?.kind !== 'batch') break
    points += next.batch.metrics?.length ?? 0
    if (taken.length > 0 && points > pointsTogether) break
    taken.push(next)
    items.shift()
  }
  return taken
}

/** Never throws: each batch hears for itself how it went. */
async function store<T extends LogTables>(db: Connection<T>, items: readonly BatchItem[]): Promise<void> {
  const batches = items.map(({ batch }) => batch)
  try {
    const refusals = await transact(db, (trx) => logBatches(trx, batches))
    for (const [at, { done }] of items.entries()) {
      const refusal = refusals[at]
      if (refusal) done.reject(refusal)
      else done.resolve()
    }
  } catch (error) {
    // One that breaks the transaction breaks it for itself alone.
    if (items.length > 1) for (const item of items) await store(db, [item])
    else items[0]?.done.reject(error)
  }
}
