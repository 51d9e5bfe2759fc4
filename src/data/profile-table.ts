// Makes the profile of a table: exactly, from the counts of each column's values, or from sketches where nearly every row has another value.
import type { Tables } from '../platform/tables.ts'
import { quoteName } from '../platform/tables-sql.ts'
import type { Column } from './manifest.ts'
import type { ColumnProfile, Profile } from './profile.ts'
import { profileCategories, profileCounted } from './profiling/counted-column.ts'
import { profileSketched } from './profiling/sketched-columns.ts'
import { nearlyUnique } from './value-counts.ts'

/** Up to so many distinct numbers or moments are counted one by one: some 16 MB, and half a second beside three million rows. */
const distinctMax = 1_000_000
/** @param table a table or view with exactly these columns. */
export async function profileTable(
  tables: Tables,
  { table, columns }: { table: string; columns: readonly Column[] },
): Promise<Profile> {
  const [counted] = await tables.rows(`SELECT count(*) AS n FROM ${quoteName(table)}`)
  const rows = Number(counted!['n'])
  const numbers = columns.filter((column) => !isCategory(column))
  const countless =
    rows > distinctMax ? await nearlyUnique(tables, { view: table, columns: numbers }) : new Set<Column>()
  const profiles = new Map<Column, ColumnProfile>()
  for (const column of columns) {
    if (countless.has(column)) continue
    const profile = isCategory(column)
      ? await profileCategories(tables, { table, column })
      : await profileCounted(tables, { table, column, distinctMax })
    if (profile) profiles.set(column, profile)
  }
  const rest = columns.filter((column) => !profiles.has(column))
  for (const [index, profile] of (await profileSketched(tables, { table, columns: rest, rows })).entries())
    profiles.set(rest[index]!, profile)
  return { rows, columns: columns.map((column) => profiles.get(column)!) }
}

const isCategory = ({ type }: Column): boolean => type === 'string' || type === 'boolean'
