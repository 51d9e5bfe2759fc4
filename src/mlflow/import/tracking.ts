// Experiments, runs and logged models of an MLflow database, one at a time, into the home.
import {
  bringExperiment,
  bringExperimentTags,
  bringLoggedModel,
  bringModelPoints,
  bringRun,
} from '../../experiments/bring-in.ts'
import type { LoggedDataset } from '../../experiments/logged-dataset.ts'
import { transact } from '../../platform/database.ts'
import { DomainError } from '../../platform/errors.ts'
import { placeOf } from './files.ts'
import type { ImportDeps, Tally } from './deps.ts'
import { originTag } from './origin.ts'
import { orNull, textsOf, timeOf } from './rows.ts'
import type { SourceRow } from './source.ts'

/** Answers the ids of the home by those of the source, as texts: some have 18 digits. @throws DomainError experiment_exists, with nothing written */
export async function importExperiments(deps: ImportDeps, tally: Tally): Promise<Map<string, number>> {
  const { db, source, artifacts, prefix } = deps
  const ids = new Map<string, number>()
  const there = await deps.experiments()
  const known = new Map(there.map((experiment) => [experiment.tags[originTag], experiment.id]))
  const names = new Set(there.map(({ name }) => name))
  const rows = (await source.all('select * from experiments order by experiment_id')).map((row) => {
    const id = row['experiment_id'] as bigint | number
    const origin = `${deps.origin}#${id}`
    return {
      row,
      id,
      origin,
      name: `${prefix}${String(row['name'])}`,
      before: known.get(origin) ?? (id === 0 ? 0 : undefined),
    }
  })
  for (const { name, before } of rows) if (before === undefined && names.has(name)) throw nameTaken(name)
  for (const { row, id, origin, name, before } of rows) {
    const tags = textsOf(await source.all('select key, value from experiment_tags where experiment_id = ?', [id]))
    if (before !== undefined) {
      if (before === 0) await transact(db, (trx) => bringExperimentTags(trx, before, tags))
      ids.set(String(id), before)
      continue
    }
    const location = String(row['artifact_location'] ?? '')
    const experiment = {
      id,
      name,
      artifactLocation: (own: number) => placeOf(location, { artifacts, own: String(own) }).uri,
      tags: { ...tags, [originTag]: origin },
      createdAtMs: timeOf(row['creation_time']),
      updatedAtMs: timeOf(row['last_update_time']),
      deletedAtMs: row['lifecycle_stage'] === 'deleted' ? timeOf(row['last_update_time']) : null,
    }
    ids.set(String(id), await transact(db, (trx) => bringExperiment(trx, experiment)))
    tally.add('experiments')
  }
  return ids
}

const nameTaken = (name: string): DomainError =>
  new DomainError(
    'conflict',
    'experiment_exists',
    `there is an experiment "${name}" already: give --prefix to bring the other's under names of their own`,
    { name, deletedAtMs: null },
  )

/** With all but its points. Answers where its artifacts are. */
export async function importRun(
  deps: ImportDeps,
  row: SourceRow,
  experimentId: number,
): Promise<ReturnType<typeof placeOf>> {
  const { db, source, artifacts } = deps
  const id = String(row['run_uuid'])
  const place = placeOf(String(row['artifact_uri'] ?? ''), { artifacts, own: `${experimentId}/${id}/artifacts` })
  const pairs = (table: string) => source.all(`select key, value from ${table} where run_uuid = ?`, [id])
  const tags = textsOf(await pairs('tags'))
  const isDeleted = row['lifecycle_stage'] === 'deleted'
  const run = {
    id,
    experimentId,
    name: orNull(row['name']) ?? tags['mlflow.runName'] ?? '',
    state: String(row['status'] ?? 'FINISHED').toLowerCase() as 'finished',
    startedAtMs: (row['start_time'] ?? 0) as number,
    endedAtMs: (row['end_time'] ?? null) as number | null,
    deletedAtMs: isDeleted ? timeOf(row['deleted_time'] ?? row['end_time']) : null,
    userId: orNull(row['user_id']) ?? '',
    artifactUri: place.uri,
    params: textsOf(await pairs('params')),
    tags,
    ...(await linksOf(deps, id)),
  } as const
  await transact(db, (trx) => bringRun(trx, run))
  return place
}

