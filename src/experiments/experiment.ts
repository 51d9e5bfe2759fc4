// An experiment: a name under which runs are kept. Pure, so web/ and client/ import it too.
import { z } from 'zod'
import { DomainError } from '../platform/errors.ts'

export const ExperimentName = z
  .string()
  .min(1)
  .max(500)
  .regex(/^\P{C}+$/v, 'a name without control characters')

/** As stored: MLflow's clients give names and tags that the native API would not take. */
export const Experiment = z.strictObject({
  /** 0 is always the one named `Default`; others count from 1 and are never used again. */
  id: z.int().nonnegative(),
  name: z.string(),
  /** URI below which its runs and logged models keep their artifacts; set once. */
  artifactLocation: z.string(),
  tags: z.record(z.string(), z.string()),
  createdAtMs: z.int(),
  updatedAtMs: z.int(),
  /** Set while it is deleted: no run can be added; its name stays taken, so that it can be restored. */
  deletedAtMs: z.int().nullable(),
})
export type Experiment = Readonly<z.infer<typeof Experiment>>

/** MLflow's clients expect experiment 0 of this name. */
export const defaultExperiment = 'Default'
export const defaultExperimentId = 0

/** The home's own store: what the native API makes keeps its artifacts there, whatever the server's default is for MLflow's clients. */
export const ownArtifactRoot = 'mlflow-artifacts:/'

/** `s3://bucket/root?x=1` and `7` make `s3://bucket/root/7?x=1`. */
export function withinUri(uri: string, ...segments: readonly string[]): string {
  const [, path = '', query = ''] = /^(?<path>[^?]*)(?<query>.*)$/sv.exec(uri) ?? []
  // A plain path may hold a question mark.
  const isUri = /^[a-z][a-z0-9+.\-]*:/iv.test(uri)
  const [start, end] = isUri ? [path, query] : [uri, '']
  return `${start}${start === '' || start.endsWith('/') ? '' : '/'}${segments.join('/')}${end}`
}

export const experimentNotFound = (which: string | number): DomainError =>
  new DomainError(
    'not_found',
    'experiment_not_found',
    typeof which === 'number' ? `there is no experiment ${which}` : `there is no experiment "${which}"`,
    { experiment: which },
  )

export const experimentDeleted = ({ id, name }: Pick<Experiment, 'id' | 'name'>): DomainError =>
  new DomainError('conflict', 'experiment_deleted', `experiment "${name}" is deleted: restore it first`, { id, name })

export const experimentExists = ({ name, deletedAtMs }: Pick<Experiment, 'name' | 'deletedAtMs'>): DomainError => {
  const what = deletedAtMs === null ? 'an experiment' : 'a deleted experiment'
  const advice = deletedAtMs === null ? 'choose another name' : 'restore it, or choose another name'
  return new DomainError('conflict', 'experiment_exists', `there is ${what} "${name}" already: ${advice}`, { name })
}

export const experimentTagNotFound = (id: number, key: string): DomainError =>
  new DomainError('not_found', 'experiment_tag_not_found', `experiment ${id} has no tag "${key}"`, { id, key })
