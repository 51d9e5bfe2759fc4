// One claimed step from its beginning to its commit: resolve, reuse or run, watch, record.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { z } from 'zod'
import { sleep } from '../../platform/clock.ts'
import { transact } from '../../platform/database.ts'
import { DomainError, messageOf } from '../../platform/errors.ts'
import { heartbeatJob, type JobClaim } from '../../platform/jobs.ts'
import { attemptFiles, createAttemptDirectory, readIdentity, type AttemptError } from './attempt-directory.ts'
import { recordAttemptEvents } from './attempt-events.ts'
import type { EngineContext } from '../engine-context.ts'
import { endGroup } from './process-group.ts'
import { watchAttempt, type AttemptOutcome, type WatchSignals } from './attempt-watch.ts'
import type { EngineKind } from '../engine-kind.ts'
import { fingerprintOf } from '../fingerprint.ts'
import { findPipelineRun } from '../stores/pipeline-run-store.ts'
import { stepKindUnknown, type StepAttemptState } from '../pipeline-run.ts'
import { resolveInput, type Json, type StepSpec } from '../pipeline.ts'
import { stepInputInvalid } from '../run-start.ts'
import { insertStepAttempt, type StoredAttempt } from '../stores/step-attempt-store.ts'
import { findCachedOutput } from '../stores/step-cache-store.ts'
import { findStepRun, listStepRuns, updateStepRun } from '../stores/step-run-store.ts'
import type { SpawnedStep } from '../step-spawn.ts'
import {
  cancelStep,
  failStep,
  loseStep,
  succeedStep,
  type EngineTables,
  type EngineTransaction,
  type StepWork,
} from '../step-transitions.ts'

const settleRetryMs = 1_000

/** Work with the spec that it runs by and its input, references replaced. */
interface Prepared {
  readonly work: StepWork
  readonly spec: StepSpec
  readonly kind: EngineKind<EngineTables>
  readonly input: Json
}

/** Runs a step that was just claimed. Never throws: what goes wrong is recorded, or retried until it is. */
export async function executeStep(context: EngineContext, claim: JobClaim, signals: WatchSignals): Promise<void> {
  const work = await loadWork(context, claim)
  if (!work) return
  if (work.run.state !== 'running') return settle(context, work, signals.stop, () => transactCancel(context, work))
  let begun: Begun | undefined
  await settle(context, work, signals.stop, async () => {
    const prepared = await prepare(context, work)
    begun = await begin(context, prepared)
  })
  if (begun) await watchToEnd(context, { ...begun, signals })
}

export interface AdoptedStep {
  /** The new one: under the old one nothing can be committed any more. */
  readonly claim: JobClaim
  readonly attempt: StoredAttempt
}

/** Goes on with an attempt that an earlier control plane has started. */
export async function adoptStep(
  context: EngineContext,
  { claim, attempt }: AdoptedStep,
  signals: WatchSignals,
): Promise<void> {
  const loaded = await loadWork(context, claim)
  if (!loaded) return
  const work = { ...loaded, attemptId: attempt.id }
  await settle(context, work, signals.stop, async () => {
    const prepared = await prepare(context, work).catch(async (error: unknown) => {
      // Such as a kind that is no longer there: nobody will want what the process gives.
      if (error instanceof DomainError) await endAttemptProcess(join(context.attemptsDirectory, attempt.id))
      throw error
    })
    await watchToEnd(context, { prepared, attempt, spawned: undefined, signals })
  })
}

async function endAttemptProcess(directory: string): Promise<void> {
  const identity = await readIdentity(directory)
  if (identity) await endGroup(identity, 0)
}

async function loadWork({ db, log }: EngineContext, claim: JobClaim): Promise<StepWork | undefined> {
  const step = await findStepRun(db, claim.id)
  const run = step && (await findPipelineRun(db, step.pipelineRunId))
  if (step && run) return { claim, run, step, attemptId: null }
  log.error('a job belongs to no step', { job: claim.id })
  return undefined
}

