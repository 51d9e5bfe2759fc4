// What a search of logged models compares and orders by, as SQL on `logged_model m`.
import { sql, type RawBuilder } from 'kysely'
import type { DatabaseKind } from '../../platform/database.ts'
import { DomainError } from '../../platform/errors.ts'
import {
  compareNumber,
  compareText,
  numberOperators,
  textOperators,
  type NumberOperator,
  type TextOperator,
} from '../../platform/sql-comparisons.ts'

const textColumns = {
  id: sql`m.id`,
  experimentId: sql`cast(m.experiment_id as text)`,
  name: sql`m.name`,
  state: sql`m.state`,
  artifactUri: sql`m.artifact_uri`,
  modelType: sql`m.model_type`,
  sourceRunId: sql`m.source_run_id`,
} as const
const timeColumns = { createdAtMs: sql`m.created_at_ms`, updatedAtMs: sql`m.updated_at_ms` } as const

export type LoggedModelAttribute = keyof typeof textColumns | keyof typeof timeColumns

export const columnOf = (attribute: LoggedModelAttribute): RawBuilder<unknown> =>
  ({ ...textColumns, ...timeColumns })[attribute]

export interface LoggedModelComparison {
  /** The key of an attribute is a {@link LoggedModelAttribute}. */
  readonly entity: 'attribute' | 'metric' | 'param' | 'tag'
  readonly key: string
  /** Of numbers for metrics and times, of texts for the rest. */
  readonly operator: NumberOperator | TextOperator
  readonly value: number | bigint | string | readonly string[]
}

/** Points that were measured on this dataset. */
export interface MeasuredOn {
  readonly name: string
  readonly digest?: string | undefined
}

export interface ComparisonContext {
  readonly datasets: readonly MeasuredOn[]
  readonly kind: DatabaseKind
}

/** Whether the point that SQL calls `p` was measured on one of them; on anything when there are none. */
export function measuredOn(datasets: readonly MeasuredOn[], point = 'p'): RawBuilder<boolean> {
  if (datasets.length === 0) return sql`1 = 1`
  const [nameColumn, digestColumn] = [sql.ref(`${point}.dataset_name`), sql.ref(`${point}.dataset_digest`)]
  const each = datasets.map(({ name, digest }) =>
    digest === undefined
      ? sql`${nameColumn} = ${name}`
      : sql`(${nameColumn} = ${name} and ${digestColumn} = ${digest})`,
  )
  return sql`(${sql.join(each, sql` or `)})`
}

/** The rows that make the comparison hold: of `logged_model m` for an attribute, else of a table whose `model_id` names the model. */
export interface Matches {
  readonly table: RawBuilder<unknown>
  /** The column with the model's id. */
  readonly id: RawBuilder<unknown>
  readonly condition: RawBuilder<boolean>
}

/** @throws DomainError logged_model_filter */
export function matchesOf(comparison: LoggedModelComparison, { datasets, kind }: ComparisonContext): Matches {
  const { entity, key, operator, value } = comparison
  if (entity === 'metric') {
    const condition = sql<boolean>`p.key = ${key} and p.is_nan = 0 and ${numberOf(comparison, sql`p.value`)} and ${measuredOn(datasets)}`
    return { table: sql`logged_model_metric p`, id: sql`p.model_id`, condition }
  }
  if (entity === 'attribute') {
    return { table: sql`logged_model m`, id: sql`m.id`, condition: attributeOf(comparison, kind) }
  }
  // With the start of the value the index finds it.
  const start =
    operator === '=' && typeof value === 'string'
      ? sql`substr(t.value, 1, 200) = substr(cast(${value} as text), 1, 200) and`
      : sql``
  const condition = sql<boolean>`t.key = ${key} and ${start} ${textOf(comparison, sql`t.value`, kind)}`
  const table = sql.table(entity === 'param' ? 'logged_model_param' : 'logged_model_tag')
  return { table: sql`${table} t`, id: sql`t.model_id`, condition }
}

/** Whether it holds for `m`: one look by the model's id. @throws DomainError logged_model_filter */
export function holds(comparison: LoggedModelComparison, context: ComparisonContext): RawBuilder<boolean> {
  const { entity, key } = comparison
  if (entity === 'metric') {
    // The signs keep SQLite from walking the index of values once for every model: its key finds the few points of one.
    const matches = sql`+p.is_nan = 0 and ${numberOf(comparison, sql`+p.value`)} and ${measuredOn(context.datasets)}`
    return isThere(sql`logged_model_metric p where p.model_id = m.id and p.key = ${key} and ${matches}`)
  }
  const { table, id, condition } = matchesOf(comparison, context)
  if (entity === 'attribute') return condition
  return isThere(sql`${table} where ${id} = m.id and ${condition}`)
}

/**
 * Asked for one model at a time, along the order of the search: of an `exists` PostgreSQL would make a join over all models. It takes nearly
 * all rows to be `not null`, and so the end of the page to be near.
 */
export const isThere = (rows: RawBuilder<unknown>): RawBuilder<boolean> =>
  sql`(select 1 from ${rows} limit 1) is not null`

/** The opposite of {@link isThere}, asked in the same way. */
export const isAbsent = (rows: RawBuilder<unknown>): RawBuilder<boolean> =>
  sql`case when (select 1 from ${rows} limit 1) is null then 1 end is not null`

function attributeOf(comparison: LoggedModelComparison, kind: DatabaseKind): RawBuilder<boolean> {
  const { key } = comparison
  if (Object.hasOwn(timeColumns, key)) return numberOf(comparison, timeColumns[key as keyof typeof timeColumns])
  if (Object.hasOwn(textColumns, key)) return textOf(comparison, textColumns[key as keyof typeof textColumns], kind)
  throw unfit(comparison, `a logged model has ${[...Object.keys(textColumns), ...Object.keys(timeColumns)].join(', ')}`)
}

const unfit = ({ entity, key, operator }: LoggedModelComparison, takes: string): DomainError =>
  new DomainError(
    'invalid',
    'logged_model_filter',
    `the ${entity} "${key}" does not take "${operator}" with that value: ${takes}`,
  )

function numberOf(comparison: LoggedModelComparison, column: RawBuilder<unknown>): RawBuilder<boolean> {
  const { operator, value } = comparison
  const isNumber = typeof value === 'bigint' || (typeof value === 'number' && !Number.isNaN(value))
  if (isNumber && isOneOf(numberOperators, operator)) return compareNumber(column, { operator, value })
  throw unfit(comparison, `compare it with a number by ${numberOperators.join(', ')}`)
}

function textOf(
  comparison: LoggedModelComparison,
  column: RawBuilder<unknown>,
  kind: DatabaseKind,
): RawBuilder<boolean> {
  const { operator, value } = comparison
  if (typeof value !== 'number' && typeof value !== 'bigint' && isOneOf(textOperators, operator)) {
    return compareText(kind, column, { operator, value })
  }
  throw unfit(comparison, `compare it with a text by ${textOperators.join(', ')}`)
}

const isOneOf = <T extends string>(these: readonly T[], text: string): text is T =>
  (these as readonly string[]).includes(text)
