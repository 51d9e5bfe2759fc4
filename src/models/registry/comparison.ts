// A comparison of a registry search, as SQL on the row of a model (`m`) or a version (`v`); and the rows that an index finds for it.
import { sql, type RawBuilder } from 'kysely'
import type { DatabaseKind } from '../../platform/database.ts'
import {
  compareNumber,
  compareText,
  numberOperators,
  textOperators,
  type NumberOperator,
  type TextOperator,
} from '../../platform/sql-comparisons.ts'
import { DomainError } from '../../platform/errors.ts'

type Value = string | number | bigint | readonly string[]

/** One without the tag holds for no comparison, `!=` neither. */
export type RegistryComparison =
  | { readonly tag: string; readonly operator: string; readonly value: Value }
  | { readonly field: 'name' | 'runId' | 'source' | 'version'; readonly operator: string; readonly value: Value }

/** What is searched. */
export interface Searched {
  readonly kind: DatabaseKind
  readonly of: 'models' | 'versions'
}

const fields: Readonly<Record<Searched['of'], Readonly<Record<string, RawBuilder<unknown> | undefined>>>> = {
  models: { name: sql`m.name` },
  versions: {
    name: sql`v.model`,
    // MLflow's clients know no null: a version without one has an empty text.
    runId: sql`coalesce(v.run_id, '')`,
    source: sql`coalesce(v.source, '')`,
    // With a sign, so that no index of numbers is walked: half of all versions have the same one.
    version: sql`+v.version`,
  },
}

/** @throws DomainError registry_filter */
export function holds(comparison: RegistryComparison, { kind, of }: Searched): RawBuilder<boolean> {
  if ('tag' in comparison) {
    const value = compare(kind, sql`t.value`, comparison)
    return of === 'models'
      ? sql`exists (select 1 from model_tag t where t.model = m.name and t.key = ${comparison.tag} and ${value})`
      : sql`exists (select 1 from model_version_tag t
          where t.model = v.model and t.version = v.version and t.key = ${comparison.tag} and ${value})`
  }
  const column = fields[of][comparison.field]
  if (!column) throw unfit(comparison)
  // By the column itself, which has an index, where it can only be a text that there is.
  const isRun = comparison.field === 'runId' && comparison.operator === '=' && comparison.value !== ''
  return compare(kind, isRun ? sql`v.run_id` : column, comparison)
}

const unfit = (comparison: RegistryComparison): DomainError =>
  new DomainError(
    'invalid',
    'registry_filter',
    `"${'tag' in comparison ? `tag ${comparison.tag}` : comparison.field}" does not take "${comparison.operator}" with that value`,
  )

function compare(kind: DatabaseKind, column: RawBuilder<unknown>, comparison: RegistryComparison): RawBuilder<boolean> {
  const { operator, value } = comparison
  const isNumeric = 'field' in comparison && comparison.field === 'version'
  if (isNumeric && (typeof value === 'number' || typeof value === 'bigint') && isOneOf(numberOperators, operator)) {
    return compareNumber(column, { operator: operator as NumberOperator, value })
  }
  const isText = typeof value === 'string' ? !operator.endsWith('IN') : operator.endsWith('IN')
  if (
    !isNumeric &&
    isText &&
    typeof value !== 'number' &&
    typeof value !== 'bigint' &&
    isOneOf(textOperators, operator)
  ) {
    return compareText(kind, column, { operator: operator as TextOperator, value })
  }
  throw unfit(comparison)
}

const isOneOf = (all: readonly string[], operator: string): boolean => all.includes(operator)

/** The rows that a comparison holds for, from an index; undefined: none finds them. */
export function indexedRows(comparison: RegistryComparison, { kind, of }: Searched): RawBuilder<unknown> | undefined {
  const { operator, value } = comparison
  if (operator === '!=' || operator === 'NOT IN') return undefined
  if ('tag' in comparison) {
    if (typeof value !== 'string') return undefined
    const rows = sql.raw(of === 'models' ? 'model from model_tag' : 'model, version from model_version_tag')
    // The start of the value, as the index holds it; a pattern is held against each value of the key.
    const start = sql`substr(t.value, 1, 200) = substr(cast(${value} as text), 1, 200) and t.value = ${value}`
    return sql`select ${rows} t where t.key = ${comparison.tag} and ${operator === '=' ? start : compare(kind, sql`t.value`, comparison)}`
  }
  const isOfRuns = of === 'versions' && comparison.field === 'runId'
  if (isOfRuns && operator === '=' && value !== '') {
    return sql`select model, version from model_version v where v.run_id = ${value}`
  }
  if (isOfRuns && operator === 'IN' && Array.isArray(value) && !value.includes('')) {
    return sql`select model, version from model_version v where ${compare(kind, sql`v.run_id`, comparison)}`
  }
  return undefined
}
