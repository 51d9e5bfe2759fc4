// Writing to runs in turns. Batches that wait are stored together, since most of a small write is waiting for the disk; other writes of one run
// come one after the other: PostgreSQL would refuse all but one of those that meet, again and again.
import { transact, type Connection, type Transaction } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import { logBatches, type Batch, type LogTables, type RunBatch } from './log-batch.ts'

/** How many writes of one run may be under way and waiting; the next is told to come later (503). */
export const waitingWritersMax = 256

/** Of one transaction: it is over in some 20 ms, while SQLite takes no other write. */
const batchesTogether = 64
const pointsTogether = 4000

export interface RunWriter<T> {
  /** Runs `work` in a transaction of its own after the writes of this run that were asked for before. @throws DomainError run_busy */
  write<R>(runId: string, work: (trx: Transaction<T>) => Promise<R>): Promise<R>
  /** Stores a batch, together with others that wait. It is on the disk when this returns. @throws DomainError run_busy, and what `logBatch` throws */
  log(runId: string, batch: Batch): Promise<void>
}

interface Turns {
  /** Ends when all that came before has. */
  tail: Promise<unknown>
  waiting: number
}

export function createRunWriter<T extends LogTables>(db: Connection<T>): RunWriter<T> {
  const runs = new Map<string, Turns>()
  const store = batchStore(db)

  async function inTurn<R>(runId: string, write: (turns: Turns) => Promise<R>): Promise<R> {
    const turns = runs.get(runId) ?? { tail: Promise.resolve(), waiting: 0 }
    if (turns.waiting >= waitingWritersMax) throw runBusy(runId)
    runs.set(runId, turns)
    turns.waiting++
    try {
      return await write(turns)
    } finally {
      turns.waiting--
      if (turns.waiting === 0) runs.delete(runId)
    }
  }

  return {
    write: (runId, work) =>
      inTurn(runId, (turns) => {
        const written = turns.tail.then(() => transact(db, work))
        turns.tail = written.catch(() => undefined) // Its caller hears of it; the next goes on.
        return written
      }),
    log: (runId, batch) => inTurn(runId, () => store({ runId, ...batch })),
  }
}

const runBusy = (runId: string): DomainError =>
  new DomainError(
    'unavailable',
    'run_busy',
    `${waitingWritersMax} writes of run "${runId}" wait already: send larger batches, and this one again later`,
  )

interface Waiting {
  readonly batch: RunBatch
  readonly stored: PromiseWithResolvers<void>
}

/** One transaction after the other, each with the batches that have come meanwhile: more of them beside each other were measured slower. */
function batchStore<T extends LogTables>(db: Connection<T>): (batch: RunBatch) => Promise<void> {
  const waiting: Waiting[] = []
  let isAtWork = false

  async function work(): Promise<void> {
    while (waiting.length > 0) {
      await new Promise(setImmediate) // Requests that have arrived come into this turn.
      await storeTogether(db, takeSome(waiting))
    }
    isAtWork = false
  }

  return (batch) => {
    const stored = Promise.withResolvers<void>()
    waiting.push({ batch, stored })
    if (!isAtWork) {
      isAtWork = true
      void work()
    }
    return stored.promise
  }
}

function takeSome(waiting: Waiting[]): Waiting[] {
  let points = 0
  const end = waiting.slice(0, batchesTogether).findIndex(({ batch }, at) => {
    points += batch.metrics?.length ?? 0
    return at > 0 && points > pointsTogether
  })
  return waiting.splice(0, end === -1 ? batchesTogether : end)
}

/** Never throws: each hears for itself how it went. */
async function storeTogether<T extends LogTables>(db: Connection<T>, some: readonly Waiting[]): Promise<void> {
  const batches = some.map(({ batch }) => batch)
  try {
    const refusals = await transact(db, (trx) => logBatches(trx, batches))
    for (const [at, { stored }] of some.entries()) {
      const refusal = refusals[at]
      if (refusal) stored.reject(refusal)
      else stored.resolve()
    }
  } catch (error) {
    // One that breaks the transaction breaks it for itself alone.
    if (some.length > 1) for (const one of some) await storeTogether(db, [one])
    else some[0]?.stored.reject(error)
  }
}
