// Follows a pipeline run that a command has begun, to the end of its step.
import { pathOf, type Client } from '../../client/http-client.ts'
import { PipelineRunDetail } from '../../pipelines/pipeline-run.ts'
import { sleep } from '../../platform/clock.ts'
import { DomainError } from '../../platform/errors.ts'
import type { Terminal } from '../terminal.ts'
import { durationText, plain } from '../text.ts'

const pollMs = 200

/**
 * Tells how far it is, and answers the step once it succeeded. Ctrl-C leaves the run to itself: it goes on.
 * @throws DomainError pipeline_run_canceled, and the step's own error
 */
export async function waitForPipeline(
  { client, terminal }: { readonly client: Client; readonly terminal: Terminal },
  { id, step: name }: { readonly id: string; readonly step: string },
): Promise<PipelineRunDetail['steps'][number]> {
  const progress = terminal.progress(name)
  progress.note(`pipeline run ${id} has begun`)
  for (;;) {
    const run = await client.call({ path: pathOf`/pipeline-runs/${id}`, answer: PipelineRunDetail })
    const step = run.steps.find((each) => each.name === name)
    if (run.state === 'succeeded' && step) {
      progress.done(`took ${durationText((run.finishedAtMs ?? run.createdAtMs) - run.createdAtMs)}`)
      return step
    }
    if (run.state === 'canceled')
      throw new DomainError('conflict', 'pipeline_run_canceled', `pipeline run ${id} was canceled`)
    if (run.state === 'failed') {
      const code = step?.errorCode ?? 'step_failed'
      throw new DomainError('invalid', code, step?.errorMessage ?? `pipeline run ${id} failed`)
    }
    const text = step?.state === 'ready' ? 'waits for its turn' : (step?.progressText ?? 'begins')
    progress.update(step?.progress ?? 0, plain(text))
    await sleep(pollMs)
  }
}
