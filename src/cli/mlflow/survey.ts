// trueloop import mlflow --dry-run: what an import would bring, and what not.
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lockHome } from '../../app/home.ts'
import { migrations, type Tables } from '../../app/tables.ts'
import { openImport, surveyMlflow, type SurveyedHome } from '../../mlflow/import.ts'
import { findModels } from '../../models/model-store.ts'
import { openDatabase, pendingMigrations } from '../../platform/database.ts'
import type { Session } from '../session.ts'
import { allExperiments } from './experiments.ts'
import { readingOf, type ImportOptions } from './import.ts'

/** Writes nothing: what has to be staged is in a folder that goes, and the home is looked at as it is. */
export async function surveyImport({ config, terminal }: Session, url: string, options: ImportOptions): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const scratch = await mkdtemp(join(tmpdir(), 'trueloop-import-'))
  stack.defer(() => rm(scratch, { recursive: true, force: true }))
  const progress = terminal.progress('dry run')
  const tell = (what: string): void => progress.update(undefined, what)
  const opened = stack.use(await openImport(url, { ...readingOf(config, url, options), home: scratch, tell }))
  const { source, origin, artifacts } = opened
  const home = await lookAt(config, stack)
  const { counts, notes } = await surveyMlflow({ source, origin, artifacts, prefix: options.prefix ?? '', home })
  progress.done(`${counts['runs'] ?? 0} runs`)
  const told = [...opened.notes, ...notes]
  terminal.show({ counts, notes: told }, () =>
    [
      ...Object.entries(counts).map(([kind, count]) => `${kind.padEnd(20)} ${count}`),
      ...told,
      `An import of ${origin} into ${config.home} would bring these. Nothing was written.`,
    ].join('\n'),
  )
}

/** One that was never opened has nothing. @throws DomainError home_in_use */
async function lookAt(config: Session['config'], stack: AsyncDisposableStack): Promise<SurveyedHome> {
  const none: SurveyedHome = { experiments: [], models: async () => [] }
  const path = config.database.startsWith('sqlite:') ? config.database.slice('sqlite:'.length) : undefined
  if (path !== undefined && !existsSync(path)) return none
  stack.use(lockHome(config.home, 'server'))
  const { db } = stack.use(await openDatabase<Tables>(config.database))
  const pending = await pendingMigrations(db, migrations)
  if (pending.length === Object.keys(migrations).length) return none
  return { experiments: await allExperiments(db), models: (names) => findModels(db, names) }
}
