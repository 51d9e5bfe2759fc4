// What somebody expects of a table: checkable statements, each with a severity. Pure.
import { z } from 'zod'
import { ColumnType } from './manifest.ts'

/**
 * `critical`: a failure stops the loop. `quarantine`: the rows that fail are set aside and the rest goes on. `warning`: it is told, no more.
 */
export const Severity = z.enum(['critical', 'quarantine', 'warning'])
export type Severity = z.infer<typeof Severity>

const column = z.string().min(1)
const value = z.union([z.string(), z.number(), z.boolean()])
/** A number, or ISO 8601 text for a moment or a day, or plain text for a string column. */
const bound = z.union([z.number(), z.string()])

const rowBound = {
  mostly: z.number().min(0).max(1).default(1),
  severity: Severity.default('critical'),
  name: z.string().optional(),
}
const tableBound = { severity: z.enum(['critical', 'warning']).default('critical'), name: z.string().optional() }
const between = { min: z.number().optional(), max: z.number().optional() }

/** Statements about single rows: `mostly` is the share of the rows with a value that must hold; the others can be quarantined. */
const RowExpectation = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('not_null'), column, ...rowBound }),
  /** Every row whose values occur twice fails, the first one too. Rows in which all are null do not count. */
  z.strictObject({ type: z.literal('unique'), columns: z.array(column).min(1).max(20), ...rowBound }),
  z.strictObject({ type: z.literal('in_set'), column, values: z.array(value).max(10_000), ...rowBound }),
  z.strictObject({
    type: z.literal('between'),
    column,
    min: bound.optional(),
    max: bound.optional(),
    strictMin: z.boolean().default(false),
    strictMax: z.boolean().default(false),
    ...rowBound,
  }),
  /** RE2 syntax; matches anywhere unless anchored. */
  z.strictObject({ type: z.literal('regex'), column, pattern: z.string().min(1).max(1000), ...rowBound }),
  z.strictObject({
    type: z.literal('pair'),
    left: column,
    operator: z.enum(['equal', 'not_equal', 'greater', 'greater_or_equal', 'less', 'less_or_equal']),
    right: column,
    /** Rows that do not count: with both values missing, with either, or none (then a missing value fails). */
    ignoreMissing: z.enum(['both', 'either', 'none']).default('both'),
    ...rowBound,
  }),
])
export type RowExpectation = z.infer<typeof RowExpectation>

/** Statements about the table as a whole. Bounds are inclusive. */
const TableExpectation = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('column_exists'), column, ...tableBound }),
  z.strictObject({ type: z.literal('column_type'), column, columnType: ColumnType, ...tableBound }),
  z.strictObject({ type: z.literal('row_count_between'), ...between, ...tableBound }),
  z.strictObject({ type: z.literal('distinct_count_between'), column, ...between, ...tableBound }),
  z.strictObject({ type: z.literal('mean_between'), column, ...between, ...tableBound }),
  /** The value at the nearest rank: half-way ranks go to the even one. */
  z.strictObject({
    type: z.literal('quantile_between'),
    column,
    quantile: z.number().min(0).max(1),
    ...between,
    ...tableBound,
  }),
  /** The newest moment of the column is at most this old. */
  z.strictObject({ type: z.literal('freshness'), column, maxAgeMs: z.number().positive(), ...tableBound }),
  /** A SELECT over the table `data` that gives the rows that should not be there; it sees nothing else. */
  z.strictObject({ type: z.literal('custom_sql'), sql: z.string().min(1).max(100_000), ...tableBound }),
])
export type TableExpectation = z.infer<typeof TableExpectation>

export const Expectation = z.union([RowExpectation, TableExpectation])
export type Expectation = z.infer<typeof Expectation>

export const ExpectationSuite = z.strictObject({
  name: z.string().min(1).max(128),
  expectations: z.array(Expectation).max(1000),
})
export type ExpectationSuite = z.infer<typeof ExpectationSuite>
export type ExpectationSuiteInput = z.input<typeof ExpectationSuite>

export const emptySuite: ExpectationSuite = { name: 'none', expectations: [] }

const operatorText = {
  equal: 'equals',
  not_equal: 'differs from',
  greater: '>',
  greater_or_equal: '>=',
  less: '<',
  less_or_equal: '<=',
} as const

/** The statement in words, such as `delay is between -180 and 1440`. */
export function expectationText(expectation: Expectation): string {
  const mostly =
    'mostly' in expectation && expectation.mostly < 1 ? ` in ${percentText(expectation.mostly)} of the rows` : ''
  return (expectation.name ?? statementText(expectation)) + mostly
}

function statementText(expectation: Expectation): string {
  switch (expectation.type) {
    case 'not_null':
      return `${expectation.column} is not null`
    case 'unique':
      return `${expectation.columns.join(', ')} is unique`
    case 'in_set':
      return `${expectation.column} is one of ${listText(expectation.values)}`
    case 'between':
      return `${expectation.column} ${rangeText(expectation)}`
    case 'regex':
      return `${expectation.column} matches ${expectation.pattern}`
    case 'pair':
      return `${expectation.left} ${operatorText[expectation.operator]} ${expectation.right}`
    case 'column_exists':
      return `there is a column ${expectation.column}`
    case 'column_type':
      return `${expectation.column} is ${expectation.columnType}`
    case 'row_count_between':
      return `the number of rows ${rangeText(expectation)}`
    case 'distinct_count_between':
      return `the number of distinct ${expectation.column} ${rangeText(expectation)}`
    case 'mean_between':
      return `the mean of ${expectation.column} ${rangeText(expectation)}`
    case 'quantile_between':
      return `the ${expectation.quantile} quantile of ${expectation.column} ${rangeText(expectation)}`
    case 'freshness':
      return `the newest ${expectation.column} is at most ${expectation.maxAgeMs / 3_600_000} hours old`
    case 'custom_sql':
      return `no row for: ${expectation.sql.replaceAll(/\s+/gv, ' ').slice(0, 80)}`
  }
}

function rangeText(range: {
  min?: number | string | undefined
  max?: number | string | undefined
  strictMin?: boolean
  strictMax?: boolean
}): string {
  const { min, max, strictMin = false, strictMax = false } = range
  if (min !== undefined && max !== undefined && !strictMin && !strictMax) return `is between ${min} and ${max}`
  const parts = [
    min === undefined ? '' : `${strictMin ? '>' : '>='} ${min}`,
    max === undefined ? '' : `${strictMax ? '<' : '<='} ${max}`,
  ]
  return `is ${parts.filter((part) => part !== '').join(' and ') || 'anything'}`
}

const listText = (values: readonly (string | number | boolean)[]): string =>
  values.slice(0, 8).map(String).join(', ') + (values.length > 8 ? `, … (${values.length})` : '')

/** A share as a percentage with the digits that matter: 0.000004 is `0.0004 %`. */
export function percentText(share: number): string {
  const percent = share * 100
  return `${percent === 0 || percent >= 0.1 ? Number(percent.toFixed(2)) : Number(percent.toPrecision(1))} %`
}
