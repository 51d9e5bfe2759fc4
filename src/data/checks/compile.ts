// An expectation as SQL: what to count, which rows fail, and how to judge the counts. Pure.
import type { Cell } from '../../platform/tables.ts'
import { literal, quoteName, type LiteralValue } from '../../platform/tables-sql.ts'
import type { Expectation, RowExpectation, TableExpectation } from '../expectation.ts'
import type { Column, ColumnType } from '../manifest.ts'

export interface Judgement {
  readonly success: boolean
  readonly counts?: { considered: number; missing: number; unexpected: number }
  readonly observed?: number | string | null
}

/** `selects` are aggregates over the table; `judge` gets their values in that order, after the number of rows. */
export interface Check {
  readonly selects: readonly string[]
  judge(rows: number, values: readonly Cell[]): Judgement
  /** A condition on a row that is true for the rows that fail, and never null. */
  readonly failing?: string
  /** Columns to show first in a sample. */
  readonly columns: readonly string[]
  /** A rank that can only be asked for when the number of values is known; the select gives that number. */
  readonly quantile?: {
    readonly column: string
    readonly present: string
    readonly quantile: number
    accept(value: number | null): Judgement
  }
}

/** What can be checked, or why it cannot. */
export type Compiled = Check | { readonly problem: string }

export interface CompileInput {
  readonly columns: readonly Column[]
  readonly table: string
  /** For freshness. */
  readonly nowMs: number
}

export function compileExpectation(expectation: Expectation, input: CompileInput): Compiled {
  const missing = namedColumns(expectation).find((name) => !input.columns.some((column) => column.name === name))
  if (missing !== undefined && expectation.type !== 'column_exists') {
    return {
      problem: `the table has no column "${missing}": it has ${input.columns
        .slice(0, 30)
        .map(({ name }) => name)
        .join(', ')}`,
    }
  }
  return isRowExpectation(expectation) ? compileRow(expectation, input) : compileTable(expectation, input)
}

const isRowExpectation = (expectation: Expectation): expectation is RowExpectation => 'mostly' in expectation

export function namedColumns(expectation: Expectation): string[] {
  switch (expectation.type) {
    case 'unique':
      return [...expectation.columns]
    case 'pair':
      return [expectation.left, expectation.right]
    case 'row_count_between':
    case 'custom_sql':
      return []
    case 'not_null':
    case 'in_set':
    case 'between':
    case 'regex':
    case 'column_exists':
    case 'column_type':
    case 'distinct_count_between':
    case 'mean_between':
    case 'quantile_between':
    case 'freshness':
      return [expectation.column]
  }
}

/** The rows that count, and among them those that fail. */
interface Conditions {
  readonly considered: string
  readonly unexpected: string
  /** How many rows fail, where that is not a count of rows by a condition. */
  readonly unexpectedCount?: string
}

function compileRow(expectation: RowExpectation, input: CompileInput): Compiled {
  const conditions = rowConditions(expectation, input)
  if ('problem' in conditions) return conditions
  const { considered, unexpected, unexpectedCount } = conditions
  const failing = `((${considered}) AND (${unexpected}))`
  return {
    selects: [`count(*) FILTER (WHERE ${considered})`, unexpectedCount ?? `count(*) FILTER (WHERE ${failing})`],
    failing,
    columns: namedColumns(expectation),
    judge(rows, values) {
      const [counted, failed] = [Number(values[0]), Number(values[1])]
      // Nothing that counts, nothing that fails: vacuously true.
      const success = counted === 0 || (counted - failed) / counted >= expectation.mostly
      return { success, counts: { considered: counted, missing: rows - counted, unexpected: failed } }
    },
  }
}

