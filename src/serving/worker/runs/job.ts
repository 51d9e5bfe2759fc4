// One request's rows on their way through one model version, and what becomes of them. Types alone.
import type { DomainError } from '../../../platform/errors.ts'
import type { Predictions } from '../../../models/inference.ts'
import type { Batch } from '../../../models/batch.ts'
import type { RequestColumns } from '../../protocols/request-rows.ts'

/** How a run went for one request. `error`: the version failed on it. */
export interface RunOutcome {
  readonly predictions: Predictions
  /** Where the request's rows begin in `predictions`. */
  readonly offset: number
  readonly error: DomainError | undefined
  /** Milliseconds in the queue. */
  readonly queueMs: number
  /** Milliseconds of the run that answered it. */
  readonly inferMs: number
  /** What the run would have taken for this request alone; undefined: nothing ran for it. */
  readonly aloneMs: number | undefined
}

export interface Job {
  readonly columns: RequestColumns
  readonly rows: number
  readonly enqueuedMs: number
  /** See {@link laneOf} in lanes.ts. */
  readonly lane: number
  /** Not run after this moment of the monotonic clock; Infinity: whenever its turn comes. */
  readonly expiresAtMs: number
  /** Sends the answer. Must not throw; a second call does nothing. */
  readonly answer: (outcome: RunOutcome) => void
  /** Counts, logs and feeds shadows, after every answer of the run was sent. `batch` holds the request's rows from `from` on. */
  readonly settle: (outcome: RunOutcome, rows: { batch: Batch; from: number }) => void
  /** It will not be run: instead of `answer` and `settle`. Must not throw. */
  readonly refuse: (error: DomainError) => void
}
