// Runs and experiments as MLflow's clients see them.
import type { Experiment } from '../../experiments/experiment.ts'
import type { MetricSummary } from '../../experiments/metric.ts'
import type { RunLinks } from '../../experiments/reading.ts'
import type { RunState, RunSummary } from '../../experiments/run.ts'
import type * as wire from '../generated/messages.ts'

/** A server without workspaces has one of this name. */
const workspace = 'default'

const stageOf = (deletedAtMs: number | null): string => (deletedAtMs === null ? 'active' : 'deleted')

/** MLflow's server leaves lists out that are empty. */
const listOf = <T, R>(items: readonly T[], of: (item: T) => R): R[] | undefined =>
  items.length === 0 ? undefined : items.map(of)

const pairsOf = (texts: Readonly<Record<string, string>>): { key: string; value: string }[] | undefined =>
  listOf(Object.entries(texts), ([key, value]) => ({ key, value }))

export const experimentOf = (experiment: Experiment): wire.Experiment => ({
  experiment_id: String(experiment.id),
  name: experiment.name,
  artifact_location: experiment.artifactLocation,
  lifecycle_stage: stageOf(experiment.deletedAtMs),
  last_update_time: experiment.updatedAtMs,
  creation_time: experiment.createdAtMs,
  tags: pairsOf(experiment.tags),
  workspace,
})

const statusOf: Readonly<Record<RunState, wire.RunStatus>> = {
  scheduled: 'SCHEDULED',
  running: 'RUNNING',
  finished: 'FINISHED',
  failed: 'FAILED',
  killed: 'KILLED',
}

export const stateOfStatus: Readonly<Record<wire.RunStatus, RunState>> = {
  SCHEDULED: 'scheduled',
  RUNNING: 'running',
  FINISHED: 'finished',
  FAILED: 'failed',
  KILLED: 'killed',
}

export const runInfoOf = (run: Omit<RunSummary, 'metrics' | 'params' | 'tags'>): wire.RunInfo => ({
  run_uuid: run.id,
  run_id: run.id,
  run_name: run.name,
  experiment_id: String(run.experimentId),
  user_id: run.userId,
  status: statusOf[run.state],
  start_time: run.startedAtMs,
  // An end at 0 is none to MLflow's server.
  end_time: run.endedAtMs || undefined,
  artifact_uri: run.artifactUri,
  lifecycle_stage: stageOf(run.deletedAtMs),
})

/** Infinities are stored by MLflow's server as the greatest double, and answered so. */
export function doubleOf(value: number): wire.Double {
  if (Number.isNaN(value)) return 'NaN'
  if (Number.isFinite(value)) return value
  return Math.sign(value) * Number.MAX_VALUE
}

const metricOf = ([key, { latest, step, atMs }]: [string, MetricSummary]): wire.Metric => ({
  key,
  value: doubleOf(latest),
  timestamp: atMs,
  step,
})

const runDataOf = ({ metrics, params, tags }: RunSummary): wire.RunData => ({
  metrics: listOf(Object.entries(metrics), metricOf),
  params: pairsOf(params),
  tags: pairsOf(tags),
})

/** A run that was just made. */
export const newRunOf = (run: RunSummary): wire.Run => ({ info: runInfoOf(run), data: runDataOf(run), inputs: {} })

/** A run as `runs/get` and `runs/search` answer it. */
export const runOf = (run: RunSummary, links: RunLinks): wire.Run => ({
  info: runInfoOf(run),
  data: runDataOf(run),
  inputs: {
    dataset_inputs: listOf(links.datasets, datasetInputOf),
    model_inputs: listOf(links.modelInputs, (id) => ({ model_id: id })),
  },
  outputs: { model_outputs: listOf(links.modelOutputs, ({ modelId, step }) => ({ model_id: modelId, step })) },
})

const datasetInputOf = ({ dataset, tags }: RunLinks['datasets'][number]): wire.DatasetInput => ({
  dataset: {
    name: dataset.name,
    digest: dataset.digest,
    source_type: dataset.sourceType,
    source: dataset.source,
    schema: dataset.schema ?? undefined,
    profile: dataset.profile ?? undefined,
  },
  tags: pairsOf(tags),
})