/** @throws DomainError reference_missing, step_kind_unknown, step_input_invalid */
async function prepare({ db, kinds }: EngineContext, work: StepWork): Promise<Prepared> {
  const spec = work.run.spec.steps.find((candidate) => candidate.name === work.step.name)
  if (!spec) throw new Error(`step ${work.step.id} is not in the spec of its run`)
  const kind = kinds.get(spec.kind)
  if (!kind) throw stepKindUnknown(spec.kind, kinds.keys())
  const siblings = await listStepRuns(db, work.run.id)
  const outputs = new Map(siblings.map((step) => [step.name, step.output as Json]))
  const input = resolveInput(spec.input, outputs)
  const parsed: z.ZodSafeParseResult<unknown> = kind.input.safeParse(input)
  if (!parsed.success) throw stepInputInvalid(spec.name, spec.kind, parsed.error)
  return { work, spec, kind, input }
}

interface Begun {
  readonly prepared: Prepared
  readonly attempt: StoredAttempt
  readonly spawned: SpawnedStep | undefined
}

/** Finishes the step at once when there is nothing to run; else starts its process. */
async function begin(context: EngineContext, prepared: Prepared): Promise<Begun | undefined> {
  const { db, clock, ids, log } = context
  const { spec, kind, input } = prepared
  const fingerprint = fingerprintOf({ ...kind, input, environmentDigest: context.environmentDigest })
  const nowMs = clock()
  // An earlier attempt may have begun it.
  const startedAtMs = prepared.work.step.startedAtMs ?? nowMs
  const work = { ...prepared.work, step: { ...prepared.work.step, fingerprint, startedAtMs } }
  const cached = kind.cacheable && spec.cache === 'use' ? await findCachedOutput(db, fingerprint) : undefined
  if (!kind.hasProcess || cached) {
    const result = { kind, input, output: cached?.output, cachedFrom: cached?.stepRunId ?? null, clock, ids }
    await transact(db, async (trx) => {
      await updateStepRun(trx, work.step.id, { fingerprint, startedAtMs })
      await succeedStep(trx, work, result)
    })
    return undefined
  }
  const attempt = await transact(db, async (trx) => {
    await heartbeatJob(trx, { ...work.claim, leaseMs: context.leaseMs, nowMs })
    await updateStepRun(trx, work.step.id, {
      state: 'running',
      fingerprint,
      error: null,
      startedAtMs,
    })
    const { id: pipelineRunId, labels } = work.run
    const stepRunId = work.step.id
    await context.onBegin?.(trx, { pipelineRunId, stepRunId, step: spec.name, kind: spec.kind, labels })
    const { fence } = work.claim
    return insertStepAttempt(trx, { id: ids('attempt'), stepRunId: work.step.id, fence, startedAtMs: nowMs })
  })
  const begun = { ...prepared, work: { ...work, attemptId: attempt.id } }
  const directory = join(context.attemptsDirectory, attempt.id)
  const names = { attemptId: attempt.id, pipelineRunId: work.run.id, stepRunId: work.step.id, step: spec.name }
  try {
    await createAttemptDirectory(directory, { ...names, kind: spec.kind, input })
    const spawned = await context.spawn({
      ...names,
      kind: spec.kind,
      directory,
      labels: work.run.labels,
      timeoutMs: spec.timeoutMs,
    })
    log.info('a step has started', { ...names, attempt: attempt.number, pid: spawned.pid })
    return { prepared: begun, attempt, spawned }
  } catch (error) {
    const failure = {
      code: 'step_start_failed',
      message: `step "${spec.name}" could not be started: ${messageOf(error)}`,
    }
    await fail(context, begun.work, { error: failure, attemptState: 'failed' })
    return undefined
  }
}

