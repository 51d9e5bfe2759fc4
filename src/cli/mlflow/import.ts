// trueloop import mlflow: everything that an MLflow server's database and artifacts hold.
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { openBlobs } from '../../app/blobs.ts'
import { lockHome } from '../../app/home.ts'
import { openMetadata } from '../../app/metadata.ts'
import { mlflowCredentials } from '../../app/mlflow-credentials.ts'
import { ensureDefaultExperiment } from '../../experiments/experiments.ts'
import { importMlflow, openImport } from '../../mlflow/import.ts'
import { systemClock } from '../../platform/clock.ts'
import { DomainError } from '../../platform/errors.ts'
import { createIds } from '../../platform/ids.ts'
import { silentLog } from '../../platform/log.ts'
import { openReader } from '../../platform/reader-threads.ts'
import type { Session } from '../session.ts'
import { allExperiments } from './experiments.ts'
import { webhookKeys } from './webhook-keys.ts'

export interface ImportOptions {
  readonly artifacts?: string
  readonly prefix?: string
  readonly token?: string
}

/** How a source is read, whatever is done with it. @throws DomainError import_source */
export function readingOf(config: Session['config'], url: string, options: ImportOptions) {
  const { token, ...credentials } = mlflowCredentials()
  return {
    artifacts: artifactsOf(url, options),
    s3: config.mlflow.s3,
    credentials: { ...credentials, token: options.token ?? token },
  }
}

/** The home must not run: only one process writes it. Started again after it was cut short, it goes on. */
export async function importFromMlflow(
  { config, terminal }: Session,
  url: string,
  options: ImportOptions,
): Promise<void> {
  using _ = lockHome(config.home, 'server')
  await using stack = new AsyncDisposableStack()
  const progress = terminal.progress('import')
  const tell = (what: string): void => progress.update(undefined, what)
  const opened = stack.use(await openImport(url, { ...readingOf(config, url, options), home: config.home, tell }))
  const { source, origin, artifacts } = opened
  const clock = systemClock
  const { db } = stack.use(await openMetadata(config, { log: silentLog, clock }))
  const reader = stack.use(openReader(db, config.database))
  const actor = { name: 'import', clock, ids: createIds(clock) }
  await ensureDefaultExperiment(db, actor, { artifactRoot: config.mlflow.defaultArtifactRoot })
  const { counts, takenModels, notes, compared, differences, differenceCount } = await importMlflow(
    {
      db,
      reader,
      blobs: openBlobs(config),
      clock,
      source,
      origin,
      artifacts,
      prefix: options.prefix ?? '',
      webhookKeys: webhookKeys(config),
      experiments: () => allExperiments(db),
    },
    tell,
  )
  await opened.finish()
  progress.done(`${counts['runs'] ?? 0} runs`)
  const told = [...opened.notes, ...notes]
  if (differences.length > 0) throw incomplete(origin, { differences, count: differenceCount })
  terminal.show({ counts, takenModels, notes: told, compared }, () =>
    [
      ...Object.entries(counts).map(([kind, count]) => `${kind.padEnd(kindColumns)} ${count}`),
      '',
      'Compared with the source, row by row (how many here and there, and the digest of both):',
      ...Object.entries(compared).map(
        ([kind, { count, digest }]) => `${kind.padEnd(kindColumns)} ${String(count).padEnd(10)} ${digest.slice(0, 16)}`,
      ),
      '',
      ...takenModels.map((name) => `the model "${name}" stayed behind: there is one of that name`),
      ...told,
      `Brought ${origin} into ${config.home}; what came is as it was there.`,
    ].join('\n'),
  )
}

const kindColumns = 34
const differencesTold = 20

function incomplete(origin: string, what: { differences: readonly string[]; count: number }): DomainError {
  const told = what.differences.slice(0, differencesTold)
  const more = what.count - told.length
  const lines = more > 0 ? [...told, `and ${more} more`] : told
  const message = `all of ${origin} was brought over, but is not all as it is there: was either written to since it came over?\n${lines.join('\n')}`
  return new DomainError('conflict', 'import_incomplete', message, what)
}

/** Beside the database or the folder, as the stock server keeps them. @throws DomainError import_source */
function artifactsOf(url: string, { artifacts }: ImportOptions): string {
  const path = url.replace(/^sqlite:\/\/\//v, '')
  const folder = resolve(artifacts ?? join(existsSync(path) ? dirname(path) : '.', 'mlartifacts'))
  if (artifacts === undefined || existsSync(folder)) return folder
  throw new DomainError('invalid', 'import_source', `--artifacts ${folder}: there is no such folder`)
}
