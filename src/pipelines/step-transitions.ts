// What happens to a run when one of its steps begins, succeeds, fails, is lost or is canceled; each in the caller's one transaction.
import type { Transaction } from '../platform/database.ts'
import type { AuditTables } from '../governance/audit.ts'
import type { LineageTables } from '../governance/lineage.ts'
import type { IdSource } from '../platform/ids.ts'
import type { Clock } from '../platform/clock.ts'
import { appendEvent, type EventTables } from '../platform/events.ts'
import {
  cancelJob,
  completeJob,
  enqueueJob,
  failJob,
  loseJob,
  type JobClaim,
  type JobTables,
} from '../platform/jobs.ts'
import type { AttemptError } from './attempts/attempt-directory.ts'
import type { EngineKind } from './engine-kind.ts'
import {
  findPipelineRunState,
  setPipelineRunState,
  type PipelineRunTables,
  type StoredRun,
} from './stores/pipeline-run-store.ts'
import type { PipelineRunState, StepAttemptState, StepRunState } from './pipeline-run.ts'
import { needsOf } from './pipeline.ts'
import { endStepAttempt, type StepAttemptTables } from './stores/step-attempt-store.ts'
import { putCachedOutput, type StepCacheTables } from './stores/step-cache-store.ts'
import {
  listStepRuns,
  listStepStates,
  updateStepRun,
  type StepRunTables,
  type StoredStep,
} from './stores/step-run-store.ts'

export type PipelineTables = PipelineRunTables & StepRunTables & StepAttemptTables & StepCacheTables
export type EngineTables = PipelineTables & JobTables & EventTables & AuditTables & LineageTables
export type EngineTransaction = Transaction<EngineTables>

export const stepQueue = 'steps'

/** One claimed step of one run. */
export interface StepWork {
  readonly claim: JobClaim
  readonly run: StoredRun
  readonly step: StoredStep
  readonly attemptId: string | null
}

export interface StepResult {
  readonly kind: EngineKind<EngineTables>
  /** Resolved, as JSON. */
  readonly input: unknown
  readonly output: unknown
  readonly cachedFrom: string | null
  readonly clock: Clock
  readonly ids: IdSource
}

/** @throws DomainError lease_lost, and whatever the kind's commit throws: then nothing has happened. */
export async function succeedStep(trx: EngineTransaction, work: StepWork, result: StepResult): Promise<void> {
  const { run, step } = work
  const nowMs = result.clock()
  await completeJob(trx, { ...work.claim, nowMs })
  const { kind, input, output, cachedFrom } = result
  const actor = { name: run.actor, clock: result.clock, ids: result.ids }
  const done = { actor, pipelineRun: run, stepRun: step, input, output, cachedFrom, nowMs }
  const visible: unknown = kind.commit ? await kind.commit(trx, done) : output
  if (work.attemptId) await endStepAttempt(trx, { id: work.attemptId, state: 'succeeded', nowMs })
  await updateStepRun(trx, step.id, {
    state: 'succeeded',
    output: visible ?? null,
    cachedFrom,
    error: null,
    finishedAtMs: nowMs,
  })
  const isKept = run.spec.steps.find((spec) => spec.name === step.name)?.cache !== 'off'
  if (kind.cacheable && isKept && cachedFrom === null && step.fingerprint) {
    const { fingerprint, id: stepRunId } = step
    await putCachedOutput(trx, { fingerprint, kind: kind.kind, output, stepRunId, createdAtMs: nowMs })
  }
  await advanceRun(trx, run, nowMs)
}

export interface StepFailure {
  readonly error: AttemptError
  readonly attemptState: StepAttemptState
  readonly nowMs: number
}

/** Kinds of expected failures that the same input meets again. */
const finalKinds = new Set(['invalid', 'not_found', 'conflict', 'forbidden', 'unauthenticated', 'too_large'])

/** @throws DomainError lease_lost */
export async function failStep(trx: EngineTransaction, work: StepWork, failure: StepFailure): Promise<void> {
  const { error, attemptState, nowMs } = failure
  const retryable = error.kind === undefined || !finalKinds.has(error.kind)
  const jobState = await failJob(trx, { ...work.claim, nowMs, error: error.message, retryable })
  if (work.attemptId) await endStepAttempt(trx, { id: work.attemptId, state: attemptState, error, nowMs })
  const isFinal = jobState === 'failed'
  await updateStepRun(trx, work.step.id, {
    state: isFinal ? 'failed' : 'ready',
    error,
    progress: null,
    progressText: null,
    finishedAtMs: isFinal ? nowMs : null,
  })
  await advanceRun(trx, work.run, nowMs) // Also when it is ready again: the run may be canceling.
}

