// trueloop import … and export …: from and to other programs.
import type { Command } from 'commander'
import { noun, work } from '../work.ts'

export function addExchangeCommands(program: Command): void {
  noun(program, 'export', 'everything, in the form of another program')
    .command('mlflow')
    .argument('<folder>', 'a new or empty one')
    .description('a database and artifacts that a stock MLflow server serves')
    .action(work(async (session, folder: string) => (await import('./export.ts')).exportToMlflow(session, folder)))
}
