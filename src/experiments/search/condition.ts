// A filter of a run search, checked and turned into SQL that both databases answer alike: the run is at hand, and one row by key is looked at.
import { sql, type RawBuilder } from 'kysely'
import type { DatabaseKind } from '../../platform/database.ts'
import { DomainError } from '../../platform/errors.ts'
import { compareNumber, compareText, type NumberOperator } from '../../platform/sql-comparisons.ts'
import { parseField, type Field, type RunFilter } from './filter.ts'

type Sql = RawBuilder<boolean>

/** Where the run's id comes from: of the index at hand, so that a run is looked up only when all else holds. */
interface Place {
  readonly kind: DatabaseKind
  readonly runId: RawBuilder<unknown>
}

/** @throws DomainError run_filter for an operator or value that the field does not take. */
export function comparisonOf(filter: RunFilter, { kind, runId }: Place): Sql {
  const field = parseField(filter.field)
  switch (field.kind) {
    case 'metric':
      return metricComparison(filter, field, runId)
    case 'param':
    case 'tag':
      return keyedComparison(filter, field, { kind, runId })
    case 'input':
      return inputComparison(filter, field, { kind, runId })
    case 'time':
      return timeComparison(filter, sql.ref(`run.${field.column}`))
    case 'text':
      return textComparison(filter, sql.ref(`run.${field.column}`), kind)
  }
}

const unfit = ({ field, operator }: RunFilter, takes: string): DomainError =>
  new DomainError('invalid', 'run_filter', `"${field}" does not take "${operator}" with that value: ${takes}`)

export const keyedTable = (kind: 'param' | 'tag'): RawBuilder<unknown> =>
  sql.table(kind === 'param' ? 'run_param' : 'run_tag')

/** Neither database makes a join of such a subquery, so that each run costs one look at an index and no other order is tried. */
const holdsFor = (comparison: Sql, { table, key, runId }: Row): Sql =>
  sql`(select ${comparison} from ${table} f where f.run_id = ${runId} and f.key = ${key}) is true`

interface Row {
  readonly table: RawBuilder<unknown>
  readonly key: string
  readonly runId: RawBuilder<unknown>
}

function presence(operator: RunFilter['operator'], { table, key, runId }: Row): Sql | undefined {
  if (operator !== 'present' && operator !== 'missing') return undefined
  const row = sql<boolean>`exists (select 1 from ${table} f where f.run_id = ${runId} and f.key = ${key})`
  return operator === 'present' ? row : sql`not ${row}`
}

const numeric = new Set<string>(['=', '!=', '<', '<=', '>', '>='])

/** The number of a metric's filter, NaN included. @throws DomainError run_filter */
export function metricValue(filter: RunFilter): { operator: NumberOperator; value: number } {
  const value = Array.isArray(filter.value) ? Number.NaN : Number(filter.value)
  const isNumber = typeof filter.value === 'number' || Number.isNaN(value) === (filter.value === 'NaN')
  if (!numeric.has(filter.operator) || !isNumber || filter.value === '') {
    throw unfit(filter, 'compare a metric with a number by =, !=, <, <=, > or >=, or ask for present or missing')
  }
  if (Number.isNaN(value) && filter.operator !== '=' && filter.operator !== '!=') {
    throw unfit(filter, 'NaN is only = or !=')
  }
  return { operator: filter.operator as NumberOperator, value }
}

const metricTable = sql`run_metric`

function metricComparison(
  filter: RunFilter,
  { key, part }: Extract<Field, { kind: 'metric' }>,
  runId: RawBuilder<unknown>,
): Sql {
  const row = { table: metricTable, key, runId }
  const isPresence = filter.operator === 'present' || filter.operator === 'missing'
  if (isPresence && part !== 'latest') {
    // One whose points are all NaN has no least and no greatest value.
    const found = holdsFor(sql`${sql.ref(`f.${part}`)} is not null`, row)
    return filter.operator === 'present' ? found : sql`not (${found})`
  }
  const present = presence(filter.operator, row)
  if (present) return present
  const { operator, value } = metricValue(filter)
  if (part !== 'latest') return holdsFor(compareNumber(sql.ref(`f.${part}`), { operator, value }), row)
  if (Number.isNaN(value)) {
    return holdsFor(compareNumber(sql`f.latest_is_nan`, { operator, value: 1 }), row)
  }
  const matches = compareNumber(sql`f.latest`, { operator, value })
  // NaN differs from every number, and compares with none.
  const holds =
    operator === '!='
      ? sql<boolean>`(f.latest_is_nan = 1 or ${matches})`
      : sql<boolean>`(f.latest_is_nan = 0 and ${matches})`
  return holdsFor(holds, row)
}

