// The only file that reads or writes the table artifact_upload.
import { on, type Db } from '../../platform/database.ts'
import type { ArtifactTables } from '../tables.ts'

export interface UploadRow {
  readonly id: string
  readonly path: string
  readonly createdAtMs: number
  /** Null while parts may come. */
  readonly completedAtMs: number | null
}

export async function insertUpload(
  db: Db<ArtifactTables>,
  { id, path, createdAtMs }: Omit<UploadRow, 'completedAtMs'>,
): Promise<void> {
  const row = { id, path, created_at_ms: createdAtMs, completed_at_ms: null }
  await on(db).insertInto('artifact_upload').values(row).execute()
}

export async function findUpload(db: Db<ArtifactTables>, id: string): Promise<UploadRow | undefined> {
  const row = await on(db).selectFrom('artifact_upload').selectAll().where('id', '=', id).executeTakeFirst()
  return row && { id, path: row.path, createdAtMs: row.created_at_ms, completedAtMs: row.completed_at_ms }
}

export async function setUploadCompleted(db: Db<ArtifactTables>, id: string, atMs: number): Promise<void> {
  await on(db).updateTable('artifact_upload').set({ completed_at_ms: atMs }).where('id', '=', id).execute()
}

export async function deleteUpload(db: Db<ArtifactTables>, id: string): Promise<void> {
  await on(db).deleteFrom('artifact_upload').where('id', '=', id).execute()
}

/** Ids of uploads that began before, the oldest first. */
export async function readUploadsBefore(db: Db<ArtifactTables>, beforeMs: number, limit: number): Promise<string[]> {
  const rows = await on(db)
    .selectFrom('artifact_upload')
    .select('id')
    .where('created_at_ms', '<', beforeMs)
    .orderBy('created_at_ms')
    .limit(limit)
    .execute()
  return rows.map(({ id }) => id)
}
