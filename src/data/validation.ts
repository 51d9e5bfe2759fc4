// What came of checking a table against a suite of expectations, and how it is told. Pure.
import { z } from 'zod'
import { DomainError } from '../platform/errors.ts'
import { percentText, Severity } from './expectation.ts'

/** A row with some of its columns. */
const SampleRow = z.record(z.string(), z.unknown())

export const ExpectationResult = z.object({
  /** Position in the suite. */
  index: z.int().nonnegative(),
  type: z.string(),
  /** The expectation in words. */
  text: z.string(),
  severity: Severity,
  success: z.boolean(),
  /** Rows that count, rows without a value, and rows that fail; of expectations about rows. */
  counts: z.object({ considered: z.int(), missing: z.int(), unexpected: z.int() }).optional(),
  /** What was measured; null when there was nothing to measure. */
  observed: z.union([z.number(), z.string(), z.null()]).optional(),
  /** Why it could not be checked at all, such as a column that is not there. */
  problem: z.string().optional(),
  /** At most {@link sampleRowsMax} rows that fail. */
  sample: z.array(SampleRow),
})
export type ExpectationResult = Readonly<z.infer<typeof ExpectationResult>>

export const ValidationResult = z.object({
  suite: z.string(),
  /** No critical expectation failed. */
  success: z.boolean(),
  /** Of the table that was checked, the quarantined rows among them. */
  rows: z.int(),
  quarantinedRows: z.int(),
  results: z.array(ExpectationResult),
})
export type ValidationResult = Readonly<z.infer<typeof ValidationResult>>

export const sampleRowsMax = 20
const sampleRowsShown = 3

/** @throws DomainError expectations_failed with the whole result in its detail, if a critical expectation failed. */
export function assertAccepted(validation: ValidationResult): void {
  if (validation.success) return
  const failed = validation.results.filter((result) => !result.success && result.severity === 'critical')
  const sentences = failed.slice(0, 3).map(resultText).join('; ')
  const more = failed.length > 3 ? `; and ${failed.length - 3} more` : ''
  const message = `${failed.length} critical expectation${failed.length === 1 ? '' : 's'} of suite "${validation.suite}" failed: ${sentences}${more}`
  throw new DomainError('invalid', 'expectations_failed', message, { validation })
}

/** One result in one sentence with its numbers. */
export function resultText(result: ExpectationResult): string {
  if (result.problem !== undefined) return `${result.text}: ${result.problem}`
  if (result.counts) {
    const { considered, unexpected } = result.counts
    if (unexpected === 0)
      return `${result.text}: holds for ${considered === 1 ? 'the one row' : `all ${count(considered)} rows`}`
    return `${result.text}: ${count(unexpected)} of ${rowCount(considered)} fail (${percentText(unexpected / considered)})`
  }
  if (result.observed === undefined) return result.text
  return `${result.text}: ${result.observed === null ? 'nothing to measure' : `it is ${typeof result.observed === 'number' ? count(result.observed) : result.observed}`}`
}

/** The whole result for a terminal or a log: a line for each expectation, then rows that fail. */
export function renderValidation(validation: ValidationResult): string {
  const passed = validation.results.filter((result) => result.success).length
  const lines = [
    `${validation.success ? 'passed' : 'FAILED'}: suite "${validation.suite}", ${passed} of ${validation.results.length} expectations hold, ${rowCount(validation.rows)}`,
  ]
  if (validation.quarantinedRows > 0) lines.push(`${rowCount(validation.quarantinedRows)} set aside`)
  for (const result of validation.results) {
    lines.push(`  ${result.success ? 'ok  ' : 'FAIL'} ${result.severity.padEnd(10)} ${resultText(result)}`)
    if (result.success) continue
    for (const row of result.sample.slice(0, sampleRowsShown)) lines.push(`         ${rowText(row)}`)
    if (result.sample.length > sampleRowsShown) lines.push('         …')
  }
  return `${lines.join('\n')}\n`
}

const rowText = (row: Record<string, unknown>): string =>
  Object.entries(row)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('  ')
    // Values come from anywhere: none may move the cursor of the terminal that shows them.
    .replaceAll(/\p{C}/gv, '·')
    .slice(0, 160)

const count = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 6 })

const rowCount = (rows: number): string => `${count(rows)} ${rows === 1 ? 'row' : 'rows'}`
