// How a training step becomes a run: made when the first metric comes, completed when the step is.
import type { Transaction } from '../platform/database.ts'
import { getRun } from '../experiments/reading.ts'
import {
  createRun,
  finishRun,
  logArtifact,
  logBatch,
  logInputs,
  type RecordingTables,
} from '../experiments/recording.ts'
import type { Environment } from '../experiments/run.ts'
import type { Actor } from '../governance/audit.ts'
import type { StepMetrics } from '../pipelines/engine-context.ts'
import { DomainError } from '../platform/errors.ts'
import type { Trained } from './steps/train-step.ts'

type Trx = Transaction<RecordingTables>

export interface Tracking {
  readonly actor: Actor
  /** Of the machine and packages that steps run on. */
  readonly environment: Environment
}

/** A step's run has the step's own id, so that metrics and completion meet without looking for each other. */
export const runIdOf = (stepRunId: string): string => `run_${stepRunId.slice(stepRunId.indexOf('_') + 1)}`

interface StepRunOrigin {
  readonly pipelineRunId: string
  readonly stepRunId: string
  readonly experiment: string
  readonly step: string
}

async function ensureRun(trx: Trx, { actor, environment }: Tracking, origin: StepRunOrigin): Promise<string> {
  const id = runIdOf(origin.stepRunId)
  try {
    await getRun(trx, id)
  } catch (error) {
    if (!(error instanceof DomainError) || error.kind !== 'not_found') throw error
    const { experiment, pipelineRunId, step } = origin
    await createRun(trx, actor, { experiment, id, name: `${experiment} ${step}`, pipelineRunId, environment })
  }
  return id
}

const pointsPerBatch = 500

/** Points of a running step; given to the pipeline engine. */
export async function recordStepMetrics(trx: Trx, tracking: Tracking, metrics: StepMetrics): Promise<void> {
  const { pipelineRunId, stepRunId, step, labels, points } = metrics
  const id = await ensureRun(trx, tracking, { pipelineRunId, stepRunId, step, experiment: labels['loop'] ?? 'Default' })
  const rows = points.map(({ key, value, step: at, atMs }) => ({ key, value: Number(value), step: at, atMs }))
  for (let at = 0; at < rows.length; at += pointsPerBatch)
    await logBatch(trx, id, { metrics: rows.slice(at, at + pointsPerBatch) })
}

export interface CompletedTraining extends StepRunOrigin {
  readonly trained: Trained
  /** `dataset/version` of the training rows. */
  readonly datasetVersion: string
  /** Step run whose cached output this is; null: it was trained now. */
  readonly cachedFrom: string | null
  readonly nowMs: number
}

/** Everything that reproducing the training needs, on one run; answers its id. */
export async function recordTraining(trx: Trx, tracking: Tracking, done: CompletedTraining): Promise<string> {
  const { trained, datasetVersion, cachedFrom, nowMs } = done
  const id = await ensureRun(trx, tracking, done)
  const metrics = Object.entries(trained.metrics).map(([key, value]) => ({ key, value, step: 0, atMs: nowMs }))
  const tags = { 'trueloop.step': done.step, ...(cachedFrom === null ? {} : { 'trueloop.cached_from': cachedFrom }) }
  await logBatch(trx, id, { metrics, params: trained.params, tags })
  await logInputs(trx, tracking.actor, { runId: id, inputs: [{ datasetVersion, role: 'training' }] })
  const artifacts = { 'model.onnx': trained.onnx, 'baseline.json': trained.baseline, 'examples.json': trained.examples }
  for (const [name, blob] of Object.entries(artifacts)) {
    const mediaType = name.endsWith('.json') ? 'application/json' : 'application/octet-stream'
    await logArtifact(trx, tracking.actor, { runId: id, name, blob, mediaType })
  }
  await finishRun(trx, tracking.actor, { runId: id, state: 'finished' })
  return id
}
