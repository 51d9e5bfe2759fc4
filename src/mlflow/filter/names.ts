// The names in filters and orders: `metrics.loss`, `tags.\`mlflow.runName\``, or an attribute alone.
import { invalidParameter } from '../wire/errors.ts'
import type { Entity } from './comparison.ts'
import type { TargetRules } from './fields.ts'

/** @throws MlflowError INVALID_PARAMETER_VALUE for a name that the target does not have. */
export function readName(
  { entities, badEntity, attributes, aliases = {}, badAttribute }: NameRules,
  written: string,
): { entity: Entity; key: string } {
  const dot = isQuoted(written, '"') || isQuoted(written, '`') ? -1 : written.indexOf('.')
  const spelling = dot === -1 ? undefined : unquoted(written.slice(0, dot), '`')
  const entity = spelling === undefined ? 'attribute' : Object.hasOwn(entities, spelling) && entities[spelling]
  if (!entity) throw invalidParameter(badEntity(spelling!))
  const key = keyOf(written.slice(dot + 1))
  if (entity !== 'attribute') return { entity, key }
  const name = Object.hasOwn(aliases, key) ? aliases[key]! : key
  if (attributes.includes(name)) return { entity, key: name }
  throw invalidParameter(badAttribute(key, [...attributes, ...Object.keys(aliases)]))
}

export type NameRules = Pick<TargetRules, 'entities' | 'badEntity' | 'attributes' | 'aliases' | 'badAttribute'>

const keyOf = (written: string): string => {
  const bare = isQuoted(written, "'") ? unquoted(written, "'") : unquoted(written, '"')
  return unquoted(bare, '`')
}

const isQuoted = (text: string, quote: string): boolean =>
  text.length >= 2 && text.startsWith(quote) && text.endsWith(quote) && !text.slice(1, -1).includes(`${quote}.`)

const unquoted = (text: string, quote: string): string =>
  text.length >= 2 && text.startsWith(quote) && text.endsWith(quote) ? text.slice(1, -1) : text
