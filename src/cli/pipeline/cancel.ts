// trueloop pipeline cancel: ends a pipeline run.
import { pathOf } from '../../client/http-client.ts'
import { PipelineRunDetail } from '../../pipelines/pipeline-run.ts'
import type { ReasonOptions } from '../arguments.ts'
import { connect, type Session } from '../session.ts'

export async function cancelPipeline(session: Session, id: string, { reason }: ReasonOptions): Promise<void> {
  const path = pathOf`/pipeline-runs/${id}/cancel`
  const run = await connect(session).call({ method: 'POST', path, body: { reason }, answer: PipelineRunDetail })
  session.terminal.show(run, ({ id: ended, state }) => `Pipeline run ${ended} is ${state}.`)
}
