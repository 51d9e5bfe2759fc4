// Registering a version whose graph is in the blob store already: it is read, checked and made fit to serve, never loaded.
import type { Actor } from '../governance/audit.ts'
import type { BlobStore } from '../platform/blobs.ts'
import { transact, type Connection } from '../platform/database.ts'
import { adaptGraph } from './graph-adaptation.ts'
import type { GraphVersion } from './model-version.ts'
import { registerVersion, type NewVersion } from './registration.ts'
import type { RegistryTables } from './registry-tables.ts'
import type { Signature } from './signature.ts'

export type Upload = Omit<NewVersion, 'bytes' | 'signature' | 'rewritten'> & {
  /** What is left out is as the graph says. */
  readonly signature: { readonly [K in keyof Signature]?: Signature[K] | undefined }
}

/** @throws DomainError blob_not_found; as `adaptGraph` and `registerVersion` */
export async function registerUpload(
  { db, blobs }: { db: Connection<RegistryTables>; blobs: BlobStore },
  actor: Actor,
  { signature: known, digest, ...input }: Upload,
): Promise<GraphVersion> {
  const given = await blobs.get(digest)
  const inputs = known.inputs?.map(({ name, type, required }) => ({ name, types: [type], required }))
  const { bytes, signature, rewrites } = adaptGraph(given, { ...known, inputs })
  const stored = rewrites.length === 0 ? { digest, bytes: bytes.length } : await blobs.put(bytes)
  const rewritten = rewrites.length === 0 ? null : { from: digest, changes: [...rewrites] }
  return transact(db, (trx) => registerVersion(trx, actor, { ...input, ...stored, signature, rewritten }))
}
