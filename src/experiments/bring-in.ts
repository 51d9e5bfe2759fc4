// Bringing over what another program recorded: entities with the ids, times and states that they had. Each function can be called again.
import type { Transaction } from '../platform/database.ts'
import type { Experiment } from './experiment.ts'
import type { DatasetInput } from './logged-dataset.ts'
import type { LoggedModelSummary } from './logged-model.ts'
import type { LoggedPoint, MetricPoint } from './metric.ts'
import type { RunSummary } from './run.ts'
import { ensureDatasets, insertDatasetInputs } from './stores/dataset-store.ts'
import {
  insertExperiment,
  nextExperimentId,
  passExperimentId,
  putExperimentTags,
  readExperimentHeader,
  readExperimentsById,
} from './stores/experiment-store.ts'
import {
  findLoggedModel,
  insertLoggedModel,
  insertLoggedModelParams,
  putLoggedModelTags,
  type LoggedModelTables,
} from './stores/logged-model-store.ts'
import { addPoints } from './stores/metric-store.ts'
import { addModelPoints } from './stores/model-point-store.ts'
import { insertParams, putTags } from './stores/param-store.ts'
import {
  insertModelInputs,
  insertModelOutputs,
  readModelInputs,
  readModelOutputs,
  type ModelOutput,
} from './stores/run-model-store.ts'
import { insertRun, readRunHeaders } from './stores/run-store.ts'
import type { ExperimentTables } from './tables.ts'

type Trx = Transaction<ExperimentTables>

export interface BroughtExperiment extends Omit<Experiment, 'id' | 'artifactLocation'> {
  /** That it had; it may be beyond those that are given here. */
  readonly id: bigint | number
  /** Of the id that it gets. */
  readonly artifactLocation: (id: number) => string
}

/** The largest that both databases keep. */
const experimentIdMax = 2 ** 31 - 1

/** Under the id that it had, or the next free one when another experiment has that or it is too large; answers it. The name must be free. */
export async function bringExperiment(
  trx: Trx,
  { artifactLocation, ...experiment }: BroughtExperiment,
): Promise<number> {
  const had = experiment.id <= experimentIdMax ? Number(experiment.id) : undefined
  const isFree = had !== undefined && (await readExperimentHeader(trx, had)) === undefined
  const id = isFree ? had : await nextExperimentId(trx)
  await passExperimentId(trx, id)
  await insertExperiment(trx, { ...experiment, id, artifactLocation: artifactLocation(id) })
  return id
}

/** Of an experiment that every home has of its own; a tag that is here already stays as it is. */
export async function bringExperimentTags(trx: Trx, id: number, tags: Experiment['tags']): Promise<void> {
  const [known] = await readExperimentsById(trx, [id])
  const added = Object.entries(tags).filter(([key]) => !Object.hasOwn(known?.tags ?? {}, key))
  await putExperimentTags(trx, id, Object.fromEntries(added))
}

export interface BroughtRun extends Omit<RunSummary, 'experiment' | 'metrics' | 'createdBy' | 'pipelineRunId'> {
  readonly inputs: readonly DatasetInput[]
  readonly modelInputs: readonly string[]
  readonly modelOutputs: readonly ModelOutput[]
}

/** With its params, tags, inputs and outputs; a run that is here already stays as it is. */
export async function bringRun(trx: Trx, run: BroughtRun): Promise<void> {
  const { inputs, modelInputs, modelOutputs, params, tags, ...header } = run
  const [known] = await readRunHeaders(trx, [run.id])
  if (known) return
  await insertRun(trx, {
    ...header,
    experiment: '',
    createdBy: 'import',
    pipelineRunId: null,
    seeds: {},
    code: null,
    environmentDigest: null,
    isDeletedWithExperiment: false,
  })
  await insertParams(trx, run.id, params)
  await putTags(trx, run.id, tags)
  const idOf = await ensureDatasets(
    trx,
    run.experimentId,
    inputs.map(({ dataset }) => dataset),
  )
  const rows = inputs.map(({ dataset, tags: ofInput }) => ({ datasetId: idOf(dataset), tags: ofInput }))
  await insertDatasetInputs(trx, run.id, rows)
  const read = (await readModelInputs(trx, [run.id])).get(run.id) ?? []
  await insertModelInputs(
    trx,
    run.id,
    modelInputs.filter((id) => !read.includes(id)),
  )
  const made = (await readModelOutputs(trx, [run.id])).get(run.id) ?? []
  await insertModelOutputs(
    trx,
    run.id,
    modelOutputs.filter(({ modelId }) => !made.some((output) => output.modelId === modelId)),
  )
}

/** Of a run that is here, also of a deleted one; points that are here already change nothing. */
export const bringPoints = (trx: Trx, runId: string, points: readonly MetricPoint[]): Promise<void> =>
  addPoints(trx, [{ runId, points }])

/** A model that is here already stays as it is. */
export async function bringLoggedModel(trx: Transaction<LoggedModelTables>, model: LoggedModelSummary): Promise<void> {
  if (await findLoggedModel(trx, model.id)) return
  const { params, tags, ...header } = model
  await insertLoggedModel(trx, header)
  const pairs = (texts: Readonly<Record<string, string>>) =>
    Object.entries(texts).map(([key, value]) => ({ key, value }))
  await insertLoggedModelParams(trx, model.id, pairs(params))
  await putLoggedModelTags(trx, model.id, pairs(tags))
}

/** Of a run; answers false, and brings nothing, when that run is not here. */
export async function bringModelPoints(trx: Trx, runId: string, points: readonly LoggedPoint[]): Promise<boolean> {
  if ((await readRunHeaders(trx, [runId])).length === 0) return false
  await addModelPoints(trx, [{ runId, points }])
  return true
}