async function linksOf({ source }: ImportDeps, runId: string) {
  const inputs = await source.all(
    `select i.input_uuid, d.* from inputs i join datasets d on d.dataset_uuid = i.source_id
     where i.source_type = 'DATASET' and i.destination_type = 'RUN' and i.destination_id = ?`,
    [runId],
  )
  const read = await Promise.all(
    inputs.map(async (row) => {
      const tags = await source.all('select name as key, value from input_tags where input_uuid = ?', [
        row['input_uuid'],
      ])
      return { dataset: datasetOf(row), tags: textsOf(tags) }
    }),
  )
  const models = (type: string) =>
    source.all(`select * from inputs where source_type = ? and source_id = ?`, [type, runId])
  return {
    inputs: read,
    modelInputs: (await models('RUN_INPUT')).map((row) => String(row['destination_id'])),
    modelOutputs: (await models('RUN_OUTPUT')).map((row) => ({
      modelId: String(row['destination_id']),
      step: (row['step'] ?? 0) as number | bigint,
    })),
  }
}

const datasetOf = (row: SourceRow): LoggedDataset => ({
  name: String(row['name']),
  digest: String(row['digest']),
  sourceType: String(row['dataset_source_type']),
  source: String(row['dataset_source']),
  schema: orNull(row['dataset_schema']),
  profile: orNull(row['dataset_profile']),
})

/** By the number that MLflow's database has for each. */
export const modelStates = ['unspecified', 'pending', 'ready', 'upload_failed'] as const

export interface ImportedModel {
  /** Of its files. */
  readonly place: ReturnType<typeof placeOf>
  /** What stayed behind: its points of runs that are not here, in words. */
  readonly left: readonly string[]
}

export async function importLoggedModel(
  deps: ImportDeps,
  row: SourceRow,
  experimentId: number,
): Promise<ImportedModel> {
  const { db, source, artifacts } = deps
  const id = String(row['model_id'])
  const own = `${experimentId}/models/${id}/artifacts`
  const place = placeOf(String(row['artifact_location']), { artifacts, own })
  const texts = async (what: 'param' | 'tag') =>
    textsOf(
      await source.all(
        `select ${what}_key as key, ${what}_value as value from logged_model_${what}s where model_id = ?`,
        [id],
      ),
    )
  const updatedAtMs = timeOf(row['last_updated_timestamp_ms'])
  const model = {
    id,
    experimentId,
    name: String(row['name']),
    state: modelStates[Number(row['status'])] ?? 'unspecified',
    artifactUri: place.uri,
    modelType: orNull(row['model_type']),
    sourceRunId: orNull(row['source_run_id']),
    params: await texts('param'),
    tags: await texts('tag'),
    createdAtMs: timeOf(row['creation_timestamp_ms']),
    updatedAtMs,
    deletedAtMs: row['lifecycle_stage'] === 'deleted' ? updatedAtMs : null,
  }
  const points = await source.all('select * from logged_model_metrics where model_id = ?', [id])
  const left = await transact(db, async (trx) => {
    await bringLoggedModel(trx, model)
    const missing: string[] = []
    for (const [runId, some] of Map.groupBy(points, (point) => String(point['run_id']))) {
      const brought = some.map((point) => modelPointOf(id, point))
      if (!(await bringModelPoints(trx, runId, brought))) missing.push(runId)
    }
    return missing.map((runId) => `the metrics of the logged model ${id} that the run ${runId} logged: it is not here`)
  })
  return { place, left }
}

function modelPointOf(id: string, row: SourceRow) {
  const [name, digest] = [orNull(row['dataset_name']), orNull(row['dataset_digest'])]
  return {
    key: String(row['metric_name']),
    step: row['metric_step'] as number | bigint,
    atMs: row['metric_timestamp_ms'] as number | bigint,
    value: row['metric_value'] === null ? Number.NaN : Number(row['metric_value']),
    model: { id, dataset: name === null || digest === null ? null : { name, digest } },
  }
}
