// What the methods and routes about artifacts are given.
import type { ArtifactPlaces, RepositoryDeps } from '../../artifacts/artifact-repository.ts'
import type { UploadDeps } from '../../artifacts/artifact-upload.ts'
import type { ArtifactOwnerTables } from '../../experiments/artifact-uris.ts'
import type { AuditTables } from '../../governance/audit.ts'
import type { Connection } from '../../platform/database.ts'

export interface ArtifactDeps extends Omit<RepositoryDeps, 'db'>, Omit<UploadDeps, 'db'> {
  readonly db: Connection<ArtifactOwnerTables & AuditTables>
  /** Signs URLs that carry their own permission. */
  readonly linkKey: string
  /** That a link to download by lives, where its caller does not say. */
  readonly downloadSeconds: number
  readonly places: ArtifactPlaces
  /** Where the artifacts of a registered model's version are. */
  readonly versionUri: (version: { name: string; version: string }) => Promise<string>
}
