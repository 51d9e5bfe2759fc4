// Reading the cells of a source's rows.
import type { SourceRow } from './source.ts'

type Cell = SourceRow[string] | undefined

export const orNull = (value: Cell): string | null => (value === null || value === undefined ? null : String(value))
export const numberOrNull = (value: Cell): number | null =>
  value === null || value === undefined ? null : Number(value)
/** SQLite has no booleans. */
export const isTrue = (value: Cell): boolean => value === true || value === 1
/** Unix milliseconds; 0 where an old release kept none. */
export const timeOf = (value: Cell): number => Number(value ?? 0)

/** Rows of `key` and `value`. */
export const textsOf = (rows: readonly SourceRow[]): Record<string, string> =>
  Object.fromEntries(rows.map(({ key, value }) => [String(key), String(value ?? '')]))
