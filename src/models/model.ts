// What a registered model is: a name under which versions are numbered. Pure.
import { z } from 'zod'
import { DomainError } from '../platform/errors.ts'

/** Without "/", ":", "@" and control characters, so that `model/version`, `model@alias` and URLs stay unambiguous. */
export const ModelName = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[^\/:@\p{C}\s](?:[^\/:@\p{C}]*[^\/:@\p{C}\s])?$/v, 'a name without "/", ":", "@" and spaces at its ends')

/** Up to 100 tags. */
export const Tags = z
  .record(z.string().min(1).max(250), z.string().max(5000))
  .refine((tags) => Object.keys(tags).length <= 100, 'at most 100 tags')
export const Description = z.string().max(100_000)

export const Model = z.strictObject({
  name: ModelName,
  description: Description,
  tags: Tags,
  /** Number of the newest version, 0 before the first; numbers are never used again. */
  lastVersion: z.int().nonnegative(),
  createdAtMs: z.int(),
  updatedAtMs: z.int(),
})
export type Model = Readonly<z.infer<typeof Model>>

export const modelNotFound = (name: string): DomainError =>
  new DomainError(
    'not_found',
    'model_not_found',
    `there is no model "${name}": see GET /api/models for those there are`,
  )

export const modelExists = (name: string): DomainError =>
  new DomainError(
    'conflict',
    'model_exists',
    `there is a model "${name}" already: register a version of it, or choose another name`,
  )
