// The only file that reads or writes the table dataset_split: rules of splits, and how each came out on a version.
import type { Selectable } from 'kysely'
import { z } from 'zod'
import { on, type Db, type Transaction } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import { DatasetVersion } from './dataset.ts'
import { Digest } from './manifest.ts'
import { Split } from './split.ts'

export interface SplitTables {
  dataset_split: {
    id: string
    dataset: string
    version: number
    digest: string
    split: string
    created_at_ms: number
    created_by: string
  }
}

const { dataset, version, createdAtMs, createdBy } = DatasetVersion.shape

export const StoredSplit = z.strictObject({
  id: z.string(),
  dataset,
  version,
  /** What it is known by (`splitDigest`). */
  digest: Digest,
  ...Split.shape,
  createdAtMs,
  createdBy,
})
export type StoredSplit = Readonly<z.infer<typeof StoredSplit>>

/** Newest first; `after` is the last id of the page before. */
export async function listSplits(
  db: Db<SplitTables>,
  filter: { dataset: string; version?: number | undefined; limit: number; after?: string | undefined },
): Promise<StoredSplit[]> {
  let query = on(db)
    .selectFrom('dataset_split')
    .selectAll()
    .where('dataset', '=', filter.dataset)
    .orderBy('id', 'desc')
    .limit(filter.limit)
  if (filter.version !== undefined) query = query.where('version', '=', filter.version)
  if (filter.after !== undefined) query = query.where('id', '<', filter.after)
  return (await query.execute()).map(splitOf)
}

/** @throws DomainError split_not_found */
export async function getSplit(db: Db<SplitTables>, id: string): Promise<StoredSplit> {
  const row = await on(db).selectFrom('dataset_split').selectAll().where('id', '=', id).executeTakeFirst()
  if (row) return splitOf(row)
  const message = `there is no split "${id}": "trueloop data splits <dataset>" lists those of a dataset`
  throw new DomainError('not_found', 'split_not_found', message)
}

/** The one that came out the same on a version. */
export async function findSplit(
  db: Db<SplitTables>,
  key: Pick<StoredSplit, 'dataset' | 'version' | 'digest'>,
): Promise<StoredSplit | undefined> {
  const row = await on(db)
    .selectFrom('dataset_split')
    .selectAll()
    .where('dataset', '=', key.dataset)
    .where('version', '=', key.version)
    .where('digest', '=', key.digest)
    .executeTakeFirst()
  return row && splitOf(row)
}

export async function insertSplit(
  trx: Transaction<SplitTables>,
  { id, dataset: name, version: number, digest, createdAtMs: atMs, createdBy: by, ...split }: StoredSplit,
): Promise<void> {
  const key = { id, dataset: name, version: number, digest }
  const row = { ...key, split: JSON.stringify(split), created_at_ms: atMs, created_by: by }
  await on(trx).insertInto('dataset_split').values(row).execute()
}

const splitOf = ({
  split,
  created_at_ms: atMs,
  created_by: by,
  ...row
}: Selectable<SplitTables['dataset_split']>): StoredSplit => ({
  ...row,
  ...Split.parse(JSON.parse(split)),
  createdAtMs: atMs,
  createdBy: by,
})