/** As in the index: PostgreSQL takes no longer values there. */
export const startLength = 200
export const startText = (value: string): string =>
  value.length < startLength ? value : Array.from(value).slice(0, startLength).join('')
export const startOf = (value: RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`substr(${value}, 1, ${sql.lit(startLength)})`

/** A run without the key matches nothing but `missing`. */
function keyedComparison(filter: RunFilter, { kind: of, key }: Keyed, { kind, runId }: Place): Sql {
  const row = { table: keyedTable(of), key, runId }
  const { operator, value } = filter
  if (kind === 'sqlite' && operator === '=' && typeof value === 'string' && value.length < startLength) {
    // All runs with the value lie beside each other in this index; by the run's id, each would be elsewhere, in an index and in the table.
    return sql`(select f.run_id from ${row.table} f indexed by ${sql.id(of === 'param' ? 'run_param_value' : 'run_tag_value')}
      where f.key = ${key} and ${startOf(sql`f.value`)} = ${value} and f.run_id = ${runId}) is not null`
  }
  return presence(filter.operator, row) ?? holdsFor(textComparison(filter, sql`f.value`, kind), row)
}

type Keyed = Extract<Field, { kind: 'param' | 'tag' }>

/** Holds when one of the run's datasets does. An input without a context has none to compare. */
function inputComparison(filter: RunFilter, field: Extract<Field, { kind: 'input' }>, { kind, runId }: Place): Sql {
  return sql`(exists (select 1 from run_dataset i inner join logged_dataset f on f.id = i.dataset_id
    where i.run_id = ${runId} and ${inputHolds(filter, { field, kind })})) is true`
}

/** Of a row `i` of run_dataset and its `f` of logged_dataset. */
export function inputHolds(
  filter: RunFilter,
  { field, kind }: { field: Extract<Field, { kind: 'input' }>; kind: DatabaseKind },
): Sql {
  if (field.column !== 'context') return textComparison(filter, sql.ref(`f.${field.column}`), kind)
  return sql`(i.context <> '' and ${textComparison(filter, sql`i.context`, kind)})`
}

const textOperators = { '=': '=', '!=': '!=', like: 'LIKE', ilike: 'ILIKE' } as const
const listMin = 30

export function textComparison(filter: RunFilter, column: RawBuilder<unknown>, kind: DatabaseKind): Sql {
  const { operator, value } = filter
  if (typeof value === 'string' && operator in textOperators) {
    return compareText(kind, column, { operator: textOperators[operator as keyof typeof textOperators], value })
  }
  if (Array.isArray(value) && (operator === 'in' || operator === 'not in'))
    return inList(column, { operator, values: value, kind })
  throw unfit(filter, 'compare text by =, !=, like, ilike, or in or not in with a list')
}

/** A long list is one parameter: neither database takes tens of thousands of them. */
export function inList(
  column: RawBuilder<unknown>,
  { operator = 'in', values, kind }: { operator?: 'in' | 'not in'; values: readonly string[]; kind: DatabaseKind },
): Sql {
  const word = operator === 'in' ? sql`in` : sql`not in`
  if (values.length === 0) return operator === 'in' ? sql`1 = 0` : sql`1 = 1`
  if (values.length < listMin) return sql`${column} ${word} (${sql.join([...values])})`
  const list =
    kind === 'postgres'
      ? sql`select unnest(cast(${[...values]} as text[]))`
      : sql`select value from json_each(${JSON.stringify(values)})`
  return sql`${column} ${word} (${list})`
}

function timeComparison(filter: RunFilter, column: RawBuilder<unknown>): Sql {
  const { operator, value } = filter
  if (operator === 'present') return sql`${column} is not null`
  if (operator === 'missing') return sql`${column} is null`
  const isNumber = typeof value === 'bigint' || (typeof value === 'number' && Number.isFinite(value))
  if (!numeric.has(operator) || !isNumber) {
    throw unfit(filter, 'compare a time with milliseconds by =, !=, <, <=, > or >=, or ask for present or missing')
  }
  // A time is whole; PostgreSQL would take the number for one too, and refuse a fraction.
  const number =
    Number.isSafeInteger(value) || typeof value === 'bigint' ? sql`${value}` : sql`cast(${value} as numeric)`
  return sql`${column} ${sql.raw(operator === '!=' ? '<>' : operator)} ${number}`
}
