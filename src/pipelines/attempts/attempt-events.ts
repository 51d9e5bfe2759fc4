// What a running step reports, from its file into the database: each event once, because the offset moves in the same transaction.
import { transact } from '../../platform/database.ts'
import { messageOf } from '../../platform/errors.ts'
import { readAttemptEvents, type AttemptEvent } from './attempt-directory.ts'
import { findEventsOffset, setEventsOffset } from '../stores/step-attempt-store.ts'
import type { EngineContext } from '../engine-context.ts'
import { updateStepRun } from '../stores/step-run-store.ts'
import type { StepWork } from '../step-transitions.ts'

/** A report of more than this many reads goes on at the next call. */
const readsMax = 64

interface Source {
  readonly attemptId: string
  readonly directory: string
  readonly work: StepWork
}

/** Never throws: what could not be recorded now is read again at the next call. */
export async function recordAttemptEvents(context: EngineContext, source: Source): Promise<void> {
  try {
    let offset = await findEventsOffset(context.db, source.attemptId)
    for (let reads = 0; reads < readsMax; reads++) {
      const { events, malformed, nextOffset } = await readAttemptEvents(source.directory, offset)
      if (nextOffset === offset) return
      if (malformed > 0)
        context.log.warn('a step wrote lines that are no events', { step: source.work.step.name, malformed })
      await record(context, source, { events, eventsOffset: nextOffset })
      offset = nextOffset
    }
  } catch (error) {
    context.log.warn('reports of a step could not be recorded', {
      step: source.work.step.name,
      error: messageOf(error),
    })
  }
}

async function record(
  { db, onMetrics }: EngineContext,
  { attemptId, work }: Source,
  { events, eventsOffset }: { events: readonly AttemptEvent[]; eventsOffset: number },
): Promise<void> {
  const progress = events.findLast((event) => event.type === 'progress')
  const points = events
    .filter((event) => event.type === 'metric')
    .map(({ key, value, step, atMs }) => ({ key, value, step, atMs }))
  await transact(db, async (trx) => {
    if (progress) await updateStepRun(trx, work.step.id, { progress: progress.fraction, progressText: progress.text })
    if (points.length > 0 && onMetrics) {
      const { id: pipelineRunId, labels } = work.run
      await onMetrics(trx, { pipelineRunId, labels, stepRunId: work.step.id, step: work.step.name, points })
    }
    await setEventsOffset(trx, { id: attemptId, eventsOffset })
  })
}
