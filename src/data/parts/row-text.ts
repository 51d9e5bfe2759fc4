// A row as text: the same for the same logical row in any file, any order of parts and any release; different rows, different text. Pure.
import { quoteName } from '../../platform/tables-sql.ts'
import type { Column } from '../manifest.ts'

/** Raise it when the text of a row changes: every digest changes with it. */
export const rowTextVersion = 1

/**
 * A SQL expression. Numbers never hold `|` or `~`, and a string carries its length, so no two rows have one text.
 * Moments count microseconds and days; a double is its shortest text that reads back the same.
 */
export const rowTextSql = (columns: readonly Column[]): string => `concat(${columns.map(cellTextSql).join(`, '|', `)})`

function cellTextSql({ name, type }: Column): string {
  const column = quoteName(name)
  switch (type) {
    case 'string':
      return `coalesce(strlen(${column}) || ':' || ${column}, '~')`
    case 'timestamp':
      return `coalesce(epoch_us(${column})::VARCHAR, '~')`
    case 'date':
      return `coalesce((${column} - DATE '1970-01-01')::VARCHAR, '~')`
    case 'boolean':
      return `coalesce(${column}::INTEGER::VARCHAR, '~')`
    case 'integer':
    case 'double':
      return `coalesce(${column}::VARCHAR, '~')`
  }
}

/** The lower 64 bits of an md5 number. DuckDB's own md5_number_lower is several times slower than this, and so is `%` on the whole number. */
export const lowHalfSql = (sql: string): string => `(${sql} & 18446744073709551615)::UBIGINT`
