// trueloop pipeline list: pipeline runs, the newest first.
import { z } from 'zod'
import { PipelineRun } from '../../pipelines/pipeline-run.ts'
import { systemClock } from '../../platform/clock.ts'
import { limitOf, type ListOptions } from '../arguments.ts'
import { connect, type Session } from '../session.ts'
import { table } from '../terminal.ts'
import { durationText, timeText } from '../text.ts'

const Answer = z.object({ items: z.array(PipelineRun), next: z.string().nullable() })

export interface PipelineListOptions extends ListOptions {
  readonly pipeline?: string
  readonly state?: string
}

export async function listPipelines(
  session: Session,
  { pipeline, state, ...options }: PipelineListOptions,
): Promise<void> {
  const query = { limit: limitOf(options), pipeline, state }
  const answer = await connect(session).call({ path: '/pipeline-runs', query, answer: Answer })
  session.terminal.show(answer, ({ items }) => renderPipelineRuns(items, systemClock()))
}

export const renderPipelineRuns = (runs: readonly PipelineRun[], nowMs: number): string =>
  runs.length === 0
    ? 'No pipeline has run yet.'
    : table(
        ['PIPELINE RUN', 'PIPELINE', 'STATE', 'STARTED', 'TOOK', 'WHY'],
        runs.map(({ id, pipeline, state, createdAtMs, finishedAtMs, reason }) => [
          id,
          pipeline,
          state,
          timeText(createdAtMs),
          durationText((finishedAtMs ?? nowMs) - createdAtMs),
          reason,
        ]),
      )
