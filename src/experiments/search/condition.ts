// A filter of a run search, checked and turned into SQL that both databases answer alike.
import { sql, type RawBuilder } from 'kysely'
import type { DatabaseKind } from '../../platform/database.ts'
import { DomainError } from '../../platform/errors.ts'
import { parseField, type RunFilter } from './filter.ts'

type Condition = RawBuilder<boolean>

const comparisons: Readonly<Record<string, RawBuilder<unknown> | undefined>> = {
  '=': sql`=`,
  '!=': sql`<>`,
  '<': sql`<`,
  '<=': sql`<=`,
  '>': sql`>`,
  '>=': sql`>=`,
}

/** @throws DomainError run_filter for an operator or value that the field does not take. */
export function conditionOf(filter: RunFilter, kind: DatabaseKind): Condition {
  const field = parseField(filter.field)
  switch (field.kind) {
    case 'metric':
      return metricCondition(filter, field.key)
    case 'param':
      return keyedCondition(filter, { table: 'run_param', key: field.key, kind })
    case 'tag':
      return keyedCondition(filter, { table: 'run_tag', key: field.key, kind })
    case 'input':
      return sql`exists (select 1 from run_dataset i inner join logged_dataset f on f.id = i.dataset_id where i.run_id = run.id and ${textCondition(filter, sql`f.dataset_version`, kind)})`
    case 'time':
      return timeCondition(filter, sql.ref(`run.${field.column}`))
    case 'text':
      return textCondition(filter, sql.ref(`run.${field.column}`), kind)
  }
}

const unfit = ({ field, operator }: RunFilter, takes: string): DomainError =>
  new DomainError('invalid', 'run_filter', `"${field}" does not take "${operator}" with that value: ${takes}`)

function metricCondition(filter: RunFilter, key: string): Condition {
  const row = sql`select 1 from run_metric f where f.run_id = run.id and f.key = ${key}`
  if (filter.operator === 'present') return sql`exists (${row})`
  if (filter.operator === 'missing') return sql`not exists (${row})`
  const value = Number(filter.value)
  const isNumber = typeof filter.value === 'number' || Number.isNaN(value) === (filter.value === 'NaN')
  const compare = comparisons[filter.operator]
  if (!compare || !isNumber || Array.isArray(filter.value)) {
    throw unfit(filter, 'compare a metric with a number by =, !=, <, <=, > or >=, or ask for present or missing')
  }
  if (Number.isNaN(value)) {
    if (filter.operator !== '=' && filter.operator !== '!=') throw unfit(filter, 'NaN is only = or !=')
    return sql`exists (${row} and f.latest_is_nan ${compare} 1)`
  }
  // The signs keep SQLite from walking the index of values once for every run: the key of the run finds one row.
  const matches = sql`+f.latest_is_nan = 0 and +f.latest ${compare} ${value}`
  return filter.operator === '!='
    ? sql`exists (${row} and (f.latest_is_nan = 1 or ${matches}))`
    : sql`exists (${row} and ${matches})`
}

/** A run without the key matches nothing but `missing`. */
function keyedCondition(
  filter: RunFilter,
  { table, key, kind }: { table: 'run_param' | 'run_tag'; key: string; kind: DatabaseKind },
): Condition {
  const row = sql`select 1 from ${sql.table(table)} f where f.run_id = run.id and f.key = ${key}`
  if (filter.operator === 'present') return sql`exists (${row})`
  if (filter.operator === 'missing') return sql`not exists (${row})`
  return sql`exists (${row} and ${textCondition(filter, sql`f.value`, kind)})`
}

function textCondition(filter: RunFilter, column: RawBuilder<unknown>, kind: DatabaseKind): Condition {
  const { operator, value } = filter
  if (operator === 'in' && Array.isArray(value)) return sql`${column} in (${sql.join(value)})`
  if (typeof value === 'string') {
    if (operator === '=' || operator === '!=') return sql`${column} ${comparisons[operator]} ${value}`
    if (operator === 'like') return likeCondition(column, value, kind)
    // Only ASCII letters are folded on SQLite; its LIKE has no escape unless one is named, and PostgreSQL's has.
    const noEscape = kind === 'postgres' ? sql`escape ''` : sql``
    if (operator === 'ilike') return sql`lower(${column}) like lower(${value}) ${noEscape}`
  }
  throw unfit(filter, 'compare text by =, !=, like, ilike, or in with a list')
}

/** SQLite's LIKE ignores case and its GLOB does not, so the pattern is written as one. */
function likeCondition(column: RawBuilder<unknown>, pattern: string, kind: DatabaseKind): Condition {
  if (kind === 'postgres') return sql`${column} like ${pattern} escape ''`
  const glob = pattern.replaceAll(/[*?\[%_]/gv, (found) => ({ '%': '*', _: '?' })[found] ?? `[${found}]`)
  return sql`${column} glob ${glob}`
}

function timeCondition(filter: RunFilter, column: RawBuilder<unknown>): Condition {
  if (filter.operator === 'present') return sql`${column} is not null`
  if (filter.operator === 'missing') return sql`${column} is null`
  const compare = comparisons[filter.operator]
  if (compare && typeof filter.value === 'number' && Number.isSafeInteger(filter.value)) {
    return sql`${column} ${compare} ${filter.value}`
  }
  throw unfit(filter, 'compare a time with milliseconds by =, !=, <, <=, > or >=, or ask for present or missing')
}
