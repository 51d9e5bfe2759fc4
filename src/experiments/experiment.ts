// An experiment: a name under which runs are kept. Pure, so web/ and client/ import it too.
import { z } from 'zod'
import { DomainError } from '../platform/errors.ts'
import { Tags } from './run.ts'

export const ExperimentName = z
  .string()
  .min(1)
  .max(500)
  .regex(/^\P{C}+$/v, 'a name without control characters')

export const Experiment = z.strictObject({
  /** 0 is always the one named `Default`; others count from 1 and are never used again. */
  id: z.int().nonnegative(),
  name: ExperimentName,
  tags: Tags,
  createdAtMs: z.int(),
  updatedAtMs: z.int(),
  /** Set while it is deleted: no run can be added; its name stays taken, so that it can be restored. */
  deletedAtMs: z.int().nullable(),
})
export type Experiment = Readonly<z.infer<typeof Experiment>>

/** MLflow's clients expect experiment 0 of this name. */
export const defaultExperiment = 'Default'

export const experimentNotFound = (which: string | number): DomainError =>
  new DomainError(
    'not_found',
    'experiment_not_found',
    typeof which === 'number' ? `there is no experiment ${which}` : `there is no experiment "${which}"`,
  )

export const experimentDeleted = (name: string): DomainError =>
  new DomainError(
    'conflict',
    'experiment_deleted',
    `experiment "${name}" is deleted: restore it, or use another name (a deleted one stays taken)`,
  )

export const experimentExists = (name: string): DomainError =>
  new DomainError('conflict', 'experiment_exists', `there is an experiment "${name}" already: choose another name`)
