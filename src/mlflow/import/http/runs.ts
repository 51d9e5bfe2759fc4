// Experiments and runs of a server, with every point of their metrics, staged.
import { createHash } from 'node:crypto'
import type * as wire from '../../generated/messages.ts'
import type { SourceRow } from '../source.ts'
import { inParallel, once, pagesOf, type SourceExperiment, type StageDeps } from './deps.ts'

const experimentsPage = 1000
/** Each with all its params and tags. */
const runsPage = 100
const pointsPage = 10_000

/** Ids of servers on a folder have more digits than a double holds. */
export const experimentIdOf = (text: string | undefined): number | bigint => {
  const id = BigInt(text ?? '0')
  return Number.isSafeInteger(Number(id)) ? Number(id) : id
}

/** Each time anew: an experiment that is renamed, deleted or new since a cut is told as it is now. */
export async function stageExperiments({ remote, staging }: StageDeps): Promise<SourceExperiment[]> {
  const found: SourceExperiment[] = []
  const pages = pagesOf((token) =>
    remote.call('searchExperiments', { max_results: experimentsPage, view_type: 'ALL', page_token: token }),
  )
  for await (const { experiments = [] } of pages) {
    staging.insert('experiments', experiments.map(experimentRow))
    staging.insert(
      'experiment_tags',
      experiments.flatMap(({ experiment_id: id, tags = [] }) =>
        tags.map(({ key = '', value = '' }) => ({ key, value, experiment_id: experimentIdOf(id) })),
      ),
    )
    for (const { experiment_id: id = '', lifecycle_stage: stage } of experiments)
      found.push({ id, isDeleted: stage === 'deleted' })
  }
  return found
}

const experimentRow = (experiment: wire.Experiment): SourceRow => ({
  experiment_id: experimentIdOf(experiment.experiment_id),
  name: experiment.name ?? '',
  artifact_location: experiment.artifact_location ?? '',
  lifecycle_stage: experiment.lifecycle_stage ?? 'active',
  creation_time: experiment.creation_time ?? null,
  last_update_time: experiment.last_update_time ?? null,
})

/** A run that was staged whole is not read again. */
export async function stageRuns(deps: StageDeps, experiments: readonly SourceExperiment[]): Promise<void> {
  let count = 0
  for (const { id } of experiments) {
    await once(deps, `runs of ${id}`, async () => {
      const pages = pagesOf((token) =>
        deps.remote.call('searchRuns', {
          experiment_ids: [id],
          run_view_type: 'ALL',
          max_results: runsPage,
          // New ones come last, so that they shift no page.
          order_by: ['attributes.start_time ASC'],
          page_token: token,
        }),
      )
      for await (const { runs = [] } of pages) {
        for (const run of runs) await once(deps, `run ${run.info?.run_id}`, () => stageRun(deps, run))
        count += runs.length
        deps.tell(`read: ${count} runs`)
      }
    })
  }
}

async function stageRun(deps: StageDeps, { info = {}, data = {}, inputs = {}, outputs = {} }: wire.Run): Promise<void> {
  const { staging } = deps
  const id = info.run_id ?? info.run_uuid ?? ''
  const ofRun = ({ key = '', value = '' }: { key?: string | undefined; value?: string | undefined }) => ({
    key,
    value,
    run_uuid: id,
  })
  staging.insert('params', (data.params ?? []).map(ofRun))
  staging.insert('tags', (data.tags ?? []).map(ofRun))
  stageDatasets(deps, { id, experimentId: info.experiment_id }, inputs.dataset_inputs ?? [])
  staging.insert('inputs', modelRows(id, inputs.model_inputs ?? [], outputs.model_outputs ?? []))
  await inParallel(data.metrics ?? [], ({ key = '' }) => stagePoints(deps, id, key))
  staging.insert('runs', [runRow(id, info)])
}

const runRow = (id: string, info: wire.RunInfo): SourceRow => ({
  run_uuid: id,
  name: info.run_name ?? null,
  source_type: 'UNKNOWN',
  user_id: info.user_id ?? null,
  status: info.status ?? 'FINISHED',
  start_time: info.start_time ?? null,
  end_time: info.end_time ?? null,
  lifecycle_stage: info.lifecycle_stage ?? 'active',
  artifact_uri: info.artifact_uri ?? '',
  experiment_id: experimentIdOf(info.experiment_id),
})

async function stagePoints({ remote, staging }: StageDeps, runId: string, key: string): Promise<void> {
  const pages = pagesOf((token) =>
    remote.call('getMetricHistory', {
      run_id: runId,
      metric_key: key,
      page_token: token,
      max_results: pointsPage,
    }),
  )
  for await (const { metrics = [] } of pages)
    staging.insert(
      'metrics',
      metrics.map((metric) => ({ key, run_uuid: runId, ...pointOf(metric) })),
    )
}

/** Infinities and NaN come as their names. */
export const numberOf = (value: wire.Double | undefined): number => Number(value ?? 0)

function pointOf({ value, timestamp = 0, step = 0 }: wire.Metric): SourceRow {
  const number = numberOf(value)
  const isNan = Number.isNaN(number)
  return { value: isNan ? 0 : number, timestamp, step, is_nan: isNan }
}

const digestOf = (...parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)

function stageDatasets(
  { staging }: StageDeps,
  { id, experimentId = '0' }: { id: string; experimentId: string | undefined },
  inputs: readonly wire.DatasetInput[],
): void {
  for (const { dataset = {}, tags = [] } of inputs) {
    const { name = '', digest = '', source_type: type = '', source = '', schema, profile } = dataset
    const datasetId = digestOf(experimentId, name, digest)
    const inputId = digestOf(id, datasetId)
    const words = { dataset_source_type: type, dataset_source: source }
    const row = { dataset_uuid: datasetId, experiment_id: experimentIdOf(experimentId), name, digest, ...words }
    staging.insert('datasets', [{ ...row, dataset_schema: schema ?? null, dataset_profile: profile ?? null }])
    const link = { source_type: 'DATASET', source_id: datasetId, destination_type: 'RUN', destination_id: id }
    staging.insert('inputs', [{ input_uuid: inputId, ...link, step: 0 }])
    staging.insert(
      'input_tags',
      tags.map(({ key = '', value = '' }) => ({ input_uuid: inputId, name: key, value })),
    )
  }
}

const modelRows = (
  runId: string,
  read: readonly wire.ModelInput[],
  made: readonly wire.ModelOutput[],
): readonly SourceRow[] => [
  ...read.map(({ model_id: model = '' }) => linkRow({ from: 'RUN_INPUT', to: 'MODEL_INPUT', runId, model, step: 0 })),
  ...made.map(({ model_id: model = '', step = 0 }) =>
    linkRow({ from: 'RUN_OUTPUT', to: 'MODEL_OUTPUT', runId, model, step }),
  ),
]

const linkRow = (link: {
  from: string
  to: string
  runId: string
  model: string
  step: number | bigint
}): SourceRow => ({
  input_uuid: digestOf(link.from, link.runId, link.model),
  source_type: link.from,
  source_id: link.runId,
  destination_type: link.to,
  destination_id: link.model,
  step: link.step,
})