async function watchToEnd(context: EngineContext, running: Begun & { signals: WatchSignals }): Promise<void> {
  const { attempt, prepared, signals, spawned } = running
  const directory = join(context.attemptsDirectory, attempt.id)
  const outcome = await watchAttempt({
    directory,
    spawned,
    signals,
    clock: context.clock,
    deadlineMs: attempt.startedAtMs + prepared.spec.timeoutMs,
    report: () => recordAttemptEvents(context, { attemptId: attempt.id, directory, work: prepared.work }),
  })
  if (outcome.type === 'stopped') return
  await settle(context, prepared.work, signals.stop, () => record(context, prepared, outcome))
  // The log and the result stay; what it worked with does not.
  await rm(join(directory, attemptFiles.scratch), { recursive: true, force: true })
}

async function record(context: EngineContext, prepared: Prepared, outcome: AttemptOutcome): Promise<void> {
  const { kind, input, spec, work } = prepared
  const { clock, db, ids } = context
  switch (outcome.type) {
    case 'exit': {
      if (!outcome.exit.ok) {
        const { error } = outcome.exit
        const told = {
          actor: { name: work.run.actor, clock, ids },
          pipelineRun: work.run,
          stepRun: work.step,
          input,
          error,
        }
        return fail(context, work, { error, attemptState: 'failed', keep: async (trx) => kind.failed?.(trx, told) })
      }
      const result = { kind, input, output: outcome.exit.output, cachedFrom: null, clock, ids }
      return transact(db, (trx) => succeedStep(trx, work, result))
    }
    case 'crashed': {
      const { code, signal } = outcome.end
      const how = signal ? `was ended by ${signal}` : `ended with exit code ${code}`
      const message = `the process of step "${spec.name}" ${how} and left no result: see its log`
      return fail(context, work, { error: { code: 'step_crashed', message }, attemptState: 'failed' })
    }
    case 'timed_out': {
      const message = `step "${spec.name}" took longer than its limit of ${spec.timeoutMs} ms: raise timeoutMs or give it less to do`
      return fail(context, work, { error: { code: 'step_timeout', message }, attemptState: 'timed_out' })
    }
    case 'canceled':
      return transactCancel(context, work)
    case 'lost':
      return transact(db, (trx) => loseStep(trx, work, clock()))
    case 'fenced':
    case 'stopped':
      return undefined
  }
}

const transactCancel = (context: EngineContext, work: StepWork): Promise<void> =>
  transact(context.db, (trx) => cancelStep(trx, work, context.clock()))

function fail(
  { db, clock, log }: EngineContext,
  work: StepWork,
  {
    error,
    attemptState,
    keep,
  }: { error: AttemptError; attemptState: StepAttemptState; keep?: (trx: EngineTransaction) => Promise<void> },
): Promise<void> {
  log.warn('a step attempt failed', { step: work.step.name, run: work.run.id, ...error })
  return transact(db, async (trx) => {
    await keep?.(trx)
    await failStep(trx, work, { error, attemptState, nowMs: clock() })
  })
}

/**
 * Does `change`; when that fails, records the failure of the step; and when even that fails (the database is away), tries all of it again
 * until it is recorded or the engine stops. A lost lease ends it: the step is somebody else's.
 */
// oxlint-disable-next-line max-params -- context first, then what, until when, and how
async function settle(
  context: EngineContext,
  work: StepWork,
  stop: AbortSignal,
  change: () => Promise<void>,
): Promise<void> {
  do {
    try {
      return await change().catch(async (error: unknown) => {
        if (isLeaseLost(error)) throw error
        await fail(context, work, { error: errorOf(error), attemptState: 'failed' })
      })
    } catch (error) {
      const fields = { step: work.step.name, run: work.run.id, error: messageOf(error) }
      if (isLeaseLost(error)) return context.log.warn('a step was taken over meanwhile; its result is dropped', fields)
      context.log.error('the end of a step could not be recorded and is tried again', fields)
      await sleep(settleRetryMs, stop)
    } finally {
      context.wakeEvents()
    }
  } while (!stop.aborted)
}

const isLeaseLost = (error: unknown): boolean => error instanceof DomainError && error.code === 'lease_lost'

function errorOf(error: unknown): AttemptError {
  if (error instanceof DomainError) return { code: error.code, kind: error.kind, message: error.message }
  return { code: 'step_commit_failed', message: messageOf(error) }
}
