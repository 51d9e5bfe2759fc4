// Comparisons of a column with a value, as SQL that both databases answer alike.
import { sql, type RawBuilder } from 'kysely'
import type { DatabaseKind } from './database.ts'

export const numberOperators = ['=', '!=', '<', '<=', '>', '>='] as const
export type NumberOperator = (typeof numberOperators)[number]
export const textOperators = ['=', '!=', 'LIKE', 'ILIKE', 'IN', 'NOT IN'] as const
export type TextOperator = (typeof textOperators)[number]

const operators: Readonly<Record<NumberOperator, RawBuilder<unknown>>> = {
  '=': sql`=`,
  '!=': sql`<>`,
  '<': sql`<`,
  '<=': sql`<=`,
  '>': sql`>`,
  '>=': sql`>=`,
}

export const compareNumber = (
  column: RawBuilder<unknown>,
  { operator, value }: { operator: NumberOperator; value: number | bigint },
): RawBuilder<boolean> => sql`${column} ${operators[operator]} ${value}`

/** `LIKE` heeds case, `ILIKE` folds ASCII letters at least; neither has an escape character. A list is for `IN` and `NOT IN`. */
export function compareText(
  kind: DatabaseKind,
  column: RawBuilder<unknown>,
  { operator, value }: { operator: TextOperator; value: string | readonly string[] },
): RawBuilder<boolean> {
  const values = typeof value === 'string' ? [value] : value
  const [first = ''] = values
  switch (operator) {
    case '=':
    case '!=':
      return sql`${column} ${operators[operator]} ${first}`
    case 'LIKE':
      // SQLite's LIKE ignores case and its GLOB does not, so the pattern is written as one.
      return kind === 'postgres' ? sql`${column} like ${first} escape ''` : sql`${column} glob ${globOf(first)}`
    case 'ILIKE':
      // SQLite's LIKE folds ASCII letters by itself.
      return kind === 'postgres' ? sql`lower(${column}) like lower(${first}) escape ''` : sql`${column} like ${first}`
    case 'IN':
      return values.length === 0 ? sql`1 = 0` : sql`${column} in (${sql.join([...values])})`
    case 'NOT IN':
      return values.length === 0 ? sql`${column} is not null` : sql`${column} not in (${sql.join([...values])})`
  }
}

const globOf = (pattern: string): string =>
  pattern.replaceAll(/[*?\[%_]/gv, (found) => ({ '%': '*', _: '?' })[found] ?? `[${found}]`)
