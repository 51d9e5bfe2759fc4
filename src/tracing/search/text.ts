// Comparisons of texts, regular expressions included.
import { sql, type RawBuilder } from 'kysely'
import type { DatabaseKind } from '../../platform/database.ts'
import { patternOf } from '../../platform/pattern.ts'
import { compareText, textOperators, type TextOperator } from '../../platform/sql-comparisons.ts'
import { comparisonRefused, type TraceComparison } from './comparison.ts'

const isTextOperator = (operator: string): operator is TextOperator =>
  (textOperators as readonly string[]).includes(operator)

/** A column that is null matches nothing but `IS NULL`. @throws DomainError trace_filter, pattern_invalid */
export function textMatches(
  kind: DatabaseKind,
  column: RawBuilder<unknown>,
  comparison: TraceComparison,
): RawBuilder<boolean> {
  const { operator, value } = comparison
  if (operator === 'IS NULL') return sql`${column} is null`
  if (operator === 'IS NOT NULL') return sql`${column} is not null`
  if (value === null || typeof value === 'number' || typeof value === 'bigint') throw comparisonRefused(comparison)
  if (operator === 'RLIKE' && typeof value === 'string') {
    patternOf(value)
    return kind === 'postgres' ? sql`${column} ~ ${value}` : sql`${column} regexp ${value}`
  }
  if (!isTextOperator(operator)) throw comparisonRefused(comparison)
  return compareText(kind, column, { operator, value })
}
