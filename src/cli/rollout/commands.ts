// trueloop rollout …: how traffic moves from a champion to its challenger.
import type { Command } from 'commander'
import type { ListOptions, ReasonOptions } from '../arguments.ts'
import { noun, withLimit, withReason, work, workOnTwo } from '../work.ts'

export function addRolloutCommands(program: Command): void {
  const rollout = noun(program, 'rollout', 'how traffic moves from a champion to its challenger, or back')
  withLimit(rollout.command('list'), 20)
    .description('rollouts, the newest first')
    .option('--endpoint <name>', 'of this endpoint only')
    .action(
      work(async (session, options: ListOptions & { endpoint?: string }) =>
        (await import('./list.ts')).listRollouts(session, options),
      ),
    )
  withLimit(rollout.command('show'), 20)
    .argument('<rollout>', 'its id')
    .description('one rollout and its verdicts with their numbers, the last first')
    .action(
      work(async (session, id: string, options: ListOptions) =>
        (await import('./show.ts')).showRollout(session, id, options),
      ),
    )
  withReason(rollout.command('start'))
    .argument('<endpoint>')
    .argument('<version>', 'an approved model version, such as flights/3')
    .description('put a version beside the champion; it takes over if it proves good')
    .action(
      workOnTwo(async (session, both: readonly [endpoint: string, version: string], options: ReasonOptions) =>
        (await import('./start.ts')).startRollout(session, both, options),
      ),
    )
}
