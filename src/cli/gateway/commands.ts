// trueloop gateway …: the workers that answer requests.
import type { Command } from 'commander'
import type { ReasonOptions } from '../arguments.ts'
import { noun, withReason, work } from '../work.ts'

export function addGatewayCommands(program: Command): void {
  const gateway = noun(program, 'gateway', 'the workers that answer requests')
  gateway
    .command('show')
    .description('how many workers there should be, and how many serve')
    .action(work(async (session) => (await import('./show.ts')).showGateway(session)))
  withReason(gateway.command('workers'))
    .argument('<count>', 'up to four a core, or "default" for what the gateway was started with')
    .description('change how many workers there are; those too many answer what they have, then end')
    .action(
      work(async (session, count: string, options: ReasonOptions) =>
        (await import('./workers.ts')).setWorkers(session, count, options),
      ),
    )
  withReason(gateway.command('restart'))
    .description('replace every worker by a new one, one after the other; no request fails')
    .action(
      work(async (session, options: ReasonOptions) => (await import('./restart.ts')).restartGateway(session, options)),
    )
}
