// Ids as rows that a statement joins: any number of them is one parameter.
import { sql, type RawBuilder } from 'kysely'
import type { DatabaseKind } from '../../platform/database.ts'
import type { VersionId } from '../model-version.ts'

/** Named `id`; join it by `cross join`, which keeps it first. */
export function versionRows(kind: DatabaseKind, ids: readonly VersionId[]): RawBuilder<unknown> {
  const json = JSON.stringify(ids.map(({ model, version }) => [model, version]))
  return kind === 'postgres' ? sql`jsonb_array_elements(cast(${json} as jsonb)) id(value)` : sql`json_each(${json}) id`
}

/** Whether the row of `table` is the one that `id` names. */
export const isVersionRow = (table: string): RawBuilder<boolean> =>
  sql`${sql.ref(`${table}.model`)} = id.value ->> 0 and ${sql.ref(`${table}.version`)} = cast(id.value ->> 1 as integer)`
