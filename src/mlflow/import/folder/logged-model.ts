// A logged model's folder.
import { join } from 'node:path'
import { z } from 'zod'
import { pairRows, type ExperimentFolder, type FolderDeps } from './deps.ts'
import { locationOf } from './places.ts'
import { pointsBelow, type Point } from './points.ts'
import { damage, readPairs } from './tree.ts'
import { id, integer, orNull, pathId, readYaml, stage } from './yaml.ts'

const states = ['UNSPECIFIED', 'PENDING', 'READY', 'FAILED', 'UPLOAD_FAILED']
const state = z.union([
  z.int().min(0).max(3),
  z.string().transform((text) => Math.min(3, Math.max(0, states.indexOf(text.replace(/^LOGGED_MODEL_/v, ''))))),
])

const Meta = z.object({
  model_id: pathId,
  experiment_id: id,
  name: z.string(),
  artifact_location: orNull(z.string()),
  creation_timestamp: integer,
  last_updated_timestamp: integer,
  status: state.nullish(),
  status_message: orNull(z.string()),
  lifecycle_stage: stage,
  model_type: orNull(z.string()),
  source_run_id: orNull(z.string()),
})

/** @throws DomainError import_source when any of it cannot be read */
export async function stageLoggedModel(deps: FolderDeps, experiment: ExperimentFolder, name: string): Promise<void> {
  const { staging } = deps
  const folder = join(experiment.path, 'models', name)
  const meta = await readYaml(join(folder, 'meta.yaml'), Meta)
  const { model_id } = meta
  if (model_id !== name) throw damage(folder, `says that it is the model ${model_id}`)
  const of = { model_id, experiment_id: experiment.id }
  for (const what of ['param', 'tag']) {
    const pairs = await readPairs(join(folder, `${what}s`))
    const rows = pairRows(pairs, (key, value) => ({ ...of, [`${what}_key`]: key, [`${what}_value`]: value }))
    staging.insert(`logged_model_${what}s`, rows)
  }
  for await (const points of pointsBelow(join(folder, 'metrics')))
    staging.insert(
      'logged_model_metrics',
      points.map((point) => ({ ...of, ...metricOf(point, folder) })),
    )
  const own = join(folder, 'artifacts')
  const location = meta.artifact_location ?? ''
  staging.insert('logged_models', [
    {
      ...of,
      name: meta.name,
      artifact_location: await locationOf(deps, { what: `the logged model ${model_id}`, location, own }),
      creation_timestamp_ms: meta.creation_timestamp,
      last_updated_timestamp_ms: meta.last_updated_timestamp,
      status: meta.status ?? 0,
      status_message: meta.status_message,
      lifecycle_stage: meta.lifecycle_stage ?? 'active',
      model_type: meta.model_type,
      source_run_id: meta.source_run_id,
    },
  ])
}

/** After the step: the run, then the name of a dataset, which may have spaces, and its digest. */
function metricOf({ key, atMs, step, value, rest }: Point, folder: string) {
  const [run_id, ...dataset] = rest
  if (run_id === undefined || dataset.length === 1) throw damage(folder, `has a point of "${key}" that names no run`)
  const digest = dataset.pop() ?? null
  return {
    metric_name: key,
    metric_timestamp_ms: atMs,
    metric_step: step,
    metric_value: Number.isNaN(value) ? null : value,
    run_id,
    dataset_name: digest === null ? null : dataset.join(' '),
    dataset_digest: digest,
  }
}
