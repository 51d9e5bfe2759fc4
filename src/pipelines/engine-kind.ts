// A step kind as the control plane sees it: what it takes and gives, and what its result does to the database.
import type { z } from 'zod'
import type { Transaction } from '../platform/database.ts'
import type { Actor } from '../governance/audit.ts'
import type { Labels } from './pipeline-run.ts'
import type { StepKind } from './step.ts'

/** A step whose work is done and whose effect is to be recorded. */
export interface CompletedStep<Input = unknown, Output = unknown> {
  /** On whose behalf: the one who started the run. */
  readonly actor: Actor
  readonly pipelineRun: {
    readonly id: string
    readonly pipeline: string
    readonly reason: string
    readonly labels: Labels
  }
  readonly stepRun: { readonly id: string; readonly name: string; readonly kind: string }
  readonly input: Input
  /** What `execute` gave, now or in the step run `cachedFrom`; undefined for a kind that only commits. */
  readonly output: Output
  readonly cachedFrom: string | null
  readonly nowMs: number
}

/** An attempt that failed, as its process says. */
export type FailedStep<Input = unknown> = Pick<CompletedStep<Input>, 'actor' | 'pipelineRun' | 'stepRun' | 'input'> & {
  readonly error: { readonly code: string; readonly detail?: Readonly<Record<string, unknown>> | undefined }
}

/** `T` are the tables that the commit may touch, beside the engine's own. */
export interface EngineKind<T> {
  readonly kind: string
  readonly version: number
  readonly cacheable: boolean
  /** False: the control plane does it all in the commit, at once. */
  readonly hasProcess: boolean
  readonly input: z.ZodType
  readonly output: z.ZodType
  /**
   * Runs in the transaction that completes the step, so it takes effect once or not at all; may be run again when the transaction lost a
   * race. Gives what later steps see; without it they see what `execute` gave.
   */
  readonly commit: ((trx: Transaction<T>, done: CompletedStep) => Promise<unknown>) | undefined
  /** Runs in the transaction that records that an attempt's process gave an error: what is worth keeping of it. */
  readonly failed: ((trx: Transaction<T>, failure: FailedStep) => Promise<void>) | undefined
}

export type EngineKinds<T> = ReadonlyMap<string, EngineKind<T>>

/** A kind that runs in a process. */
export function processKind<T, Input, Output>(
  kind: Pick<StepKind<Input, Output>, 'kind' | 'version' | 'cacheable' | 'input' | 'output'>,
  commit?: (trx: Transaction<T>, done: CompletedStep<Input, Output>) => Promise<unknown>,
  failed?: (trx: Transaction<T>, failure: FailedStep<Input>) => Promise<void>,
): EngineKind<T> {
  const { input, output } = kind
  return {
    kind: kind.kind,
    version: kind.version,
    cacheable: kind.cacheable,
    hasProcess: true,
    input,
    output,
    commit:
      commit &&
      ((trx, done) => commit(trx, { ...done, input: input.parse(done.input), output: output.parse(done.output) })),
    failed: failed && ((trx, failure) => failed(trx, { ...failure, input: input.parse(failure.input) })),
  }
}

/** A kind that the control plane does by itself: quick, and only on the database. */
export function commitKind<T, Input>(
  kind: {
    readonly kind: string
    readonly version: number
    readonly input: z.ZodType<Input>
    readonly output: z.ZodType
  },
  commit: (trx: Transaction<T>, done: CompletedStep<Input, undefined>) => Promise<unknown>,
): EngineKind<T> {
  return {
    ...kind,
    cacheable: false,
    hasProcess: false,
    failed: undefined,
    commit: (trx, done) => commit(trx, { ...done, input: kind.input.parse(done.input), output: undefined }),
  }
}
