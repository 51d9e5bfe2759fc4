// trueloop loop …: the loops that are applied.
import type { Command } from 'commander'
import type { ReasonOptions } from '../arguments.ts'
import { noun, withLimit, withReason, work } from '../work.ts'
import type { HistoryOptions } from './history.ts'
import type { LoopVerb } from './ask.ts'

const asks: readonly (readonly [LoopVerb, string])[] = [
  ['trigger', 'ask for a retrain now'],
  ['pause', 'let a loop decide nothing by itself; what serves goes on serving'],
  ['resume', 'let a paused loop decide again'],
]

export function addLoopCommands(program: Command): void {
  const loop = noun(program, 'loop', 'the loops that are applied: where they stand and what they decided')
  loop
    .command('list')
    .description('the loops and where each stands')
    .action(work(async (session) => (await import('./list.ts')).listLoops(session)))
  loop
    .command('show')
    .argument('<loop>')
    .description('one loop: its phase, champion, attempt and what it waits for')
    .action(work(async (session, name: string) => (await import('./show.ts')).showLoop(session, name)))
  withLimit(loop.command('history'), 100)
    .argument('<loop>')
    .description('every decision and why, the last ones')
    .option('-f, --follow', 'go on printing as more is decided')
    .option('--evidence', 'with where the proof of each is')
    .action(
      work(async (session, name: string, options: HistoryOptions) =>
        (await import('./history.ts')).loopHistory(session, name, options),
      ),
    )
  for (const [verb, description] of asks) {
    withReason(loop.command(verb))
      .argument('<loop>')
      .description(description)
      .action(
        work(async (session, name: string, { reason }: ReasonOptions) =>
          (await import('./ask.ts')).askLoop(session, name, { verb, reason }),
        ),
      )
  }
}
