// Registering a version whose graph is in the blob store already: it is read and checked, never loaded.
import type { Actor } from '../governance/audit.ts'
import type { BlobStore } from '../platform/blobs.ts'
import { transact, type Connection } from '../platform/database.ts'
import { assertGraphFits, checkGraph } from './graph-check.ts'
import type { GraphVersion } from './model-version.ts'
import { registerVersion, type NewVersion } from './registration.ts'
import type { RegistryTables } from './registry-tables.ts'

/** @throws DomainError blob_not_found; as `checkGraph`, `assertGraphFits` and `registerVersion` */
export async function registerUpload(
  { db, blobs }: { db: Connection<RegistryTables>; blobs: BlobStore },
  actor: Actor,
  input: Omit<NewVersion, 'bytes'>,
): Promise<GraphVersion> {
  const bytes = await blobs.get(input.digest)
  assertGraphFits(checkGraph(bytes), input.signature)
  return transact(db, (trx) => registerVersion(trx, actor, { ...input, bytes: bytes.length }))
}
