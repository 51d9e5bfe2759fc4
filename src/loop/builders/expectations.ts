// Builders of expectations, as a loop file writes them: `expect.column('delay').between(-120, 2000).quarantine()`.
import type { ExpectationSuiteInput, RowExpectation } from '../../data/expectation.ts'
import type { ColumnType } from '../../data/manifest.ts'
import { durationMs, type Duration } from '../duration.ts'

export type ExpectationInput = ExpectationSuiteInput['expectations'][number]
type RowInput = Extract<ExpectationInput, { type: RowExpectation['type'] }>
type TableInput = Exclude<ExpectationInput, RowInput>

/** Plain data that can be made stricter or milder; critical unless said otherwise. */
export type TableStatement = TableInput & {
  /** A failure stops the loop. The default. */
  critical(): TableStatement
  /** A failure is told, no more. */
  warning(): TableStatement
  /** What reports call it. */
  named(name: string): TableStatement
}

/** As {@link TableStatement}, about single rows: those that fail can be set aside. */
export type RowStatement = RowInput & {
  /** A failure stops the loop. The default. */
  critical(): RowStatement
  /** The rows that fail are set aside and counted; the rest goes on. */
  quarantine(): RowStatement
  /** A failure is told, no more. */
  warning(): RowStatement
  /** What reports call it. */
  named(name: string): RowStatement
}

/** Methods stand beside the data, where neither JSON nor a schema sees them. */
function withMethods<Data extends object, Statement extends Data>(
  data: Data,
  severities: readonly string[],
): Statement {
  const next = (change: object) => () => withMethods<Data, Statement>({ ...data, ...change }, severities)
  const methods = Object.fromEntries(severities.map((severity) => [severity, { value: next({ severity }) }]))
  const named = { value: (name: string) => next({ name })() }
  return Object.defineProperties({ ...data }, { ...methods, named }) as Statement
}

const row = (data: RowInput): RowStatement => withMethods(data, ['critical', 'quarantine', 'warning'])
const table = (data: TableInput): TableStatement => withMethods(data, ['critical', 'warning'])

/** `mostly`: the share of the rows with a value that must hold, 0 to 1; 1 by default. */
export interface Mostly {
  readonly mostly?: number
}

export interface Range {
  readonly min?: number
  readonly max?: number
}

/** Statements about one column. */
const column = (name: string) => ({
  /** There is such a column. */
  exists: () => table({ type: 'column_exists', column: name }),
  /** It has this type. */
  ofType: (columnType: ColumnType) => table({ type: 'column_type', column: name, columnType }),
  /** It has a value, in at least the share `mostly` of the rows. */
  notNull: (options: Mostly = {}) => row({ type: 'not_null', column: name, ...options }),
  /** No value occurs twice. */
  unique: (options: Mostly = {}) => row({ type: 'unique', columns: [name], ...options }),
  /** Its values are among these. */
  oneOf: (values: readonly (string | number | boolean)[], options: Mostly = {}) =>
    row({ type: 'in_set', column: name, values: [...values], ...options }),
  /** Both bounds are allowed values: numbers, or text such as `2001-07-01` for a time. */
  between: (min: number | string, max: number | string, options: Mostly = {}) =>
    row({ type: 'between', column: name, min, max, ...options }),
  atLeast: (min: number | string, options: Mostly = {}) => row({ type: 'between', column: name, min, ...options }),
  atMost: (max: number | string, options: Mostly = {}) => row({ type: 'between', column: name, max, ...options }),
  /** Strictly before this moment or below this number. */
  before: (max: number | string, options: Mostly = {}) =>
    row({ type: 'between', column: name, max, strictMax: true, ...options }),
  /** Its text matches the pattern (RE2 syntax) anywhere; anchor it with ^ and $ for the whole. */
  matches: (pattern: string | RegExp, options: Mostly = {}) =>
    row({ type: 'regex', column: name, pattern: typeof pattern === 'string' ? pattern : pattern.source, ...options }),
  /** How many different values it has. */
  distinctCount: (range: Range) => table({ type: 'distinct_count_between', column: name, ...range }),
  mean: (range: Range) => table({ type: 'mean_between', column: name, ...range }),
  /** `share` 0.5 is the median. */
  quantile: (share: number, range: Range) =>
    table({ type: 'quantile_between', column: name, quantile: share, ...range }),
  /** Its newest moment is at most this old. */
  fresherThan: (age: Duration) => table({ type: 'freshness', column: name, maxAgeMs: durationMs(age) }),
})

type PairOperator = Extract<RowInput, { type: 'pair' }>['operator']

/** What must hold of the data before a model learns from it. */
export const expect = {
  column,
  /** No combination of values of these columns occurs twice. */
  uniqueTogether: (...columns: string[]) => row({ type: 'unique', columns }),
  /** One column compared with another in the same row: `expect.pair('departed', 'less_or_equal', 'landed')`. */
  // oxlint-disable-next-line max-params -- it reads as a sentence
  pair: (left: string, operator: PairOperator, right: string, options: Mostly = {}) =>
    row({ type: 'pair', left, operator, right, ...options }),
  /** How many rows there are. */
  rowCount: (range: Range) => table({ type: 'row_count_between', ...range }),
  /** A SELECT over the table `data` of rows that should not be there. */
  noRowsOf: (sql: string) => table({ type: 'custom_sql', sql }),
} as const
