// What each part of an import works with.
import type { Experiment } from '../../experiments/experiment.ts'
import type { LoggedModelTables } from '../../experiments/logged-models.ts'
import type { ExperimentTables } from '../../experiments/tables.ts'
import type { WebhookTables } from '../../governance/webhook-store.ts'
import type { LabellingTables } from '../../labelling/tables.ts'
import type { RegistryTables } from '../../models/registry-tables.ts'
import type { BlobStore } from '../../platform/blobs.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Connection } from '../../platform/database.ts'
import type { Reader } from '../../platform/reader.ts'
import type { TraceTables } from '../../tracing/tables.ts'
import type { SourceArtifacts } from './files.ts'
import type { MlflowSource } from './source.ts'
import type { WebhookKeys } from '../webhook-keys.ts'

export interface ImportDeps {
  readonly db: Connection<
    ExperimentTables & LoggedModelTables & RegistryTables & TraceTables & LabellingTables & WebhookTables
  >
  /** Of the same database. */
  readonly reader: Reader
  readonly blobs: BlobStore
  readonly clock: Clock
  readonly source: MlflowSource
  /** Where the source is, without secrets: its experiments are known by it when the import goes on. */
  readonly origin: string
  readonly artifacts: SourceArtifacts
  /** Before the names of experiments. */
  readonly prefix: string
  readonly webhookKeys: WebhookKeys
  /** All experiments of the home. */
  readonly experiments: () => Promise<readonly Experiment[]>
}

/** How many of each kind came over. */
export interface Tally {
  add(kind: string, count?: number): void
}

/** A thing of the source that is not here, since another has its name. */
export interface LeftBehind {
  readonly table: string
  readonly id: string
  /** In words, with what it is. */
  readonly why: string
}
