// Filters on what was said about traces as SQL. What is said about a session holds for each of its traces.
import { sql, type RawBuilder } from 'kysely'
import type { DatabaseKind } from '../../platform/database.ts'
import { compareNumber, numberOperators, type NumberOperator } from '../../platform/sql-comparisons.ts'
import { comparisonRefused, type TraceComparison } from './comparison.ts'
import { textMatches } from './text.ts'

type Sql = RawBuilder<boolean>

export function assessmentMatches(comparison: TraceComparison, kind: DatabaseKind): Sql {
  const { operator } = comparison
  const isNull = operator === 'IS NULL' || operator === 'IS NOT NULL'
  const row = isNull ? rowOf(comparison) : sql<boolean>`${rowOf(comparison)} and ${valueMatches(comparison, kind)}`
  const said = sql<boolean>`(exists (select 1 from assessment a where a.trace_no = t.no and ${row})
    or t.session_id in (select o.session_id from assessment a join trace o on o.no = a.trace_no
      where a.is_of_session = 1 and o.session_id is not null and o.experiment_id = t.experiment_id and ${row}))`
  return operator === 'IS NULL' ? sql`(case when ${said} then 0 else 1 end) = 1` : said
}

/** Which assessment; the start of its name is what the index holds. */
export const rowOf = ({ entity, key }: TraceComparison): Sql =>
  sql`a.kind = ${entity} and substr(a.name, 1, 200) = substr(cast(${key} as text), 1, 200) and a.name = ${key} and a.is_valid = 1`

function valueMatches(comparison: TraceComparison, kind: DatabaseKind): Sql {
  const { operator, value } = comparison
  const compare = operator as NumberOperator
  if (typeof value === 'number' || typeof value === 'bigint') {
    if (!numberOperators.includes(compare)) throw comparisonRefused(comparison)
    return sql`(a.is_numeric = 1 and ${compareNumber(sql`a.aggregate_value`, { operator: compare, value })})`
  }
  if (operator !== '=' && operator !== '!=') return textMatches(kind, sql`a.value`, comparison)
  // A text, or the spelling of a number, a boolean or null.
  const spellings = [String(value), JSON.stringify(String(value))]
  return operator === '=' ? sql`a.value in (${sql.join(spellings)})` : sql`a.value not in (${sql.join(spellings)})`
}
