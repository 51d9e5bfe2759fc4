// A whole MLflow brought over from its database and its artifacts: again and again, if it was cut short, without doubling anything.
import type { ImportDeps } from './import/deps.ts'
import { copyFiles, placeOf, type FileCounts } from './import/files.ts'
import { copyPoints } from './import/points.ts'
import { importModels } from './import/registry.ts'
import { importExperiments, importLoggedModel, importRun } from './import/tracking.ts'
import { importTrace } from './import/traces.ts'

export type { ImportDeps } from './import/deps.ts'
import type { SourceRow } from './import/source.ts'
export { openSource } from './import/source.ts'

export interface Imported {
  /** How many of each kind there are now of the source's. */
  readonly counts: Readonly<Record<string, number>>
  /** Registered models that stayed behind: their names are taken. */
  readonly takenModels: readonly string[]
}

/**
 * Each run is compared with its source, point for point, when it has arrived.
 * @throws DomainError experiment_exists, import_incomplete; `tell` hears how far it is
 */
export async function importMlflow(deps: ImportDeps, tell: (what: string) => void): Promise<Imported> {
  const counts: Record<string, number> = {}
  const add = (kind: string, count = 1): void => {
    counts[kind] = (counts[kind] ?? 0) + count
    if (kind === 'runs' || kind === 'traces') tell(`${kind}: ${counts[kind]}`)
  }
  const copied = ({ files, bytes }: FileCounts): void => {
    add('files', files)
    add('bytes', bytes)
  }
  const experiments = await importExperiments(deps, { add })
  counts['experiments'] = experiments.size
  const idOf = (row: SourceRow): number => experiments.get(String(row['experiment_id'])) ?? 0
  for await (const row of each(deps, 'runs', 'run_uuid')) {
    const place = await importRun(deps, row, idOf(row))
    add('metric points', await copyPoints(deps, String(row['run_uuid'])))
    copied(await copyFiles(deps, place))
    add('runs')
  }
  for await (const row of each(deps, 'logged_models', 'model_id')) {
    copied(await copyFiles(deps, await importLoggedModel(deps, row, idOf(row))))
    add('logged models')
  }
  const takenModels = await importModels(deps, { add })
  for await (const row of each(deps, 'trace_info', 'request_id')) {
    add('spans', await importTrace(deps, row, idOf(row)))
    const { artifacts } = deps
    const own = `${idOf(row)}/traces/${String(row['request_id'])}/artifacts`
    const location = await artifactLocationOf(deps, row)
    if (location !== undefined) copied(await copyFiles(deps, placeOf(location, { artifacts, own })))
    add('traces')
  }
  return { counts, takenModels }
}

/** Clients of old keep spans beside the runs of the experiment, where a tag says. */
async function artifactLocationOf({ source }: ImportDeps, row: SourceRow): Promise<string | undefined> {
  const [tag] = await source.all(
    "select value from trace_tags where key = 'mlflow.artifactLocation' and request_id = ?",
    [row['request_id']],
  )
  return tag ? String(tag['value']) : undefined
}

/** By key, so that the source is read a page at a time while the home is written. */
async function* each({ source }: ImportDeps, table: string, key: string): AsyncGenerator<SourceRow> {
  if (!(await source.columnsOf(table)).has(key)) return
  for (let after = ''; ;) {
    const page = await source.all(`select * from ${table} where ${key} > ? order by ${key} limit 500`, [after])
    yield* page
    const last = page.at(-1)
    if (!last) return
    after = String(last[key])
  }
}
