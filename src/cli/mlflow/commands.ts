// trueloop import … and export …: from and to other programs.
import type { Command } from 'commander'
import { noun, work } from '../work.ts'
import type { ImportOptions } from './import.ts'

export function addExchangeCommands(program: Command): void {
  noun(program, 'import', 'everything that another program holds')
    .command('mlflow')
    .argument('<source>', 'sqlite:///<file>, a file, postgresql://…, an mlruns folder, or http(s)://…')
    .description('experiments, runs, models, traces and artifacts of an MLflow server; may be started again')
    .option('--artifacts <folder>', 'that its server stored them into (default: mlartifacts beside the source)')
    .option('--prefix <text>', 'before the names of its experiments')
    .option('--token <token>', 'for a server at a URL (default: MLFLOW_TRACKING_TOKEN)')
    .option('--dry-run', 'only say what would come, and what not')
    .action(
      work(async (session, source: string, { dryRun, ...options }: ImportOptions & { dryRun?: boolean }) =>
        dryRun
          ? (await import('./survey.ts')).surveyImport(session, source, options)
          : (await import('./import.ts')).importFromMlflow(session, source, options),
      ),
    )
  noun(program, 'export', 'everything, in the form of another program')
    .command('mlflow')
    .argument('<folder>', 'a new or empty one')
    .description('a database and artifacts that a stock MLflow server serves')
    .action(work(async (session, folder: string) => (await import('./export.ts')).exportToMlflow(session, folder)))
}
