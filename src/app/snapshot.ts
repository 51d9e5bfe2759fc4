// A consistent copy of the SQLite metadata, taken page by page while the control plane goes on.
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { DomainError } from '../platform/errors.ts'

const sqliteScheme = 'sqlite:'

/** @throws DomainError snapshot_postgres */
export async function snapshotMetadata(databaseUrl: string, target: string): Promise<void> {
  if (!databaseUrl.startsWith(sqliteScheme)) {
    throw new DomainError(
      'invalid',
      'snapshot_postgres',
      'the metadata is in PostgreSQL: save it with pg_dump, and the blobs as files',
    )
  }
  await mkdir(dirname(target), { recursive: true, mode: 0o700 })
  const source = new DatabaseSync(databaseUrl.slice(sqliteScheme.length), { readOnly: true })
  try {
    await backup(source, target)
  } finally {
    source.close()
  }
}
