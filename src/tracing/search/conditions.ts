// Filters of a trace search as SQL. Traces are `t`; spans of one conjunction are one span.
import { sql, type RawBuilder } from 'kysely'
import type { DatabaseKind } from '../../platform/database.ts'
import { compareNumber, numberOperators, type NumberOperator } from '../../platform/sql-comparisons.ts'
import { costKeys, tokenKeys } from '../derive/usage.ts'
import { metadataKeys, tagKeys } from '../keys.ts'
import { parsedOrText, pythonJson } from '../python-json.ts'
import { comparisonRefused, type TraceComparison, type TraceFilter } from './comparison.ts'
import { spanExists } from './spans.ts'
import { assessmentMatches } from './assessments.ts'
import { textMatches } from './text.ts'

type Sql = RawBuilder<boolean>

/** A sign keeps SQLite from another index than the one that gives the order; PostgreSQL counts its rows and knows. */
export const column = (kind: DatabaseKind, name: string): RawBuilder<unknown> =>
  kind === 'postgres' ? sql.ref(`t.${name}`) : sql`+${sql.ref(`t.${name}`)}`

/** @throws DomainError trace_filter, pattern_invalid */
export function conditionOf(filter: TraceFilter, kind: DatabaseKind): Sql {
  if ('not' in filter) return sql`(case when ${conditionOf(filter.not, kind)} then 0 else 1 end) = 1`
  if ('any' in filter)
    return joined(
      filter.any.map((each) => conditionOf(each, kind)),
      'or',
    )
  if (!('all' in filter)) return comparisonOf(filter, kind)
  const parts = conjuncts(filter)
  const spans = parts.filter((part): part is TraceComparison => 'entity' in part && part.entity === 'span')
  const others = parts.filter((part) => !(spans as readonly TraceFilter[]).includes(part))
  const conditions = others.map((part) => conditionOf(part, kind))
  return joined(spans.length > 0 ? [...conditions, spanExists(kind, spans)] : conditions, 'and')
}

/** What must hold at once, through nested conjunctions. */
export function conjuncts(filter: TraceFilter): TraceFilter[] {
  return 'all' in filter ? filter.all.flatMap((part) => conjuncts(part)) : [filter]
}

function joined(parts: readonly Sql[], by: 'and' | 'or'): Sql {
  if (parts.length === 0) return by === 'and' ? sql`1 = 1` : sql`1 = 0`
  return sql`(${sql.join(parts, by === 'and' ? sql` and ` : sql` or `)})`
}

function comparisonOf(comparison: TraceComparison, kind: DatabaseKind): Sql {
  switch (comparison.entity) {
    case 'attribute':
      return attributeMatches(comparison, kind)
    case 'tag':
      return tagMatches(comparison, kind)
    case 'metadata':
      return metadataMatches(comparison, kind)
    case 'span':
      return spanExists(kind, [comparison])
    case 'feedback':
    case 'expectation':
      return assessmentMatches(comparison, kind)
    case 'issue':
      return sql`exists (select 1 from assessment a where a.trace_no = t.no and a.kind = 'issue' and a.name = ${comparison.value})`
  }
}

export const isNumberOperator = (operator: string): operator is NumberOperator =>
  (numberOperators as readonly string[]).includes(operator)

function attributeMatches(comparison: TraceComparison, kind: DatabaseKind): Sql {
  const { key, operator, value } = comparison
  const isTime = key === 'timestamp_ms' || key === 'execution_time_ms' || key === 'end_time_ms'
  if (isTime) {
    if (!isNumberOperator(operator) || (typeof value !== 'number' && typeof value !== 'bigint')) {
      throw comparisonRefused(comparison)
    }
    return compareNumber(timeOf(key, kind), { operator, value })
  }
  const columns = { request_id: 'id', status: 'state', client_request_id: 'client_request_id' }
  if (!Object.hasOwn(columns, key)) throw comparisonRefused(comparison)
  return textMatches(kind, column(kind, columns[key as keyof typeof columns]), comparison)
}

