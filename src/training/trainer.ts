// The door to the built-in trainers: a frame and a spec in, a trained model out.
import { DomainError } from '../platform/errors.ts'
import type { Progress } from './boosting/boosting.ts'
import { checkFrame, classCount, type Frame } from './frame.ts'
import { trainGradientBoosting } from './gradient-boosting.ts'
import { trainLinear } from './linear-model.ts'
import type { TrainerSpec } from './trainer-spec.ts'
import type { TrainedModel } from './trained-model.ts'

export interface TrainingInput {
  readonly spec: TrainerSpec
  readonly frame: Frame
  /** Decides which rows early stopping holds out and which of many rows teach the bins. */
  readonly seed: number
  /** At most so many threads; the result does not depend on it. */
  readonly threads: number
  /** Rows to report a validation loss on, and to stop early by; without them early stopping holds out a share of the frame. */
  readonly validation?: Frame
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: Progress) => void
}

/** Most threads that can be asked for. */
export const MAX_THREADS = 64

/**
 * Trains a model. Blocks the event loop for as long as one iteration takes, so call it in a process of its own.
 * @throws DomainError as {@link checkFrame}, for the validation table too (which may hold a single class); threads_invalid
 * @throws the reason of `signal` when it is aborted
 */
export async function train(input: TrainingInput): Promise<TrainedModel> {
  const { spec, frame, validation, signal, onProgress } = input
  if (!Number.isInteger(input.threads) || input.threads < 1 || input.threads > MAX_THREADS) {
    throw new DomainError(
      'invalid',
      'threads_invalid',
      `training cannot run on ${input.threads} threads: use 1 to ${MAX_THREADS}`,
    )
  }
  checkFrame(frame, spec.objective)
  if (validation) checkValidation(validation, frame, spec)
  signal?.throwIfAborted()
  switch (spec.trainer) {
    case 'gradient_boosting':
      return trainGradientBoosting({
        spec,
        frame,
        validation,
        seed: input.seed,
        threads: input.threads,
        signal,
        onProgress,
      })
    case 'logistic_regression':
    case 'linear_regression':
      return trainLinear({ spec, frame, validation, signal, onProgress })
  }
}

function checkValidation(validation: Frame, frame: Frame, spec: TrainerSpec): void {
  checkFrame(validation, spec.objective, { singleClass: true })
  const classes = classCount(frame.target, spec.objective)
  if (spec.objective !== 'multiclass' || classCount(validation.target, spec.objective) <= classes) return
  throw new DomainError(
    'invalid',
    'target_invalid',
    `the validation table has a class that none of the ${classes} classes of the training table is`,
  )
}