const lostError = {
  code: 'step_lost',
  message: 'the process of this step was gone when the control plane came back, and left no result',
}

/** @throws DomainError lease_lost */
export async function loseStep(trx: EngineTransaction, work: StepWork, nowMs: number): Promise<void> {
  const jobState = await loseJob(trx, { ...work.claim, nowMs })
  if (work.attemptId) await endStepAttempt(trx, { id: work.attemptId, state: 'lost', error: lostError, nowMs })
  const isFinal = jobState === 'failed'
  await updateStepRun(trx, work.step.id, {
    state: isFinal ? 'failed' : 'ready',
    ...(isFinal ? { error: lostError, finishedAtMs: nowMs } : {}),
    progress: null,
    progressText: null,
  })
  await advanceRun(trx, work.run, nowMs) // Also when it is ready again: the run may be canceling.
}

/** For a running step whose process is ended. Harmless when it has finished meanwhile. */
export async function cancelStep(trx: EngineTransaction, work: StepWork, nowMs: number): Promise<void> {
  if (!(await cancelJob(trx, { id: work.claim.id, nowMs }))) return
  if (work.attemptId) await endStepAttempt(trx, { id: work.attemptId, state: 'canceled', nowMs })
  await updateStepRun(trx, work.step.id, { state: 'canceled', finishedAtMs: nowMs })
  await advanceRun(trx, work.run, nowMs)
}

const ended = new Set<StepRunState>(['succeeded', 'failed', 'canceled', 'skipped'])

/**
 * Makes ready what can run now, skips what never can, and finishes the run when nothing is left. A run that is being canceled has what
 * does not run yet canceled instead.
 */
export async function advanceRun(trx: EngineTransaction, run: StoredRun, nowMs: number): Promise<void> {
  const steps = await listStepStates(trx, run.id)
  const states = new Map(steps.map((step) => [step.name, step.state]))
  const set = async (step: { id: string; name: string }, state: StepRunState): Promise<void> => {
    states.set(step.name, state)
    await updateStepRun(trx, step.id, { state, ...(ended.has(state) ? { finishedAtMs: nowMs } : {}) })
  }
  const runState = await findPipelineRunState(trx, run.id)
  const specs = new Map(run.spec.steps.map((spec) => [spec.name, spec]))
  for (let changed = true; changed;) {
    changed = false
    for (const step of steps) {
      const spec = specs.get(step.name)
      const state = states.get(step.name)
      if (!spec || (state !== 'waiting' && !(state === 'ready' && runState === 'canceling'))) continue
      const next = runState === 'canceling' ? 'canceled' : nextState(needsOf(spec).map((need) => states.get(need)))
      if (next === 'waiting') continue
      changed = true
      if (next === 'canceled') await cancelJob(trx, { id: step.id, nowMs })
      await set(step, next)
      if (next !== 'ready') continue
      await enqueueJob(trx, {
        id: step.id,
        queue: stepQueue,
        kind: spec.kind,
        payload: { pipelineRunId: run.id },
        nowMs,
        maxAttempts: spec.retries + 1,
      })
    }
  }
  if ([...states.values()].every((state) => ended.has(state))) await finishRun(trx, run, { runState, states, nowMs })
}

function nextState(needs: readonly (StepRunState | undefined)[]): StepRunState {
  if (needs.every((state) => state === 'succeeded')) return 'ready'
  return needs.some((state) => state !== undefined && state !== 'succeeded' && ended.has(state)) ? 'skipped' : 'waiting'
}

interface RunEnd {
  readonly runState: PipelineRunState | undefined
  readonly states: ReadonlyMap<string, StepRunState>
  readonly nowMs: number
}

async function finishRun(trx: EngineTransaction, run: StoredRun, { runState, states, nowMs }: RunEnd): Promise<void> {
  if (runState !== 'running' && runState !== 'canceling') return
  const hasFailed = [...states.values()].includes('failed')
  const state = runState === 'canceling' ? 'canceled' : hasFailed ? 'failed' : 'succeeded'
  await setPipelineRunState(trx, { id: run.id, state, finishedAtMs: nowMs })
  const steps = await listStepRuns(trx, run.id)
  const failed = steps.find((step) => step.state === 'failed')
  await appendEvent(trx, {
    type: 'pipeline_run.finished',
    subject: run.id,
    atMs: nowMs,
    payload: {
      id: run.id,
      pipeline: run.pipeline,
      state,
      labels: run.labels,
      outputs: Object.fromEntries(
        steps.filter((step) => step.state === 'succeeded').map((step) => [step.name, step.output]),
      ),
      error: failed ? { step: failed.name, code: failed.errorCode, message: failed.errorMessage } : null,
    },
  })
}
