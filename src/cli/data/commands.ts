// trueloop data …: datasets and their versions.
import type { Command } from 'commander'
import type { ListOptions } from '../arguments.ts'
import { noun, work, workOnTwo } from '../work.ts'
import type { DiffOptions } from './diff.ts'
import type { ValidateOptions } from './validate.ts'

const version = 'dataset and version, such as flights/3; flights alone is the newest'

export function addDataCommands(program: Command): void {
  const data = noun(program, 'data', 'datasets, their versions, and what was found in them')
  data
    .command('list')
    .description('the datasets')
    .option('-n, --limit <count>', 'at most so many', '50')
    .action(work(async (session, options: ListOptions) => (await import('./list.ts')).listData(session, options)))
  data
    .command('show')
    .argument('<version>', version)
    .description('one version: rows, columns, digest')
    .action(work(async (session, reference: string) => (await import('./show.ts')).showData(session, reference)))
  data
    .command('versions')
    .argument('<dataset>')
    .description('the versions of a dataset, newest first')
    .option('-n, --limit <count>', 'at most so many', '20')
    .action(
      work(async (session, dataset: string, options: ListOptions) =>
        (await import('./versions.ts')).dataVersions(session, dataset, options),
      ),
    )
  data
    .command('profile')
    .argument('<version>', version)
    .description('what each column of a version holds')
    .action(work(async (session, reference: string) => (await import('./profile.ts')).dataProfile(session, reference)))
  data
    .command('validations')
    .argument('<dataset>')
    .description('what was found whenever a dataset was checked, newest first')
    .option('-n, --limit <count>', 'at most so many', '5')
    .action(
      work(async (session, dataset: string, options: ListOptions) =>
        (await import('./validations.ts')).dataValidations(session, dataset, options),
      ),
    )
  data
    .command('validate')
    .argument('<file>', 'CSV, NDJSON, JSON or Parquet')
    .description(
      'check a file against a loop’s expectations, here and storing nothing; exit code 1 on a critical failure',
    )
    .option('-e, --expectations <loop file>', 'whose dataset says what to expect', 'loop.ts')
    .action(
      work(async (session, file: string, options: ValidateOptions) =>
        (await import('./validate.ts')).validateData(session, file, options),
      ),
    )
  data
    .command('diff')
    .argument('<before>', version)
    .argument('<after>', version)
    .description('what changed between two versions, row by row')
    .option('--key <columns>', 'what names a row, separated by commas (default: the dataset’s key)')
    .action(
      workOnTwo(async (session, both: readonly [before: string, after: string], options: DiffOptions) =>
        (await import('./diff.ts')).diffData(session, both, options),
      ),
    )
}
