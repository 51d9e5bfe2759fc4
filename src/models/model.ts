// What a registered model is: a name under which versions are numbered. Pure.
import { z } from 'zod'
import { DomainError } from '../platform/errors.ts'

export const modelNameMax = 256

/** Not blank, without "/", ":" and control characters, and nothing that a path would resolve to something else: as MLflow has it. */
export const ModelName = z
  .string()
  .max(modelNameMax)
  .regex(
    /^(?!\.$|\.\.)[^\/:\p{Cc}\p{Cs}]*[^\/:\p{Cc}\p{Cs}\s][^\/:\p{Cc}\p{Cs}]*$/v,
    'a name that is not blank, without "/" and ":", and does not begin with ".."',
  )

export const tagKeyCharactersMax = 250
export const tagValueCharactersMax = 100_000

/** All tags at once, as the native API takes them: up to 100. */
export const Tags = z
  .record(z.string().min(1).max(tagKeyCharactersMax), z.string().max(tagValueCharactersMax))
  .refine((tags) => Object.keys(tags).length <= 100, 'at most 100 tags')
/** As stored: MLflow clients set one at a time, and have no limit of their number. */
export const StoredTags = z.record(z.string(), z.string())
export const Description = z.string().max(100_000)

/** MLflow keeps prompts among the models; this tag tells them apart. */
export const promptTag = 'mlflow.prompt.is_prompt'
/** Of a version of a prompt: its text. */
export const promptTextTag = 'mlflow.prompt.text'
export const isPrompt = ({ tags }: { readonly tags: Readonly<Record<string, string>> }): boolean =>
  tags[promptTag]?.toLowerCase() === 'true'

export const Model = z.strictObject({
  name: ModelName,
  description: z.string(),
  tags: StoredTags,
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
    { model: name },
  )

/** `found` is the one that has the name, `asked` the tags of the one that wants it. */
export const modelExists = (found: Model, asked: Readonly<Record<string, string>>): DomainError =>
  new DomainError(
    'conflict',
    'model_exists',
    `there is a model "${found.name}" already: register a version of it, or choose another name`,
    { model: found.name, foundPrompt: promptTag in found.tags, askedPrompt: promptTag in asked },
  )

export const modelInUse = (name: string, use: string): DomainError =>
  new DomainError('conflict', 'model_in_use', `"${name}" is in use: ${use}; take it out there first, then try again`, {
    use,
  })

export const modelNameRetired = (name: string): DomainError =>
  new DomainError(
    'conflict',
    'model_name_retired',
    `the name "${name}" belonged to a model whose versions could serve, and predictions name them: choose another name`,
    { model: name },
  )
