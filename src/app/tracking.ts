// How a training step becomes a run: made when the first metric comes, completed when the step is.
import type { Transaction } from '../platform/database.ts'
import { defaultExperiment } from '../experiments/experiment.ts'
import { getRun } from '../experiments/reading.ts'
import {
  createRun,
  finishRun,
  logArtifact,
  logBatch,
  logInputs,
  type RecordingTables,
} from '../experiments/recording.ts'
import type { Code, Environment } from '../experiments/run.ts'
import type { Actor } from '../governance/audit.ts'
import { findCode, type LoopTables } from '../loop/loop-store.ts'
import { trainingStep } from '../loop/training-pipeline.ts'
import type { StepMetrics } from '../pipelines/engine-context.ts'
import type { Labels } from '../pipelines/pipeline-run.ts'
import { DomainError } from '../platform/errors.ts'
import type { Trained } from './steps/train-step.ts'

/** What recording the runs of steps reads and writes. */
export type TrackingTables = RecordingTables & LoopTables
type Trx = Transaction<TrackingTables>

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
  /** Of the pipeline run: the loop, whose runs are an experiment, and its applied version. */
  readonly labels: Labels
  readonly step: string
}

async function ensureRun(trx: Trx, { actor, environment }: Tracking, origin: StepRunOrigin): Promise<string> {
  const id = runIdOf(origin.stepRunId)
  try {
    await getRun(trx, id)
  } catch (error) {
    if (!(error instanceof DomainError) || error.kind !== 'not_found') throw error
    const { labels, pipelineRunId, step } = origin
    const experiment = labels['loop'] ?? defaultExperiment
    const run = { experiment, id, name: `${experiment} ${step}`, pipelineRunId, environment }
    await createRun(trx, actor, { ...run, code: await codeOf(trx, origin) })
  }
  return id
}

/** What made a proposed graph is not known here. */
async function codeOf(trx: Trx, { labels, step }: StepRunOrigin): Promise<Code | null> {
  const { loop, loop_version: version } = labels
  if (step !== trainingStep || loop === undefined || !version || !/^\d{1,9}$/v.test(version)) return null
  return findCode(trx, { loop, version: Number(version) })
}

const pointsPerBatch = 500

/** Points of a running step; given to the pipeline engine. */
export async function recordStepMetrics(trx: Trx, tracking: Tracking, metrics: StepMetrics): Promise<void> {
  const { points } = metrics
  const id = await ensureRun(trx, tracking, metrics)
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
