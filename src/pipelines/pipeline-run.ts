// What a pipeline run, its steps and their attempts are. Pure: no I/O, so web/ and client/ import it too.
import { z } from 'zod'
import { DomainError } from '../platform/errors.ts'
import { PipelineSpec } from './pipeline.ts'

/** `canceling`: asked to stop, a step still runs. */
export const PipelineRunState = z.enum(['running', 'canceling', 'succeeded', 'failed', 'canceled'])
export type PipelineRunState = z.infer<typeof PipelineRunState>

/** `ready`: waits for a free place, or for its next attempt. `skipped`: something it needs did not succeed. */
export const StepRunState = z.enum(['waiting', 'ready', 'running', 'succeeded', 'failed', 'canceled', 'skipped'])
export type StepRunState = z.infer<typeof StepRunState>

/** `lost`: its process was gone when the control plane came back; such an attempt uses up no retry. */
export const StepAttemptState = z.enum(['running', 'succeeded', 'failed', 'timed_out', 'canceled', 'lost'])
export type StepAttemptState = z.infer<typeof StepAttemptState>

export const Labels = z.record(z.string().min(1).max(128), z.string().max(1024))
export type Labels = Readonly<z.infer<typeof Labels>>

export const PipelineRun = z.strictObject({
  id: z.string(),
  pipeline: z.string(),
  state: PipelineRunState,
  /** Why it was started, in a sentence. */
  reason: z.string(),
  labels: Labels,
  actor: z.string(),
  createdAtMs: z.int(),
  finishedAtMs: z.int().nullable(),
})
export type PipelineRun = Readonly<z.infer<typeof PipelineRun>>

export const StepAttempt = z.strictObject({
  id: z.string(),
  number: z.int().positive(),
  state: StepAttemptState,
  errorCode: z.string().nullable(),
  errorMessage: z.string().nullable(),
  startedAtMs: z.int(),
  finishedAtMs: z.int().nullable(),
})
export type StepAttempt = Readonly<z.infer<typeof StepAttempt>>

export const StepRun = z.strictObject({
  id: z.string(),
  name: z.string(),
  kind: z.string(),
  state: StepRunState,
  fingerprint: z.string().nullable(),
  /** What later steps see; null until it succeeded. */
  output: z.unknown(),
  /** The step run whose output was used again. */
  cachedFrom: z.string().nullable(),
  errorCode: z.string().nullable(),
  errorMessage: z.string().nullable(),
  /** 0 to 1; null: it has not said. */
  progress: z.number().nullable(),
  progressText: z.string().nullable(),
  startedAtMs: z.int().nullable(),
  finishedAtMs: z.int().nullable(),
})
export type StepRun = Readonly<z.infer<typeof StepRun>>

export const PipelineRunDetail = PipelineRun.extend({
  spec: PipelineSpec,
  steps: z.array(StepRun.extend({ attempts: z.array(StepAttempt) })),
})
export type PipelineRunDetail = Readonly<z.infer<typeof PipelineRunDetail>>

export const pipelineRunNotFound = (id: string): DomainError =>
  new DomainError('not_found', 'pipeline_run_not_found', `there is no pipeline run "${id}"`)

export const stepNotFound = (run: string, step: string): DomainError =>
  new DomainError('not_found', 'step_not_found', `pipeline run ${run} has no step "${step}"`)

export const stepKindUnknown = (kind: string, known: Iterable<string>): DomainError =>
  new DomainError(
    'invalid',
    'step_kind_unknown',
    `there is no step kind "${kind}": known are ${[...known].toSorted().join(', ')}`,
  )
