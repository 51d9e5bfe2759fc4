// A run's folder: its rows, written last of all the run's own, so that half of a run is none.
import { join } from 'node:path'
import { z } from 'zod'
import { pairRows, type ExperimentFolder, type FolderDeps } from './deps.ts'
import { locationOf } from './places.ts'
import { pointsBelow, storedValue } from './points.ts'
import { damage, foldersOf, readPairs } from './tree.ts'
import { id, integer, orNull, pathId, readYaml, stage } from './yaml.ts'

const states = ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED'] as const
const state = z
  .union([z.enum(states), z.int().transform((number, context) => states[number - 1] ?? unknownState(context))])
  .nullish()
  .transform((value) => value ?? 'RUNNING')

function unknownState(context: z.RefinementCtx): never {
  context.addIssue('is no state of a run')
  return z.NEVER
}

const Meta = z.object({
  run_id: pathId.nullish(),
  run_uuid: pathId.nullish(),
  experiment_id: id,
  run_name: orNull(z.string()),
  name: orNull(z.string()),
  user_id: orNull(z.string()),
  status: state,
  start_time: orNull(integer),
  end_time: orNull(integer),
  deleted_time: orNull(integer),
  lifecycle_stage: stage,
  artifact_uri: orNull(z.string()),
})

/** @throws DomainError import_source when any of it cannot be read */
export async function stageRun(deps: FolderDeps, experiment: ExperimentFolder, name: string): Promise<void> {
  const { staging } = deps
  const folder = join(experiment.path, name)
  const meta = await readYaml(join(folder, 'meta.yaml'), Meta)
  const runId = meta.run_id ?? meta.run_uuid
  if (runId !== name) throw damage(folder, `says that it is the run ${runId}`)
  if (meta.experiment_id !== String(experiment.id))
    throw damage(folder, `says that it is of the experiment ${meta.experiment_id}`)
  const pairs = async (what: string) =>
    pairRows(await readPairs(join(folder, what)), (key, value) => ({ key, value, run_uuid: runId }))
  staging.insert('params', await pairs('params'))
  staging.insert('tags', await pairs('tags'))
  for await (const points of pointsBelow(join(folder, 'metrics'))) {
    const rows = points.map(({ key, atMs, step, value }) => ({
      key,
      run_uuid: runId,
      timestamp: atMs,
      step,
      ...storedValue(value),
    }))
    staging.insert('metrics', rows)
  }
  await stageInputs(deps, { experiment, runId, folder })
  await stageOutputs(deps, { runId, folder })
  const location = meta.artifact_uri ?? ''
  const own = join(folder, 'artifacts')
  const isDeleted = meta.lifecycle_stage === 'deleted'
  staging.insert('runs', [
    {
      run_uuid: runId,
      name: meta.run_name || meta.name || null,
      user_id: meta.user_id,
      status: meta.status,
      start_time: meta.start_time,
      end_time: meta.end_time,
      lifecycle_stage: isDeleted ? 'deleted' : 'active',
      deleted_time: isDeleted ? (meta.deleted_time ?? meta.end_time ?? meta.start_time) : null,
      artifact_uri: await locationOf(deps, { what: `the run ${runId}`, location, own }),
      experiment_id: experiment.id,
    },
  ])
}

const Input = z.object({
  source_type: z.enum(['DATASET', 'MODEL']),
  source_id: z.string(),
  tags: z.record(z.string(), z.unknown()).nullish(),
})

async function stageInputs(
  { staging, note }: FolderDeps,
  { experiment, runId, folder }: { experiment: ExperimentFolder; runId: string; folder: string },
): Promise<void> {
  for (const name of await foldersOf(join(folder, 'inputs'))) {
    const input = await readYaml(join(folder, 'inputs', name, 'meta.yaml'), Input)
    if (input.source_type === 'MODEL') {
      const ends = { source_type: 'RUN_INPUT', source_id: runId, destination_type: 'MODEL_INPUT' }
      staging.insert('inputs', [{ input_uuid: `${runId}/${name}`, ...ends, destination_id: input.source_id }])
      continue
    }
    const dataset = `${experiment.id}/${input.source_id}`
    const [found] = await staging.all('select 1 as found from datasets where dataset_uuid = ?', [dataset])
    if (!found) {
      note(`The run ${runId} came without its dataset ${input.source_id}, which is not there`)
      continue
    }
    const ends = { source_type: 'DATASET', source_id: dataset, destination_type: 'RUN', destination_id: runId }
    const input_uuid = `${runId}/${name}`
    staging.insert('inputs', [{ input_uuid, ...ends }])
    const tags = Object.entries(input.tags ?? {})
    staging.insert(
      'input_tags',
      tags.map(([key, value]) => ({ input_uuid, name: key, value: String(value) })),
    )
  }
}

const Output = z.object({ source_id: z.string(), destination_id: z.string().nullish(), step: integer.nullish() })

async function stageOutputs({ staging }: FolderDeps, { runId, folder }: { runId: string; folder: string }) {
  for (const name of await foldersOf(join(folder, 'outputs'))) {
    const output = await readYaml(join(folder, 'outputs', name, 'meta.yaml'), Output)
    const ends = { source_type: 'RUN_OUTPUT', source_id: runId, destination_type: 'MODEL_OUTPUT' }
    const destination_id = output.destination_id ?? output.source_id
    staging.insert('inputs', [{ input_uuid: `${runId}/${name}`, ...ends, destination_id, step: output.step ?? 0 }])
  }
}
