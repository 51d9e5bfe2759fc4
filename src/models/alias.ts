// What an alias is. Pure: no I/O, so web/ and client/ import it too.
import { z } from 'zod'
import { DomainError } from '../platform/errors.ts'
import { ModelName } from './model.ts'

/** Names that would read as something else: the newest version, or a version by its number. */
const reserved = /^(?:latest|v\d+)$/iv

export const aliasNameMax = 255

/** A movable name of one version of a model: `champion` serves, `challenger` is on trial. */
export const Alias = z.strictObject({
  model: ModelName,
  alias: z
    .string()
    .max(aliasNameMax)
    .regex(/^[\p{L}\p{N}_\-]+$/v, 'letters, digits, "_" and "-"')
    .refine((alias) => !reserved.test(alias), '"latest" and "v" with a number are reserved'),
  version: z.int().positive(),
  setAtMs: z.int(),
})
export type Alias = Readonly<z.infer<typeof Alias>>
export type AliasId = Pick<Alias, 'model' | 'alias'>

export const aliasNotFound = ({ model, alias }: AliasId): DomainError =>
  new DomainError('not_found', 'alias_not_found', `model "${model}" has no alias "${alias}"`, { model, alias })

/** @throws DomainError alias_moved: somebody else moved it since the caller looked; look again, then decide. */
export function assertStillAt(id: AliasId, expected: number | null, current: Alias | undefined): void {
  const found = current?.version ?? null
  if (found === expected) return
  const message = `alias "${id.alias}" of "${id.model}" is at ${found ?? 'nothing'}, not at ${expected ?? 'nothing'}: look again, then decide`
  throw new DomainError('conflict', 'alias_moved', message, { found, expected })
}
