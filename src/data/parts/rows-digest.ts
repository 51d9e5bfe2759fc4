// One digest for many rows: the same for the same rows in any order, however often each occurs.
import { createHash } from 'node:crypto'
import type { Row } from '../../platform/tables.ts'
import type { Column } from '../manifest.ts'
import { lowHalfSql, rowTextSql, rowTextVersion } from './row-text.ts'

/** The md5 number of each row: select it under a name, and sum it up with {@link rowSumsSql}. */
export const rowNumberSql = (columns: readonly Column[]): string => `md5_number(${rowTextSql(columns)})`

/** Aggregates of row numbers: `n` rows, and the sums of both halves of their numbers. */
export const rowSumsSql = (number: string): string =>
  `count(*) AS n, sum(${lowHalfSql(number)})::VARCHAR AS low, sum((${number} >> 64)::UBIGINT)::VARCHAR AS high`

/** The sha256 of the schema and of what {@link rowSumsSql} gave; without a row, of no rows. */
export function rowsDigest(columns: readonly Column[], sums: Row = { n: 0, low: '0', high: '0' }): string {
  const schema = JSON.stringify([rowTextVersion, columns.map(({ name, type }) => [name, type])])
  return createHash('sha256')
    .update([schema, sums['n'], sums['low'], sums['high']].map(String).join('\n'))
    .digest('hex')
}
