// One writer of a run at a time. PostgreSQL would refuse all but one of those that meet, again and again; here they wait their turn.
import { transact, type Connection, type Transaction } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'

/** How many writes of one run may be under way and waiting; the next is told to come later (503). */
export const waitingWritersMax = 256

export interface RunWriter<T> {
  /** Runs `work` in a transaction after the writes of this run that were asked for before. @throws DomainError run_busy */
  write<R>(runId: string, work: (trx: Transaction<T>) => Promise<R>): Promise<R>
}

interface Queue {
  tail: Promise<unknown>
  length: number
}

export function createRunWriter<T>(db: Connection<T>): RunWriter<T> {
  const queues = new Map<string, Queue>()
  return {
    async write(runId, work) {
      const queue = queues.get(runId) ?? { tail: Promise.resolve(), length: 0 }
      if (queue.length >= waitingWritersMax) {
        const message = `${waitingWritersMax} writes of run "${runId}" wait already: send larger batches, and this one again later`
        throw new DomainError('unavailable', 'run_busy', message)
      }
      queues.set(runId, queue)
      queue.length++
      const written = queue.tail.then(() => transact(db, work))
      queue.tail = written.catch(() => undefined) // Its caller hears of it; the next in the queue goes on.
      try {
        return await written
      } finally {
        queue.length--
        if (queue.length === 0) queues.delete(runId)
      }
    },
  }
}
