// Some rows of a version as a manifest of their own, sharing the parts that lie wholly inside.
import type { BlobStore } from '../platform/blobs.ts'
import type { Tables } from '../platform/tables.ts'
import { quoteName } from '../platform/tables-sql.ts'
import type { Manifest } from './manifest.ts'
import { writeParts } from './parts/write-parts.ts'
import { openVersion, type TimeRange } from './select.ts'

export interface SubsetInput {
  readonly manifest: Manifest
  readonly time?: TimeRange
  /** A condition made by this stage, such as a split's. */
  readonly condition?: string
}

/** Deterministic; the rows keep their order. @throws DomainError time_column_missing */
export async function subset(
  deps: { tables: Tables; blobs: BlobStore; scratchDirectory: string },
  { manifest, time, condition }: SubsetInput,
): Promise<Manifest> {
  const { columns, timeColumn, keyColumns } = manifest
  const view = { manifest, view: 'subset_source', ...(time ? { time } : {}) }
  await openVersion(deps, view)
  const list = columns.map(({ name }) => quoteName(name)).join(', ')
  const where = condition === undefined ? '' : ` WHERE ${condition}`
  await deps.tables.run(`CREATE OR REPLACE TEMP TABLE subset_rows AS SELECT ${list} FROM subset_source${where}`)
  const input = { table: 'subset_rows', columns, timeColumn, keyColumns, known: manifest.parts }
  const { parts } = await writeParts({ ...deps, progress: () => undefined }, input)
  await deps.tables.run('DROP TABLE subset_rows')
  return { ...manifest, parts, rows: parts.reduce((sum, part) => sum + part.rows, 0) }
}
