// What the loop engine can have done. `app` wires these to the stages; each may be called again with the same command id and then changes nothing.
import type { PipelineSpec } from '../pipelines/pipeline.ts'
import type { LoopSpec } from './spec.ts'

interface Request {
  /** Idempotency id: what was begun under it once is answered again, not begun again. */
  readonly commandId: string
  readonly spec: LoopSpec
  /** The applied version that the spec, and the code with it, is of. */
  readonly specVersion: number
}

/** Id of the pipeline run or rollout, under which its end will be announced. */
export interface Started {
  readonly reference: string
}

/**
 * An `unavailable` DomainError, or any error that is none, is tried again; other DomainErrors end the attempt with their message.
 */
export interface LoopActions {
  /** Begins a pipeline run that reads the source and makes a dataset version if rows have changed. */
  startIngest(request: Request): Promise<Started>
  startTraining(request: Request & { readonly pipeline: PipelineSpec }): Promise<Started>
  /** Makes the first champion: the alias and all of the endpoint's traffic. Done when it resolves. */
  goLive(request: Request & { readonly modelVersion: string; readonly reason: string }): Promise<void>
  /** Gives the champion before a promotion its place again. Done when it resolves. */
  takeBack(request: Request & { readonly rollout: string; readonly reason: string }): Promise<void>
  startRollout(
    request: Request & { readonly champion: string; readonly challenger: string; readonly reason: string },
  ): Promise<Started>
}
