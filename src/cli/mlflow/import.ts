// trueloop import mlflow: everything that an MLflow server's database and artifacts hold.
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { openBlobs } from '../../app/blobs.ts'
import { lockHome } from '../../app/home.ts'
import { openMetadata } from '../../app/metadata.ts'
import { ensureDefaultExperiment, listExperiments } from '../../experiments/experiments.ts'
import { importMlflow, openSource } from '../../mlflow/import.ts'
import { systemClock } from '../../platform/clock.ts'
import { DomainError } from '../../platform/errors.ts'
import { createIds } from '../../platform/ids.ts'
import { silentLog } from '../../platform/log.ts'
import { openReader } from '../../platform/reader-threads.ts'
import type { Session } from '../session.ts'

export interface ImportOptions {
  readonly artifacts?: string
  readonly prefix?: string
}

/** A page of the home's experiments; more are read after it. */
const experimentsPage = 1000

/** The home must not run: only one process writes it. Started again after it was cut short, it goes on. */
export async function importFromMlflow(
  { config, terminal }: Session,
  url: string,
  options: ImportOptions,
): Promise<void> {
  using _ = lockHome(config.home, 'server')
  await using stack = new AsyncDisposableStack()
  const source = stack.use(await openSource(url))
  const clock = systemClock
  const { db } = stack.use(await openMetadata(config, { log: silentLog, clock }))
  const reader = stack.use(openReader(db, config.database))
  const actor = { name: 'import', clock, ids: createIds(clock) }
  await ensureDefaultExperiment(db, actor, { artifactRoot: config.mlflow.defaultArtifactRoot })
  const experiments = async () => {
    const all = []
    for (let before: number | undefined; ;) {
      const page = await listExperiments(db, { limit: experimentsPage, withDeleted: true, before })
      all.push(...page)
      if (page.length < experimentsPage) return all
      before = page.at(-1)?.id
    }
  }
  const progress = terminal.progress('import')
  const { counts, takenModels } = await importMlflow(
    {
      db,
      reader,
      blobs: openBlobs(config),
      clock,
      source,
      origin: url.replace(/:\/\/[^@\/]*@/v, '://'),
      artifacts: artifactsOf(url, options),
      prefix: options.prefix ?? '',
      experiments,
    },
    (what) => progress.update(0, what),
  )
  progress.done(`${counts['runs'] ?? 0} runs`)
  terminal.show({ counts, takenModels }, () =>
    [
      ...Object.entries(counts).map(([kind, count]) => `${kind.padEnd(20)} ${count}`),
      ...takenModels.map((name) => `the model "${name}" stayed behind: there is one of that name`),
      `Brought ${url.replace(/:\/\/[^@\/]*@/v, '://')} into ${config.home}; every run has the points that it had there.`,
    ].join('\n'),
  )
}

/** Beside the database, as the stock server keeps them. @throws DomainError import_source */
function artifactsOf(url: string, { artifacts }: ImportOptions): string {
  const path = url.replace(/^sqlite:\/\/\//v, '')
  const folder = resolve(artifacts ?? join(existsSync(path) ? dirname(path) : '.', 'mlartifacts'))
  if (artifacts === undefined || existsSync(folder)) return folder
  throw new DomainError('invalid', 'import_source', `--artifacts ${folder}: there is no such folder`)
}
