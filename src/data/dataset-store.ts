// The only file that reads or writes the tables dataset and dataset_version.
import type { Selectable } from 'kysely'
import { on, type Db, type Transaction } from '../platform/database.ts'
import type { DomainError } from '../platform/errors.ts'
import { datasetNotFound, versionNotFound, type Dataset, type DatasetVersion, type VersionRef } from './dataset.ts'
import type { Column } from './manifest.ts'
import { Profile } from './profile.ts'

export interface DatasetTables {
  dataset: { name: string; created_at_ms: number; latest: number }
  dataset_version: {
    dataset: string
    version: number
    digest: string
    manifest_blob: string
    row_count: number
    bytes: number
    parts: number
    columns: string
    time_column: string | null
    key_columns: string
    quarantine_blob: string | null
    quarantined_rows: number
    profile: string
    created_at_ms: number
    created_by: string
  }
}

/** All but the profile, which may be large. */
const versionColumns = [
  'dataset',
  'version',
  'digest',
  'manifest_blob',
  'row_count',
  'bytes',
  'parts',
  'columns',
  'time_column',
  'key_columns',
  'quarantine_blob',
  'quarantined_rows',
  'created_at_ms',
  'created_by',
] as const

/** That a message looks through for what was meant. */
const namesTold = 1000

/** By name. */
export async function listDatasets(
  db: Db<DatasetTables>,
  { limit, after }: { limit: number; after?: string | undefined },
): Promise<Dataset[]> {
  let query = on(db).selectFrom('dataset').selectAll().orderBy('name').limit(limit)
  if (after !== undefined) query = query.where('name', '>', after)
  return (await query.execute()).map(datasetOf)
}

export async function findDataset(db: Db<DatasetTables>, name: string): Promise<Dataset | undefined> {
  const row = await on(db).selectFrom('dataset').selectAll().where('name', '=', name).executeTakeFirst()
  return row && datasetOf(row)
}

/** @throws DomainError dataset_not_found */
export async function getDataset(db: Db<DatasetTables>, name: string): Promise<Dataset> {
  const found = await findDataset(db, name)
  if (found) return found
  const known = await listDatasets(db, { limit: namesTold })
  throw datasetNotFound(
    name,
    known.map((dataset) => dataset.name),
  )
}

/** Newest first; `before` is the last version number of the page before. */
export async function listVersions(
  db: Db<DatasetTables>,
  { dataset, limit, before }: { dataset: string; limit: number; before?: number | undefined },
): Promise<DatasetVersion[]> {
  let query = on(db)
    .selectFrom('dataset_version')
    .select(versionColumns)
    .where('dataset', '=', dataset)
    .orderBy('version', 'desc')
    .limit(limit)
  if (before !== undefined) query = query.where('version', '<', before)
  return (await query.execute()).map(versionOf)
}

/** Of several versions with one digest the newest. @throws DomainError dataset_not_found, dataset_version_not_found */
export async function getVersion(
  db: Db<DatasetTables>,
  { dataset, ref }: { dataset: string; ref: VersionRef },
): Promise<DatasetVersion> {
  let query = on(db)
    .selectFrom('dataset_version')
    .select(versionColumns)
    .where('dataset', '=', dataset)
    .orderBy('version', 'desc')
    .limit(1)
  if (ref !== 'latest') {
    if ('version' in ref) query = query.where('version', '=', ref.version)
    else if ('digest' in ref) query = query.where('digest', '=', ref.digest)
    else query = query.where('created_at_ms', '<=', ref.asOfMs)
  }
  const row = await query.executeTakeFirst()
  if (!row) throw await missingVersion(db, dataset, ref)
  return versionOf(row)
}

async function missingVersion(db: Db<DatasetTables>, name: string, ref: VersionRef): Promise<DomainError> {
  const { latest, createdAtMs: sinceMs } = await getDataset(db, name)
  return versionNotFound(name, ref, { latest, sinceMs })
}

/** @throws DomainError dataset_not_found, dataset_version_not_found */
export async function getProfile(
  db: Db<DatasetTables>,
  { dataset, version }: { dataset: string; version: number },
): Promise<Profile> {
  const row = await on(db)
    .selectFrom('dataset_version')
    .select('profile')
    .where('dataset', '=', dataset)
    .where('version', '=', version)
    .executeTakeFirst()
  if (!row) throw await missingVersion(db, dataset, { version })
  return Profile.parse(JSON.parse(row.profile))
}

/** Adds the version, which must be the next of its dataset; makes the dataset with its first. */
export async function insertVersion(
  trx: Transaction<DatasetTables>,
  version: DatasetVersion,
  profile: Profile,
): Promise<void> {
  const head = { name: version.dataset, created_at_ms: version.createdAtMs, latest: version.version }
  await on(trx)
    .insertInto('dataset')
    .values(head)
    .onConflict((c) => c.column('name').doUpdateSet({ latest: version.version }))
    .execute()
  await on(trx)
    .insertInto('dataset_version')
    .values({
      dataset: version.dataset,
      version: version.version,
      digest: version.digest,
      manifest_blob: version.manifestBlob,
      row_count: version.rows,
      bytes: version.bytes,
      parts: version.parts,
      columns: JSON.stringify(version.columns),
      time_column: version.timeColumn,
      key_columns: JSON.stringify(version.keyColumns),
      quarantine_blob: version.quarantineBlob,
      quarantined_rows: version.quarantinedRows,
      profile: JSON.stringify(profile),
      created_at_ms: version.createdAtMs,
      created_by: version.createdBy,
    })
    .execute()
}

const datasetOf = ({ created_at_ms: createdAtMs, ...rest }: Selectable<DatasetTables['dataset']>): Dataset => ({
  ...rest,
  createdAtMs,
})

const versionOf = (row: Omit<DatasetTables['dataset_version'], 'profile'>): DatasetVersion => ({
  dataset: row.dataset,
  version: row.version,
  digest: row.digest,
  manifestBlob: row.manifest_blob,
  rows: row.row_count,
  bytes: row.bytes,
  parts: row.parts,
  columns: JSON.parse(row.columns) as Column[],
  timeColumn: row.time_column,
  keyColumns: JSON.parse(row.key_columns) as string[],
  quarantineBlob: row.quarantine_blob,
  quarantinedRows: row.quarantined_rows,
  createdAtMs: row.created_at_ms,
  createdBy: row.created_by,
})
