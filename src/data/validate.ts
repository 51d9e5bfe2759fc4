// Checks a table against a suite: all counts in one pass over it, a second one only for what fails.
import { DomainError, messageOf } from '../platform/errors.ts'
import { openLockedTables, type Cell, type Row, type Tables } from '../platform/tables.ts'
import { quoteName } from '../platform/tables-sql.ts'
import { compileExpectation, numberOf, type Check, type Compiled, type Judgement } from './checks/compile.ts'
import { expectationText, type Expectation, type ExpectationSuite } from './expectation.ts'
import type { Column } from './manifest.ts'
import { sampleRowsMax, type ExpectationResult, type ValidationResult } from './validation.ts'

export interface ValidateInput {
  /** Table or view with exactly these columns. */
  readonly table: string
  readonly columns: readonly Column[]
  readonly suite: ExpectationSuite
  /** The time that freshness is measured from. */
  readonly nowMs: number
  /** Local Parquet files with the same rows, for SQL that a user wrote: it runs on a copy of them. Without a file the copy cannot be made. */
  readonly files: readonly string[]
}

const customSqlTimeoutMs = 60_000
const sampleColumnsMax = 30

/**
 * Severity decides `success` only: nothing is set aside here, see {@link failingCondition}.
 * @throws DomainError regex_invalid; a wrong column or type, or SQL that does not run, is a failed expectation with its `problem`.
 */
export async function validate(tables: Tables, input: ValidateInput): Promise<ValidationResult> {
  const { suite } = input
  const compiled = suite.expectations.map((expectation) =>
    expectation.type === 'custom_sql' ? undefined : compileExpectation(expectation, input),
  )
  const { rows, values } = await measure(tables, input.table, compiled)
  const results: ExpectationResult[] = []
  for (const [index, expectation] of suite.expectations.entries()) {
    const check = compiled[index]
    const told = { index, type: expectation.type, text: expectationText(expectation), severity: expectation.severity }
    if (!check) results.push({ ...told, ...(await runCustomSql(tables, input, (expectation as { sql: string }).sql)) })
    else if ('problem' in check) results.push({ ...told, success: false, problem: check.problem, sample: [] })
    else {
      const judgement = check.quantile
        ? await judgeQuantile(tables, input.table, { check, present: values[index]![0]! })
        : check.judge(rows, values[index]!)
      results.push({ ...told, ...judgement, sample: await sampleOf(tables, input, { check, judgement }) })
    }
  }
  const success = results.every((result) => result.success || result.severity !== 'critical')
  return { suite: suite.name, success, rows, quarantinedRows: 0, results }
}

/**
 * A condition that holds for the rows of `table` (aliased `checked`) that fail any of the expectations; undefined when none of them is
 * about rows. Use it to set rows aside.
 */
export function failingCondition(
  expectations: readonly Expectation[],
  input: Omit<ValidateInput, 'suite' | 'files'>,
): string | undefined {
  const conditions = expectations.flatMap((expectation) => {
    const check = expectation.type === 'custom_sql' ? undefined : compileExpectation(expectation, input)
    return check && 'failing' in check && check.failing !== undefined ? [check.failing] : []
  })
  return conditions.length === 0 ? undefined : conditions.join(' OR ')
}

/** One SELECT for all. */
async function measure(
  tables: Tables,
  table: string,
  compiled: readonly (Compiled | undefined)[],
): Promise<{ rows: number; values: Cell[][] }> {
  const selects = compiled.flatMap((check, index) =>
    check && 'selects' in check ? check.selects.map((select, part) => `${select} AS "e${index}_${part}"`) : [],
  )
  const sql = `SELECT ${['count(*) AS n', ...selects].join(', ')} FROM ${quoteName(table)} AS checked`
  const [row] = await tables.rows(sql).catch((error: unknown) => Promise.reject(patternError(error)))
  const values = compiled.map((check, index) =>
    check && 'selects' in check ? check.selects.map((_, part) => row![`e${index}_${part}`]!) : [],
  )
  return { rows: Number(row!['n']), values }
}

function patternError(error: unknown): unknown {
  const text = messageOf(error).split('\n')[0]!
  if (error instanceof DomainError || !/regex|invalid (?:perl operator|escape|character class)|missing/iv.test(text))
    return error
  return new DomainError('invalid', 'regex_invalid', `a pattern of the suite is no regular expression of RE2: ${text}`)
}

/** The value at the nearest rank, half to even: asked for by a share that falls in the middle of that rank. */
async function judgeQuantile(
  tables: Tables,
  table: string,
  { check, present }: { check: Check; present: Cell },
): Promise<Judgement> {
  const asked = check.quantile!
  const { column, present: condition, quantile } = asked
  const count = Number(present)
  if (count === 0) return asked.accept(null)
  const share = (roundHalfEven(quantile * (count - 1)) + 0.5) / count
  const [row] = await tables.rows(
    `SELECT quantile_disc(${quoteName(column)}, ${share.toFixed(17)}) FILTER (WHERE ${condition}) AS q FROM ${quoteName(table)}`,
  )
  return asked.accept(numberOf(row!['q']))
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value)
  if (value - floor !== 0.5) return Math.round(value)
  return floor % 2 === 0 ? floor : floor + 1
}

async function sampleOf(
  tables: Tables,
  input: ValidateInput,
  { check, judgement }: { check: Check; judgement: Judgement },
): Promise<Row[]> {
  if (judgement.success || check.failing === undefined) return []
  const rest = input.columns.map(({ name }) => name).filter((name) => !check.columns.includes(name))
  const list = [...check.columns, ...rest].slice(0, sampleColumnsMax).map(quoteName).join(', ')
  return tables.rows(
    `SELECT ${list} FROM ${quoteName(input.table)} AS checked WHERE ${check.failing} LIMIT ${sampleRowsMax}`,
  )
}

type CustomResult = Pick<ExpectationResult, 'success' | 'sample' | 'problem' | 'observed'>

async function runCustomSql(tables: Tables, { files }: ValidateInput, sql: string): Promise<CustomResult> {
  if (files.length === 0) return { success: true, observed: 0, sample: [] }
  try {
    await using locked = await openLockedTables(files, {
      ...tables.options,
      timeLimitMs: customSqlTimeoutMs,
      rowsMax: sampleRowsMax,
    })
    const { count, sample } = await locked.count(sql, sampleRowsMax)
    return { success: count === 0, observed: count, sample }
  } catch (error) {
    if (!(error instanceof DomainError) || !error.code.startsWith('sql_')) throw error
    return { success: false, problem: error.message, sample: [] }
  }
}
