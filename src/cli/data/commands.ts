// trueloop data …: datasets and their versions.
import type { Command } from 'commander'
import type { ListOptions } from '../arguments.ts'
import { noun, withLimit, work, workOnTwo } from '../work.ts'
import type { DiffOptions } from './diff.ts'
import type { ExportOptions } from './export.ts'
import type { IngestCommandOptions } from './ingest.ts'
import type { RowsOptions } from './rows.ts'
import type { SplitOptions } from './split.ts'
import type { ValidateOptions } from './validate.ts'

const version = 'dataset and version, such as flights/3; flights alone is the newest'

export function addDataCommands(program: Command): void {
  const data = noun(program, 'data', 'datasets, their versions, and what was found in them')
  addReading(data)
  addIngest(data)
  addRows(data)
  addSplits(data)
  addChecks(data)
}

function addReading(data: Command): void {
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
}

function addIngest(data: Command): void {
  data
    .command('ingest')
    .argument('<dataset>', 'its name; it is made if it is not there')
    .argument('[sources...]', 'files or globs, or URLs')
    .description('read rows into a dataset; unchanged rows are not stored again')
    .option('--time-column <column>', 'when a row happened (default: as the dataset has it)')
    .option('--no-time-column', 'the dataset shall have no time column')
    .option('--key <columns>', 'what names a row, separated by commas (default: as the dataset has it)')
    .option('--no-key', 'the dataset shall have no key')
    .option('--schema <columns>', 'types where they shall not be inferred, such as zip:string,at:timestamp_ms')
    .option('--select <columns>', 'keep these only, in this order')
    .option('--time-zone <zone>', 'of time stamps that name none, such as Europe/Berlin (default: UTC)')
    .option('--append', 'add the rows to those of the newest version (default: they are the whole dataset)')
    .option('--format <format>', 'csv, ndjson, json or parquet (default: by the file name)')
    .option('--delimiter <character>', 'of a CSV file (default: found out)')
    .option('--encoding <encoding>', 'of a CSV file: utf-8, latin-1 or utf-16 (default: utf-8)')
    .option('--query <select>', 'read the rows of a PostgreSQL query')
    .option('--connection <name>', 'of TRUELOOP_CONNECTIONS, for --query')
    .option('-e, --expectations <loop file>', 'check the rows against those of its dataset (default: check nothing)')
    .action(
      workOnTwo(async (session, both: readonly [dataset: string, sources: string[]], options: IngestCommandOptions) =>
        (await import('./ingest.ts')).ingestData(session, both, options),
      ),
    )
}

function addRows(data: Command): void {
  withPart(withLimit(data.command('rows').argument('<version>', version), 10))
    .description('the first rows of a version')
    .action(
      work(async (session, reference: string, options: RowsOptions) =>
        (await import('./rows.ts')).dataRows(session, reference, options),
      ),
    )
  withPart(
    data.command('export').argument('<version>', version).argument('<file>', 'ends with .parquet, .csv or .ndjson'),
  )
    .description('write the rows of a version to a file')
    .option('--force', 'replace a file that is there')
    .action(
      workOnTwo(async (session, both: readonly [reference: string, file: string], options: ExportOptions) =>
        (await import('./export.ts')).exportData(session, both, options),
      ),
    )
}

const withPart = (command: Command): Command =>
  command
    .option('--split <id>', 'only rows of a part of this split')
    .option('--part <part>', 'which one: train, validation or test')

function addSplits(data: Command): void {
  data
    .command('split')
    .argument('<version>', version)
    .description('put the rows of a version into train, validation and test, and record it')
    .option('--by <rule>', 'time, random or key (default: key with --key, else time)')
    .option('--key <columns>', 'rows that agree in these, separated by commas, stay together')
    .option('--seed <number>', 'of random and key (default: 0)')
    .option('--shares <percent>', 'train, validation and test (default: 70,15,15)')
    .action(
      work(async (session, reference: string, options: SplitOptions) =>
        (await import('./split.ts')).splitData(session, reference, options),
      ),
    )
  withLimit(data.command('splits').argument('<dataset>'), 20)
    .description('the splits of a dataset’s versions, newest first')
    .action(
      work(async (session, dataset: string, options: ListOptions) =>
        (await import('./splits.ts')).dataSplits(session, dataset, options),
      ),
    )
}

function addChecks(data: Command): void {
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
