// Which parts of a version stay as they are when rows are added to it.
import type { Tables } from '../../platform/tables.ts'
import { quoteName } from '../../platform/tables-sql.ts'
import type { Manifest, Part } from '../manifest.ts'

export interface AppendPlan {
  /** The first parts: all their rows come before the new ones. */
  readonly kept: readonly Part[]
  /** The others: their rows are put in order with the new ones and cut again. */
  readonly mixed: readonly Part[]
}

/**
 * The last part never stays, for it ended where the rows did and not at a cut. With a time column a part stays when the
 * next one starts before the first new moment; with keys only, any part may be mixed with; without either, new rows go to the end.
 * @param table the new rows.
 */
export async function keepBefore(
  tables: Tables,
  { previous, table }: { previous: Manifest; table: string },
): Promise<AppendPlan> {
  const { parts, timeColumn, keyColumns } = previous
  const split = (at: number): AppendPlan => ({ kept: parts.slice(0, at), mixed: parts.slice(at) })
  if (timeColumn === undefined) return split(keyColumns.length > 0 ? 0 : Math.max(0, parts.length - 1))
  const time = quoteName(timeColumn)
  const [row] = await tables.rows(
    `SELECT epoch_us(min(${time}))::VARCHAR AS first, count(*) - count(${time}) AS nulls FROM ${quoteName(table)}`,
  )
  // Rows without a time come before all others.
  if (row!['nulls'] !== 0) return split(0)
  if (typeof row!['first'] !== 'string') return split(parts.length)
  const first = BigInt(row!['first'])
  // A part ends where the next one's first row says so, so it stays only if the new rows come after that row.
  return split(
    Math.max(
      0,
      parts.findLastIndex((part) => part.timeMinUs !== undefined && BigInt(part.timeMinUs) < first),
    ),
  )
}