function rowConditions(expectation: RowExpectation, input: CompileInput): Conditions | { problem: string } {
  const typeOf = (name: string): ColumnType => input.columns.find((column) => column.name === name)!.type
  const present = (name: string): string => presentSql(name, typeOf(name))
  switch (expectation.type) {
    case 'not_null':
      return { considered: 'true', unexpected: `NOT (${present(expectation.column)})` }
    case 'unique':
      return uniqueConditions(expectation.columns, input)
    case 'in_set': {
      const values = expectation.values.map((value) => literalOf(value, typeOf(expectation.column)))
      const misfit = expectation.values.find((_, index) => values[index] === undefined)
      if (misfit !== undefined) return misfitProblem(misfit, expectation.column, typeOf(expectation.column))
      const listed = values.length === 0 ? 'false' : `${quoteName(expectation.column)} IN (${values.join(', ')})`
      return { considered: present(expectation.column), unexpected: `NOT (${listed})` }
    }
    case 'between':
      return betweenConditions(expectation, { type: typeOf(expectation.column), present: present(expectation.column) })
    case 'regex': {
      if (typeOf(expectation.column) !== 'string')
        return {
          problem: `column "${expectation.column}" is ${typeOf(expectation.column)}, a pattern fits strings only`,
        }
      return {
        considered: present(expectation.column),
        unexpected: `NOT regexp_matches(${quoteName(expectation.column)}, ${literal(expectation.pattern)})`,
      }
    }
    case 'pair':
      return pairConditions(expectation, {
        left: present(expectation.left),
        right: present(expectation.right),
        sameKind: kindOf(typeOf(expectation.left)) === kindOf(typeOf(expectation.right)),
      })
  }
}

/** A value is there; NaN is none, as in the data frames that people come from. */
const presentSql = (name: string, type: ColumnType): string =>
  type === 'double'
    ? `(${quoteName(name)} IS NOT NULL AND NOT isnan(${quoteName(name)}))`
    : `${quoteName(name)} IS NOT NULL`

function uniqueConditions(columns: readonly string[], { table }: CompileInput): Conditions {
  const names = columns.map(quoteName)
  const considered = `(${names.map((name) => `${name} IS NOT NULL`).join(' OR ')})`
  const twice = `SELECT ${names.join(', ')} FROM ${quoteName(table)} WHERE ${considered} GROUP BY ALL HAVING count(*) > 1`
  const same = names.map((name) => `twice.${name} IS NOT DISTINCT FROM checked.${name}`).join(' AND ')
  return {
    considered,
    unexpected: `EXISTS (SELECT 1 FROM (${twice}) AS twice WHERE ${same})`,
    unexpectedCount: `(SELECT coalesce(sum(n), 0) FROM (SELECT count(*) AS n FROM ${quoteName(table)} WHERE ${considered} GROUP BY ${names.join(', ')} HAVING count(*) > 1))`,
  }
}

function betweenConditions(
  expectation: RowExpectation & { type: 'between' },
  { type, present }: { type: ColumnType; present: string },
): Conditions | { problem: string } {
  const { column, min, max, strictMin, strictMax } = expectation
  const tests: string[] = []
  for (const [value, operator] of [
    [min, strictMin ? '>' : '>='],
    [max, strictMax ? '<' : '<='],
  ] as const) {
    if (value === undefined) continue
    const text = literalOf(value, type)
    if (text === undefined || type === 'boolean') return misfitProblem(value, column, type)
    tests.push(`${quoteName(column)} ${operator} ${text}`)
  }
  return { considered: present, unexpected: tests.length === 0 ? 'false' : `NOT (${tests.join(' AND ')})` }
}

const operatorSql = {
  equal: '=',
  not_equal: '<>',
  greater: '>',
  greater_or_equal: '>=',
  less: '<',
  less_or_equal: '<=',
} as const

function pairConditions(
  expectation: RowExpectation & { type: 'pair' },
  sides: { left: string; right: string; sameKind: boolean },
): Conditions | { problem: string } {
  if (!sides.sameKind)
    return { problem: `columns "${expectation.left}" and "${expectation.right}" are of kinds that do not compare` }
  const considered = {
    both: `(${sides.left} OR ${sides.right})`,
    either: `(${sides.left} AND ${sides.right})`,
    none: 'true',
  }[expectation.ignoreMissing]
  const holds = `${quoteName(expectation.left)} ${operatorSql[expectation.operator]} ${quoteName(expectation.right)}`
  return { considered, unexpected: `NOT (${sides.left} AND ${sides.right} AND coalesce(${holds}, false))` }
}

