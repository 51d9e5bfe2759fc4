// What a worker knows of a request when it is over: for the logs, the events and the traces. Pure.
import type { DomainError } from '../../../platform/errors.ts'
import type { RequestColumns } from '../../protocols/request-rows.ts'
import type { EndpointRuntime, VariantRuntime } from '../endpoint-runtime.ts'
import type { RunOutcome } from '../runs/job.ts'

/** An answer that was sent. */
export interface LoggedAnswer {
  readonly id: string
  readonly endpoint: EndpointRuntime
  readonly variant: VariantRuntime
  readonly assignedWith: number
  readonly eventTimeMs: number
  readonly atMs: number
  readonly rows: number
  readonly columns: RequestColumns
  readonly outcome: RunOutcome
}

/** A request to an endpoint that got an error. */
export interface FailedRequest {
  readonly id: string
  readonly endpoint: EndpointRuntime
  /** Undefined: refused before one was chosen. */
  readonly variant: VariantRuntime | undefined
  readonly eventTimeMs: number
  readonly atMs: number
  /** Undefined: the request could not be read so far. */
  readonly rows: { readonly columns: RequestColumns; readonly count: number } | undefined
  readonly error: DomainError
}
