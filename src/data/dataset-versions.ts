// Recording a version of a dataset: what was ingested becomes number n, with its audit, event and lineage, or stays the version that it equals.
import { recordAudit, type Actor, type AuditTables } from '../governance/audit.ts'
import { recordLineage, type LineageNode, type LineageTables } from '../governance/lineage.ts'
import { transact, type Connection, type Transaction } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import { appendEvent, type EventTables } from '../platform/events.ts'
import { findDataset, getVersion, insertVersion, type DatasetTables } from './dataset-store.ts'
import { parseDatasetName, type DatasetVersion } from './dataset.ts'
import { manifestBytes, manifestDigest } from './manifest-digest.ts'
import { Manifest } from './manifest.ts'
import { Profile } from './profile.ts'
import type { SplitTables } from './split-store.ts'
import { recordValidation, type ValidationTables } from './validation-store.ts'
import { assertAccepted, type ValidationResult } from './validation.ts'

export type DataTables = DatasetTables & ValidationTables & SplitTables
export type DataChangeTables = DataTables & AuditTables & EventTables & LineageTables

export interface NewVersion {
  readonly dataset: string
  readonly manifest: Manifest
  /** Blob with that manifest (`storeManifest`). */
  readonly manifestBlob: string
  readonly profile: Profile
  readonly validation: ValidationResult
  /** Blob with the manifest of the rows that were set aside, and their number. */
  readonly quarantine?: { readonly blob: string; readonly rows: number } | null
  /** Digest of the version that these rows build on (null: there was none): refused when the dataset has moved since. Not checked when absent. */
  readonly expectedDigest?: string | null
  /** What made it, such as `pipeline_run:…`. */
  readonly producedBy?: LineageNode
}

export interface RecordedVersion {
  readonly version: DatasetVersion
  /** False: the newest version holds the same rows already, and no new one was made. */
  readonly created: boolean
}

/** @throws DomainError expectations_failed, dataset_moved, dataset_name */
export const recordVersion = (
  db: Connection<DataChangeTables>,
  actor: Actor,
  input: NewVersion,
): Promise<RecordedVersion> => transact(db, (trx) => commitVersion(trx, actor, input))

/** As {@link recordVersion}, in the transaction of the caller (a step's commit). */
export async function commitVersion(
  trx: Transaction<DataChangeTables>,
  actor: Actor,
  input: NewVersion,
): Promise<RecordedVersion> {
  const { validation, expectedDigest } = input
  const dataset = parseDatasetName(input.dataset)
  assertAccepted(validation)
  const known = await findDataset(trx, dataset)
  const head = known && (await getVersion(trx, { dataset, ref: { version: known.latest } }))
  if (expectedDigest !== undefined && (head?.digest ?? null) !== expectedDigest) {
    throw new DomainError(
      'conflict',
      'dataset_moved',
      `dataset "${dataset}" got version ${head?.version ?? 'none'} meanwhile: read it again, then add your rows`,
    )
  }
  const digest = manifestDigest(Manifest.parse(input.manifest))
  if (head?.digest === digest) {
    await recordValidation(trx, actor, { dataset, version: head.version, result: validation })
    return { version: head, created: false }
  }
  const version = versionOf(actor, input, { digest, number: (head?.version ?? 0) + 1 })
  await insertVersion(trx, version, Profile.parse(input.profile))
  await recordValidation(trx, actor, { dataset, version: version.version, result: validation })
  await announce(trx, actor, { version, producedBy: input.producedBy })
  return { version, created: true }
}

function versionOf(
  actor: Actor,
  input: NewVersion,
  { digest, number }: { digest: string; number: number },
): DatasetVersion {
  const { manifest, quarantine } = input
  return {
    dataset: input.dataset,
    version: number,
    digest,
    manifestBlob: input.manifestBlob,
    rows: manifest.rows,
    bytes: manifestBytes(manifest),
    parts: manifest.parts.length,
    columns: manifest.columns,
    timeColumn: manifest.timeColumn ?? null,
    keyColumns: manifest.keyColumns,
    quarantineBlob: quarantine?.blob ?? null,
    quarantinedRows: quarantine?.rows ?? 0,
    createdAtMs: actor.clock(),
    createdBy: actor.name,
  }
}

/** The node of a version in the lineage graph. */
export const versionNode = ({ dataset, version }: Pick<DatasetVersion, 'dataset' | 'version'>): LineageNode =>
  `dataset_version:${dataset}/${version}`

async function announce(
  trx: Transaction<DataChangeTables>,
  actor: Actor,
  { version, producedBy }: { version: DatasetVersion; producedBy: LineageNode | undefined },
): Promise<void> {
  const { dataset, version: number, digest, rows, quarantinedRows } = version
  const facts = { dataset, version: number, digest, rows, quarantinedRows }
  const subject = `${dataset}/${number}`
  await recordAudit(trx, actor, { action: 'dataset.version_create', subject, detail: facts })
  await appendEvent(trx, { type: 'dataset.version_created', subject, payload: facts, atMs: version.createdAtMs })
  if (producedBy !== undefined) {
    await recordLineage(trx, [
      { upstream: producedBy, downstream: versionNode(version), relation: 'produced', atMs: version.createdAtMs },
    ])
  }
}
