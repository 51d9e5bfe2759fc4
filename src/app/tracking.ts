// How a training step becomes a run: made when the first metric comes, completed when the step is.
import { z } from 'zod'
import { transact, type Connection, type Db, type Transaction } from '../platform/database.ts'
import { defaultExperiment } from '../experiments/experiment.ts'
import { logBatch } from '../experiments/log-batch.ts'
import { getRun } from '../experiments/reading.ts'
import { createRun, finishRun, logArtifact, type RecordingTables } from '../experiments/recording.ts'
import { logInputs } from '../experiments/run-links.ts'
import type { Code, EndState, Environment, Run } from '../experiments/run.ts'
import type { Actor } from '../governance/audit.ts'
import { findCode, type LoopTables } from '../loop/loop-store.ts'
import { trainingStep } from '../loop/training-pipeline.ts'
import type { StepBeginning, StepMetrics } from '../pipelines/engine-context.ts'
import type { Labels } from '../pipelines/pipeline-run.ts'
import { getPipelineRun } from '../pipelines/run-start.ts'
import type { EngineTables } from '../pipelines/step-transitions.ts'
import type { EventConsumer } from '../platform/dispatcher.ts'
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
export const runIdOf = (stepRunId: string): string => `run_${afterPrefix(stepRunId)}`
export const stepRunIdOf = (runId: string): string => `step_${afterPrefix(runId)}`
const afterPrefix = (id: string): string => id.slice(id.indexOf('_') + 1)

interface StepRunOrigin {
  readonly pipelineRunId: string
  readonly stepRunId: string
  /** Of the pipeline run: the loop, whose runs are an experiment, and its applied version. */
  readonly labels: Labels
  readonly step: string
}

async function ensureRun(trx: Trx, { actor, environment }: Tracking, origin: StepRunOrigin): Promise<string> {
  const id = runIdOf(origin.stepRunId)
  if (await findRun(trx, id)) return id
  const { labels, pipelineRunId, step } = origin
  const experiment = labels['loop'] ?? defaultExperiment
  const run = { experiment, id, name: `${experiment} ${step}`, pipelineRunId, environment }
  await createRun(trx, actor, { ...run, code: await codeOf(trx, origin) })
  return id
}

async function findRun(db: Db<TrackingTables>, id: string): Promise<Run | undefined> {
  try {
    return await getRun(db, id)
  } catch (error) {
    if (error instanceof DomainError && error.kind === 'not_found') return undefined
    throw error
  }
}

/** What made a proposed graph is not known here. */
async function codeOf(trx: Trx, { labels, step }: StepRunOrigin): Promise<Code | null> {
  const { loop, loop_version: version } = labels
  if (step !== trainingStep || loop === undefined || !version || !/^\d{1,9}$/v.test(version)) return null
  return findCode(trx, { loop, version: Number(version) })
}

const pointsPerBatch = 500

const recordedKinds = new Set(['training.train', 'training.command', 'models.adopt', 'command'])

/** The run of a training is there before its process, which may write to it; given to the pipeline engine. */
export async function beginStepRun(trx: Trx, tracking: Tracking, beginning: StepBeginning): Promise<void> {
  if (recordedKinds.has(beginning.kind)) await ensureRun(trx, tracking, beginning)
}

const endStates: Readonly<Record<string, EndState | undefined>> = { succeeded: 'finished', canceled: 'killed' }

const PipelineRunFinished = z.object({ id: z.string(), state: z.string() })

/** Ends the runs of steps that have not ended theirs, as the pipeline run ended. */
export function unfinishedRuns(db: Connection<TrackingTables & EngineTables>, actor: Actor): EventConsumer {
  return {
    name: 'unfinished-runs',
    types: ['pipeline_run.finished'],
    async handle({ payload }) {
      const finished = PipelineRunFinished.parse(payload)
      const state = endStates[finished.state] ?? 'failed'
      const { steps } = await getPipelineRun(db, finished.id)
      // A training that succeeded is recorded whole, and then its run ends.
      const ending = state === 'finished' ? steps.filter(({ kind }) => kind === 'command') : steps
      await transact(db, async (trx) => {
        for (const runId of ending.map(({ id }) => runIdOf(id))) {
          const run = await findRun(trx, runId)
          if (run?.state === 'running' && run.deletedAtMs === null) await finishRun(trx, actor, { runId, state })
        }
      })
    },
  }
}

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
  const artifacts = {
    ...trained.artifacts,
    'model.onnx': trained.onnx,
    'baseline.json': trained.baseline,
    'examples.json': trained.examples,
  }
  for (const [name, blob] of Object.entries(artifacts)) {
    const mediaType = name.endsWith('.json') ? 'application/json' : 'application/octet-stream'
    await logArtifact(trx, tracking.actor, { runId: id, name, blob, mediaType })
  }
  await finishRun(trx, tracking.actor, { runId: id, state: 'finished' })
  return id
}

/** What a step's program finds of its run: under our names, and under those that MLflow's clients read. */
export async function trackingVariables(
  db: Db<TrackingTables>,
  { runId, url, token }: { runId: string; url: string | undefined; token: string },
): Promise<Record<string, string>> {
  const run = await findRun(db, runId)
  return {
    TRUELOOP_TOKEN: token,
    TRUELOOP_RUN_ID: runId,
    ...(url === undefined ? {} : { TRUELOOP_URL: url, MLFLOW_TRACKING_URI: url }),
    MLFLOW_TRACKING_TOKEN: token,
    // A step that is no training has no run of its own until it records something.
    ...(run ? { MLFLOW_EXPERIMENT_ID: String(run.experimentId), MLFLOW_RUN_ID: runId } : {}),
  }
}
