// trueloop monitor …: signals over windows, and alerts.
import type { Command } from 'commander'
import { noun, withLimit, work, workOnTwo } from '../work.ts'
import type { AlertOptions } from './alerts.ts'
import type { CompareOptions } from './compare.ts'

const reference = 'a dataset version, such as flights/3, or a file: CSV, NDJSON, JSON or Parquet'

export function addMonitorCommands(program: Command): void {
  const monitor = noun(program, 'monitor', 'signals over windows of live traffic, and alerts')
  monitor
    .command('list')
    .argument('<endpoint>')
    .description('the monitors of an endpoint and what each measured last')
    .action(work(async (session, endpoint: string) => (await import('./list.ts')).listMonitors(session, endpoint)))
  withLimit(monitor.command('alerts'), 50)
    .description('alerts that are open, newest first')
    .option('--endpoint <name>', 'of this endpoint only')
    .option('--all', 'those that are resolved too')
    .action(work(async (session, options: AlertOptions) => (await import('./alerts.ts')).listAlerts(session, options)))
  monitor
    .command('acknowledge')
    .argument('<alert>', 'its id')
    .description('say that you know of an alert')
    .action(work(async (session, id: string) => (await import('./acknowledge.ts')).acknowledgeAlert(session, id)))
  monitor
    .command('compare')
    .argument('<before>', reference)
    .argument('<after>', reference)
    .description('has one table drifted from another, column by column? Dataset versions or files, counted here')
    .option('--columns <columns>', 'separated by commas (default: all that can be compared)')
    .option(
      '--definitions <whose>',
      'monitors: PSI in the bins of <before>; evidently: its choice of test, its bins, its thresholds',
      'monitors',
    )
    .action(
      workOnTwo(async (session, both: readonly [before: string, after: string], options: CompareOptions) =>
        (await import('./compare.ts')).compareData(session, both, options),
      ),
    )
}