function compileTable(expectation: TableExpectation, input: CompileInput): Compiled {
  const found = 'column' in expectation ? input.columns.find(({ name }) => name === expectation.column) : undefined
  const column = found ? quoteName(found.name) : ''
  const present = found ? presentSql(found.name, found.type) : ''
  const numeric = found?.type === 'integer' || found?.type === 'double'
  switch (expectation.type) {
    case 'column_exists':
      return still({ success: found !== undefined, observed: found ? found.type : 'absent' })
    case 'column_type':
      return still({ success: found!.type === expectation.columnType, observed: found!.type })
    case 'row_count_between':
      return { selects: [], columns: [], judge: (rows) => within(rows, expectation) }
    case 'distinct_count_between':
      return measured(found!.name, `count(DISTINCT ${column}) FILTER (WHERE ${present})`, (value) =>
        within(value, expectation),
      )
    case 'mean_between':
      if (!numeric) return { problem: `column "${found!.name}" is ${found!.type}, a mean needs numbers` }
      return measured(found!.name, `avg(${column}) FILTER (WHERE ${present})`, (value) => within(value, expectation))
    case 'quantile_between': {
      if (!numeric) return { problem: `column "${found!.name}" is ${found!.type}, a quantile needs numbers` }
      const accept = (value: number | null): Judgement => within(value, expectation)
      return {
        ...measured(found!.name, `count(*) FILTER (WHERE ${present})`, accept),
        quantile: { column: found!.name, present, quantile: expectation.quantile, accept },
      }
    }
    case 'freshness': {
      if (found!.type !== 'timestamp' && found!.type !== 'date')
        return { problem: `column "${found!.name}" is ${found!.type}, freshness needs a timestamp` }
      const judge = (value: number | null): Judgement => ({
        success: value !== null && input.nowMs - value <= expectation.maxAgeMs,
        observed: value === null ? null : new Date(value).toISOString(),
      })
      return measured(found!.name, `epoch_ms(max(${column})::TIMESTAMP)`, judge)
    }
    case 'custom_sql':
      throw new Error('custom SQL runs elsewhere')
  }
}

const still = (judgement: Judgement): Check => ({ selects: [], columns: [], judge: () => judgement })

const measured = (column: string, select: string, judge: (value: number | null) => Judgement): Check => ({
  selects: [select],
  columns: [column],
  judge: (_rows, values) => judge(numberOf(values[0])),
})

/** NaN and infinities come as text: they are no measurement. */
export const numberOf = (value: Cell | undefined): number | null => (typeof value === 'number' ? value : null)

function within(value: number | null, { min, max }: { min?: number | undefined; max?: number | undefined }): Judgement {
  const success = value !== null && (min === undefined || value >= min) && (max === undefined || value <= max)
  return { success, observed: value }
}

/** The value as a literal of the column's type; undefined when it is of another kind. */
function literalOf(value: string | number | boolean, type: ColumnType): string | undefined {
  if (kindOf(type) === 'number') return typeof value === 'number' ? literal(value) : undefined
  if (type === 'boolean') return typeof value === 'boolean' ? literal(value) : undefined
  if (typeof value !== 'string') return undefined
  if (type === 'string') return literal(value)
  const moment = new Date(
    /^\d{4}-\d\d-\d\d$/v.test(value) || /(?:[zZ]|[+\-]\d\d:?\d\d)$/v.test(value) ? value : `${value}Z`,
  )
  return Number.isNaN(moment.getTime()) ? undefined : literal(moment satisfies LiteralValue)
}

const kindOf = (type: ColumnType): string =>
  type === 'integer' || type === 'double' ? 'number' : type === 'timestamp' || type === 'date' ? 'time' : type

const misfitProblem = (value: string | number | boolean, column: string, type: ColumnType): { problem: string } => ({
  problem: `${JSON.stringify(value)} cannot be compared with column "${column}", which is ${type}`,
})
