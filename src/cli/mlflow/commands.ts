// trueloop import … and export …: from and to other programs.
import type { Command } from 'commander'
import { noun, work } from '../work.ts'
import type { ImportOptions } from './import.ts'

export function addExchangeCommands(program: Command): void {
  noun(program, 'import', 'everything that another program holds')
    .command('mlflow')
    .argument('<database>', 'sqlite:///<file>, a file, or postgresql://…')
    .description('experiments, runs, models, traces and artifacts of an MLflow server; may be started again')
    .option('--artifacts <folder>', 'that its server stored them into (default: mlartifacts beside the database)')
    .option('--prefix <text>', 'before the names of its experiments')
    .action(
      work(async (session, database: string, options: ImportOptions) =>
        (await import('./import.ts')).importFromMlflow(session, database, options),
      ),
    )
  noun(program, 'export', 'everything, in the form of another program')
    .command('mlflow')
    .argument('<folder>', 'a new or empty one')
    .description('a database and artifacts that a stock MLflow server serves')
    .action(work(async (session, folder: string) => (await import('./export.ts')).exportToMlflow(session, folder)))
}
