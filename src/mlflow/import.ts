// A whole MLflow brought over from its database and its artifacts: again and again, if it was cut short, without doubling anything.
import type { ImportDeps } from './import/deps.ts'
import { copyFiles, type FileCounts } from './import/files.ts'
import { rowsByKey } from './import/pages.ts'
import { copyPoints } from './import/points.ts'
import { importLabelling } from './import/labelling.ts'
import { importModels } from './import/registry.ts'
import { importExperiments, importLoggedModel, importRun } from './import/tracking.ts'
import { importTrace } from './import/traces.ts'
import { importWebhooks } from './import/webhooks.ts'
import { Report } from './import/verify/report.ts'
import { verifyImport } from './import/verify/verify.ts'

export type { ImportDeps } from './import/deps.ts'
import type { SourceRow } from './import/source.ts'
export { openImport } from './import/open.ts'
export { surveyMlflow, type SurveyedHome } from './import/survey.ts'

export interface Imported {
  /** How many of each kind there are now of the source's. */
  readonly counts: Readonly<Record<string, number>>
  /** Registered models that stayed behind: their names are taken. */
  readonly takenModels: readonly string[]
  /** What else did not come as it was, and why: a sentence each. */
  readonly notes: readonly string[]
  /** Of each kind: how many of the source's are here, and their digest: each row's sha256, all of them joined by exclusive or. */
  readonly compared: Report['compared']
  /** What is not here as it is at the source: how many things, and a sentence for each of the first thousand. */
  readonly differenceCount: number
  readonly differences: readonly string[]
}

/**
 * All of it is compared with its source when it has arrived.
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
  const notes: string[] = []
  const report = new Report()
  const experiments = await importExperiments(deps, { add })
  counts['experiments'] = experiments.size
  const idOf = (row: SourceRow): number => experiments.get(String(row['experiment_id'])) ?? 0
  for await (const row of rowsByKey(deps.source, { table: 'runs', key: 'run_uuid' })) {
    const place = await importRun(deps, row, idOf(row))
    add('metric points', await copyPoints(deps, String(row['run_uuid']), report))
    copied(await copyFiles(deps, place, report))
    add('runs')
  }
  for await (const row of rowsByKey(deps.source, { table: 'logged_models', key: 'model_id' })) {
    const model = await importLoggedModel(deps, row, idOf(row))
    copied(await copyFiles(deps, model.place, report))
    notes.push(...model.left.map(staying))
    add('logged models')
  }
  const takenModels = await importModels(deps, experiments, { add })
  for await (const row of rowsByKey(deps.source, { table: 'trace_info', key: 'request_id' })) {
    const { spans, place } = await importTrace(deps, row, idOf(row))
    add('spans', spans)
    if (place) copied(await copyFiles(deps, place, report))
    add('traces')
  }
  const { left, schemas } = await importLabelling(deps, experiments, { add })
  notes.push(...left.map(({ why }) => staying(why)), ...(await importWebhooks(deps, deps.webhookKeys, { add })))
  const taken = takenModels.map((id) => ({ table: 'registered_models', id, why: '' }))
  await verifyImport({ deps, experiments, schemas, left: [...left, ...taken], tell }, report)
  const { compared, differences, differenceCount } = report
  return { counts, takenModels, notes, compared, differences, differenceCount }
}

const staying = (what: string): string => `Stayed behind: ${what}`
