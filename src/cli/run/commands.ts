// trueloop run …: experiments' runs.
import type { Command } from 'commander'
import type { ListOptions } from '../arguments.ts'
import { noun, withLimit, work } from '../work.ts'
import type { CodeOptions } from './code.ts'

export function addRunCommands(program: Command): void {
  const run = noun(program, 'run', 'runs of training code: params, metrics, artifacts')
  withLimit(run.command('list'), 20)
    .description('runs, the newest first')
    .option('--experiment <name>', 'of this experiment only')
    .action(
      work(async (session, options: ListOptions & { experiment?: string }) =>
        (await import('./list.ts')).listRuns(session, options),
      ),
    )
  run
    .command('show')
    .argument('<run>')
    .description('one run with its params, metrics, inputs and artifacts')
    .action(work(async (session, id: string) => (await import('./show.ts')).showRun(session, id)))
  run
    .command('code')
    .argument('<run>')
    .description('the files of the code that a run came from; or write them into a folder')
    .option('--to <folder>', 'an empty one, or a new one')
    .action(
      work(async (session, id: string, options: CodeOptions) =>
        (await import('./code.ts')).runCode(session, id, options),
      ),
    )
}
