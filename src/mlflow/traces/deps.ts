// What the methods and routes about traces are given.
import type { ArtifactPlaces, RepositoryDeps } from '../../artifacts/artifact-repository.ts'
import type { AuditTables } from '../../governance/audit.ts'
import type { Connection } from '../../platform/database.ts'
import type { Reader } from '../../platform/reader.ts'
import type { SpanWriter } from '../../tracing/span-writer.ts'
import type { AlsoDeletedTraces, TracingTables } from '../../tracing/traces.ts'

export interface TraceDeps extends Omit<RepositoryDeps, 'db'> {
  readonly db: Connection<TracingTables & AuditTables>
  readonly reader: Reader
  readonly spans: SpanWriter
  readonly places: ArtifactPlaces
  /** `MLFLOW_TRUNCATE_LONG_VALUES`: values of tags that are too long are cut off, else refused. */
  readonly truncatesLongValues: boolean
  readonly alsoDeletedTraces: AlsoDeletedTraces
}