/** The time itself may use the index that the order walks. */
function timeOf(key: 'timestamp_ms' | 'execution_time_ms' | 'end_time_ms', kind: DatabaseKind): RawBuilder<unknown> {
  if (key === 'timestamp_ms') return sql.ref('t.started_at_ms')
  if (key === 'execution_time_ms') return column(kind, 'duration_ms')
  return sql`(${column(kind, 'started_at_ms')} + coalesce(t.duration_ms, 0))`
}

function tagMatches(comparison: TraceComparison, kind: DatabaseKind): Sql {
  const { key, operator, value } = comparison
  if (key === tagKeys.name) return textMatches(kind, column(kind, 'name'), comparison)
  if (key === tagKeys.linkedPrompts) {
    if (operator !== '=') throw comparisonRefused(comparison)
    return linked('prompt', value)
  }
  if (key === tagKeys.artifactLocation) {
    const location = sql`(select e.artifact_location || '/traces/' || t.id || '/artifacts' from experiment e where e.id = t.experiment_id)`
    return textMatches(kind, location, comparison)
  }
  return pairMatches('trace_tag', comparison, kind)
}

const linked = (kind: 'prompt' | 'run', target: unknown): Sql =>
  sql`exists (select 1 from trace_link l where l.trace_no = t.no and l.kind = ${kind} and l.target = ${target})`

function metadataMatches(comparison: TraceComparison, kind: DatabaseKind): Sql {
  const { key, operator, value } = comparison
  if (key === metadataKeys.session) return textMatches(kind, column(kind, 'session_id'), comparison)
  if (key === metadataKeys.tokens) return countsMatch(comparison, tokenKeys, 'as they are')
  if (key === metadataKeys.cost) return countsMatch(comparison, costKeys, 'floats')
  if (key === metadataKeys.sourceRun && operator === '=') {
    return sql`(${linked('run', value)} or ${pairMatches('trace_metadata', comparison, kind)})`
  }
  return pairMatches('trace_metadata', comparison, kind)
}

/** A trace without the key matches nothing but `IS NULL`. */
function pairMatches(table: 'trace_tag' | 'trace_metadata', comparison: TraceComparison, kind: DatabaseKind): Sql {
  const row = sql`select 1 from ${sql.table(table)} p where p.trace_no = t.no and p.key = ${comparison.key}`
  if (comparison.operator === 'IS NULL') return sql`not exists (${row})`
  if (comparison.operator === 'IS NOT NULL') return sql`exists (${row})`
  return sql`exists (${row} and ${textMatches(kind, sql`p.value`, comparison)})`
}

/** Tokens and cost are columns; as metadata they are one JSON text, which is the only one that equals them. */
function countsMatch(comparison: TraceComparison, keys: readonly string[], numbers: 'as they are' | 'floats'): Sql {
  const { operator, value } = comparison
  const isThere = joined(
    keys.map((key) => sql`${sql.ref(`t.${key}`)} is not null`),
    'or',
  )
  if (operator === 'IS NOT NULL') return isThere
  if (operator === 'IS NULL') return sql`not ${isThere}`
  if (operator !== '=' && operator !== '!=') throw comparisonRefused(comparison)
  const told = parsedOrText(String(value))
  const isMap = typeof told === 'object' && told !== null
  const known = isMap ? keys.filter((key) => typeof (told as Record<string, unknown>)[key] === 'number') : []
  const values = Object.fromEntries(known.map((key) => [key, (told as Record<string, number>)[key]!]))
  const isSpeltAlike = known.length > 0 && pythonJson(values, numbers) === value
  const equals = isSpeltAlike
    ? joined(
        keys.map((key) =>
          Object.hasOwn(values, key)
            ? sql`coalesce(${sql.ref(`t.${key}`)} = ${values[key]}, 1 = 0)`
            : sql`${sql.ref(`t.${key}`)} is null`,
        ),
        'and',
      )
    : sql<boolean>`1 = 0`
  return operator === '=' ? equals : sql`(${isThere} and not ${equals})`
}
