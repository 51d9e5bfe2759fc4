// Commands about a project's loop file: init, plan, apply.
import type { Command } from 'commander'
import { work } from '../work.ts'
import type { ApplyOptions } from './apply.ts'

const fileDefault = 'loop.ts'

export function addLoopFileCommands(program: Command): void {
  program
    .command('init')
    .argument('[folder]', 'made when it is missing', '.')
    .description('write a first loop.ts and what an editor needs; overwrites nothing')
    .action(work(async (session, folder: string) => (await import('./init.ts')).init(session, folder)))
  program
    .command('plan')
    .argument('[file]', 'the loop file', fileDefault)
    .description('show what applying a loop file would change')
    .action(work(async (session, file: string) => (await import('./plan.ts')).plan(session, file)))
  program
    .command('apply')
    .argument('[file]', 'the loop file', fileDefault)
    .description('make what runs as the loop file says')
    .option('-y, --yes', 'do not ask')
    .option('--wait', 'until the model that it trains is live, or is refused (exit code 7) or fails')
    .option('--timeout <seconds>', 'how long --wait waits (exit code 124)', '3600')
    .action(
      work(async (session, file: string, options: ApplyOptions) =>
        (await import('./apply.ts')).apply(session, file, options),
      ),
    )
}
