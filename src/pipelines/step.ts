// What a step is: a kind of work by name, run in a process of its own on JSON input, giving JSON output. Its effect is committed by the control plane.
import type { z } from 'zod'
import type { BlobStore } from '../platform/blobs.ts'
import type { Log } from '../platform/log.ts'

/** What a step process hands to the work it runs. `app` fills in reporting. */
export interface StepTools {
  readonly blobs: BlobStore
  /** An empty directory of this attempt; removed after it. */
  readonly scratchDirectory: string
  readonly log: Log
  /** Aborts on timeout or cancel. */
  readonly signal: AbortSignal
  readonly threads: number
  readonly memoryLimitBytes: number
  /** `fraction` of the work done, 0 to 1. */
  progress(fraction: number, text: string): void
  /** The end of what this attempt has printed so far, at most 16 KiB. */
  recentLog(): Promise<string>
  /** A metric of the run that this step belongs to. */
  metric(key: string, value: number, step: number): void
}

/**
 * A kind of step. `execute` has no effect but on the blob store (content-addressed, so a repeated attempt is harmless) and its output;
 * whatever must be recorded is done by the kind's commit in the control plane, in the transaction that completes the step.
 */
export interface StepKind<Input = unknown, Output = unknown> {
  /** `stage.verb`, such as `data.ingest`. */
  readonly kind: string
  /** Part of the cache key: raise it when the same input would give another output. */
  readonly version: number
  /** Whether an output may be reused for the same input. */
  readonly cacheable: boolean
  /** It times what it runs, so its process does not stand back behind those that answer requests, as others do. */
  readonly measuresTime?: boolean
  readonly input: z.ZodType<Input>
  readonly output: z.ZodType<Output>
  execute(tools: StepTools, input: Input): Promise<Output>
}

export type StepKinds = ReadonlyMap<string, StepKind>
