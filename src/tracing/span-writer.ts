// Batches of spans that wait are stored together: most of a small write is waiting for the disk.
import { transact, type Connection } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import { logSpans, type IntakeTables, type TraceFindings } from './intake.ts'

/** How many batches may wait; the next is told to come later (503). */
export const waitingBatchesMax = 512
/** Of one transaction: it is over in some 50 ms, while nothing else is written. */
const spansTogether = 2000

export interface SpanWriter {
  /** On the disk when this returns. @throws DomainError spans_busy, and what `logSpans` throws */
  write(experimentId: number, traces: readonly TraceFindings[]): Promise<void>
}

interface Batch {
  readonly experimentId: number
  readonly traces: readonly TraceFindings[]
  readonly spans: number
  readonly done: PromiseWithResolvers<void>
}

export function createSpanWriter(db: Connection<IntakeTables>): SpanWriter {
  const waiting: Batch[] = []
  let isWriting = false

  async function writeAll(): Promise<void> {
    isWriting = true
    while (waiting.length > 0) await writeTogether(db, takeSome(waiting))
    isWriting = false
  }

  return {
    write(experimentId, traces) {
      if (waiting.length >= waitingBatchesMax) {
        const message = `${waitingBatchesMax} batches of spans wait already: send larger batches, and this one again later`
        throw new DomainError('unavailable', 'spans_busy', message)
      }
      const spans = traces.reduce((sum, each) => sum + each.spans.length, 0)
      const done = Promise.withResolvers<void>()
      waiting.push({ experimentId, traces, spans, done })
      if (!isWriting) void writeAll()
      return done.promise
    },
  }
}

function takeSome(waiting: Batch[]): Batch[] {
  let count = 0
  let spans = 0
  while (count < waiting.length && (count === 0 || spans + waiting[count]!.spans <= spansTogether)) {
    spans += waiting[count]!.spans
    count++
  }
  return waiting.splice(0, count)
}

/** One that fails does not take the others with it: then each is written alone. */
async function writeTogether(db: Connection<IntakeTables>, batches: readonly Batch[]): Promise<void> {
  try {
    await transact(db, async (trx) => {
      for (const { experimentId, traces } of batches) await logSpans(trx, experimentId, traces)
    })
  } catch (error) {
    if (batches.length === 1) return batches[0]!.done.reject(error)
    for (const batch of batches) await writeTogether(db, [batch])
    return
  }
  for (const { done } of batches) done.resolve()
}
