// trueloop ab …: versions that share an endpoint's traffic to settle a hypothesis.
import type { Command } from 'commander'
import type { ListOptions, ReasonOptions } from '../arguments.ts'
import { noun, withLimit, withReason, work, workOnTwo } from '../work.ts'
import type { AbStartOptions } from './start.ts'

export function addAbCommands(program: Command): void {
  const ab = noun(program, 'ab', "A/B tests: versions that share an endpoint's traffic to settle a hypothesis")
  withLimit(ab.command('list'), 20)
    .description('A/B tests, the newest first')
    .option('--endpoint <name>', 'of this endpoint only')
    .action(
      work(async (session, options: ListOptions & { endpoint?: string }) =>
        (await import('./list.ts')).listAbTests(session, options),
      ),
    )
  withLimit(ab.command('show'), 20)
    .argument('<test>', 'its id')
    .description('one test and what was found of each version, the last first')
    .action(
      work(async (session, id: string, options: ListOptions) =>
        (await import('./show.ts')).showAbTest(session, id, options),
      ),
    )
  withReason(ab.command('start'))
    .argument('<endpoint>')
    .argument('<versions...>', 'approved versions, such as flights/3; each is compared with the champion')
    .description('let versions answer shares beside the champion until it is settled which is better')
    .requiredOption('--hypothesis <text>', 'what you believe, in words')
    .requiredOption('--metric <metric>', 'error_rate, latency, loss or outcome')
    .option('--share <share>', 'of the traffic, for each version', '0.1')
    .option('--effect <amount>', "better means by more than this, in the metric's unit; of latency a share", '0')
    .option('--lower', 'lower outcomes are better')
    .option('--days <days>', 'after so many the question is inconclusive', '14')
    .option('--alpha <chance>', 'of any wrong verdict', '0.05')
    .option('--promote', 'the best of the better ones becomes champion')
    .action(
      workOnTwo(
        async (session, both: readonly [endpoint: string, versions: readonly string[]], options: AbStartOptions) =>
          (await import('./start.ts')).startAbTest(session, both, options),
      ),
    )
  withReason(ab.command('stop'))
    .argument('<test>', 'its id')
    .description('end it without a verdict: the champion has all the traffic again')
    .action(
      work(async (session, id: string, options: ReasonOptions) =>
        (await import('./stop.ts')).stopAbTest(session, id, options),
      ),
    )
}
