// Starting, canceling and looking at pipeline runs: what routes, the CLI and the loop call.
import { recordAudit, type Actor } from '../governance/audit.ts'
import { within, type Db } from '../platform/database.ts'
import type { EngineKinds } from './engine-kind.ts'
import {
  findPipelineRun,
  insertPipelineRun,
  setPipelineRunState,
  type PipelineRunTables,
  type StoredRun,
} from './stores/pipeline-run-store.ts'
import { pipelineRunNotFound, stepKindUnknown, type Labels, type PipelineRunDetail } from './pipeline-run.ts'
import { checkPipeline, PipelineSpec, referencesIn, type PipelineSpecInput } from './pipeline.ts'
import { listAttemptsOf, type StepAttemptTables } from './stores/step-attempt-store.ts'
import { insertStepRuns, listStepRuns, type StepRunTables } from './stores/step-run-store.ts'
import { advanceRun, type EngineTables, type EngineTransaction } from './step-transitions.ts'
import { DomainError } from '../platform/errors.ts'
import { z } from 'zod'

export interface RunRequest {
  readonly spec: PipelineSpecInput
  /** Why, in a sentence. */
  readonly reason: string
  readonly labels?: Labels
  /** Chosen by the caller to make the start idempotent: a second start with it changes nothing. */
  readonly id?: string
}

/**
 * Starts a run, in the caller's transaction when given one.
 * @throws DomainError pipeline_invalid, reference_invalid, step_kind_unknown, step_input_invalid
 */
export async function startPipelineRun<T>(
  deps: { readonly db: Db<EngineTables>; readonly kinds: EngineKinds<T> },
  actor: Actor,
  request: RunRequest,
): Promise<string> {
  const spec = parseSpec(request.spec)
  checkPipeline(spec)
  checkKinds(spec, deps.kinds)
  const nowMs = actor.clock()
  const run: StoredRun = {
    id: request.id ?? actor.ids('pipe'),
    pipeline: spec.name,
    spec,
    state: 'running',
    reason: request.reason,
    labels: request.labels ?? {},
    actor: actor.name,
    createdAtMs: nowMs,
    finishedAtMs: null,
  }
  const steps = spec.steps.map(({ name, kind }) => ({ id: actor.ids('step'), name, kind }))
  const start = async (trx: EngineTransaction): Promise<void> => {
    if (request.id && (await findPipelineRun(trx, request.id))) return
    await insertPipelineRun(trx, run)
    await insertStepRuns(trx, run.id, steps)
    const detail = { pipeline: run.pipeline, reason: run.reason, steps: steps.map((step) => step.kind) }
    await recordAudit(trx, actor, { action: 'pipeline_run.start', subject: run.id, detail })
    await advanceRun(trx, run, nowMs)
  }
  await within(deps.db, start)
  return run.id
}

/** Asks a run to stop; what runs is ended by the engine. Nothing to do for one that has finished. @throws DomainError pipeline_run_not_found */
export async function cancelPipelineRun(
  db: Db<EngineTables>,
  actor: Actor,
  { id, reason }: { id: string; reason: string },
): Promise<void> {
  await within(db, async (trx) => {
    const run = await findPipelineRun(trx, id)
    if (!run) throw pipelineRunNotFound(id)
    if (run.state !== 'running') return
    await setPipelineRunState(trx, { id, state: 'canceling', finishedAtMs: null })
    await recordAudit(trx, actor, { action: 'pipeline_run.cancel', subject: id, detail: { reason } })
    await advanceRun(trx, run, actor.clock())
  })
}

/** A run with its steps and all their attempts. @throws DomainError pipeline_run_not_found */
export async function getPipelineRun(
  db: Db<PipelineRunTables & StepRunTables & StepAttemptTables>,
  id: string,
): Promise<PipelineRunDetail> {
  const run = await findPipelineRun(db, id)
  if (!run) throw pipelineRunNotFound(id)
  const stored = await listStepRuns(db, id)
  const attempts = await listAttemptsOf(
    db,
    stored.map((step) => step.id),
  )
  const steps = stored.map(({ pipelineRunId: _run, ...step }) => ({
    ...step,
    attempts: (attempts.get(step.id) ?? []).map(
      ({ stepRunId: _step, fence: _fence, eventsOffset: _offset, ...attempt }) => attempt,
    ),
  }))
  return { ...run, steps }
}

function parseSpec(input: PipelineSpecInput): PipelineSpec {
  const parsed = PipelineSpec.safeParse(input)
  if (parsed.success) return parsed.data
  throw new DomainError('invalid', 'pipeline_invalid', `this is no pipeline: ${z.prettifyError(parsed.error)}`)
}

function checkKinds<T>(spec: PipelineSpec, kinds: EngineKinds<T>): void {
  for (const step of spec.steps) {
    const kind = kinds.get(step.kind)
    if (!kind) throw stepKindUnknown(step.kind, kinds.keys())
    // With references the input is known only when the step begins.
    if (referencesIn(step.input).length > 0) continue
    const parsed = kind.input.safeParse(step.input)
    if (!parsed.success) throw stepInputInvalid(step.name, step.kind, parsed.error)
  }
}

export const stepInputInvalid = (step: string, kind: string, error: z.ZodError): DomainError =>
  new DomainError(
    'invalid',
    'step_input_invalid',
    `the input of step "${step}" is not what ${kind} takes: ${z.prettifyError(error)}`,
  )
