// trueloop pipeline …: pipeline runs and their steps.
import type { Command } from 'commander'
import type { ReasonOptions } from '../arguments.ts'
import { noun, withLimit, withReason, work, workOnTwo } from '../work.ts'
import type { PipelineListOptions } from './list.ts'
import type { LogOptions } from './logs.ts'

export function addPipelineCommands(program: Command): void {
  const pipeline = noun(program, 'pipeline', 'pipeline runs, their steps and what these said')
  withLimit(pipeline.command('list'), 20)
    .description('pipeline runs, the newest first')
    .option('--pipeline <name>', 'of this pipeline only')
    .option('--state <state>', 'running, canceling, succeeded, failed or canceled')
    .action(
      work(async (session, options: PipelineListOptions) =>
        (await import('./list.ts')).listPipelines(session, options),
      ),
    )
  pipeline
    .command('show')
    .argument('<run>', 'id of a pipeline run')
    .description('one pipeline run and its steps')
    .action(work(async (session, id: string) => (await import('./show.ts')).showPipeline(session, id)))
  pipeline
    .command('logs')
    .argument('<run>', 'id of a pipeline run')
    .argument('<step>', 'name of a step')
    .description('what a step said')
    .option('-f, --follow', 'go on printing until the step ends')
    .option('--attempt <number>', 'of this attempt (default: the last)')
    .action(
      workOnTwo(async (session, both: readonly [id: string, step: string], options: LogOptions) =>
        (await import('./logs.ts')).pipelineLogs(session, both, options),
      ),
    )
  withReason(pipeline.command('cancel'))
    .argument('<run>', 'id of a pipeline run')
    .description('end a pipeline run')
    .action(
      work(async (session, id: string, options: ReasonOptions) =>
        (await import('./cancel.ts')).cancelPipeline(session, id, options),
      ),
    )
}
