// The only file that reads or writes the table model_version.
import { on, type Db, type Transaction } from '../platform/database.ts'
import { Baseline } from './baseline.ts'
import { versionNotFound, type ModelVersion, type VersionId } from './model-version.ts'

export interface ModelVersionTables {
  model_version: {
    model: string
    version: number
    state: string
    description: string
    tags: string
    digest: string
    bytes: number
    signature: string
    /** JSON, or null: nothing to compare live values with. Apart from the rest: it is large, and only serving reads it. */
    baseline: string | null
    has_baseline: number
    metrics: string
    run_id: string | null
    dataset_version: string | null
    pipeline_run_id: string | null
    trained_from_ms: number | null
    trained_to_ms: number | null
    examples_digest: string | null
    infra: string | null
    created_at_ms: number
    created_by: string
    approved_by: string | null
    approved_at_ms: number | null
  }
}

const columns = [
  'model',
  'version',
  'state',
  'description',
  'tags',
  'digest',
  'bytes',
  'signature',
  'has_baseline',
  'metrics',
  'run_id',
  'dataset_version',
  'pipeline_run_id',
  'trained_from_ms',
  'trained_to_ms',
  'examples_digest',
  'infra',
  'created_at_ms',
  'created_by',
  'approved_by',
  'approved_at_ms',
] as const
type Row = Pick<ModelVersionTables['model_version'], (typeof columns)[number]>

const versionOf = (row: Row): ModelVersion => ({
  model: row.model,
  version: row.version,
  state: row.state as ModelVersion['state'],
  description: row.description,
  tags: JSON.parse(row.tags) as ModelVersion['tags'],
  digest: row.digest,
  bytes: row.bytes,
  signature: JSON.parse(row.signature) as ModelVersion['signature'],
  metrics: JSON.parse(row.metrics) as ModelVersion['metrics'],
  runId: row.run_id,
  datasetVersion: row.dataset_version,
  pipelineRunId: row.pipeline_run_id,
  trainedOn:
    row.trained_from_ms === null || row.trained_to_ms === null
      ? null
      : { fromMs: row.trained_from_ms, toMs: row.trained_to_ms },
  examplesDigest: row.examples_digest,
  infra: row.infra === null ? null : (JSON.parse(row.infra) as ModelVersion['infra']),
  hasBaseline: row.has_baseline === 1,
  createdAtMs: row.created_at_ms,
  createdBy: row.created_by,
  approvedBy: row.approved_by,
  approvedAtMs: row.approved_at_ms,
})

export async function findVersion(db: Db<ModelVersionTables>, id: VersionId): Promise<ModelVersion | undefined> {
  const row = await on(db)
    .selectFrom('model_version')
    .select(columns)
    .where('model', '=', id.model)
    .where('version', '=', id.version)
    .executeTakeFirst()
  return row && versionOf(row)
}

/** @throws DomainError model_version_not_found */
export async function getVersion(db: Db<ModelVersionTables>, id: VersionId): Promise<ModelVersion> {
  const found = await findVersion(db, id)
  if (!found) throw versionNotFound(id)
  return found
}

/** Newest first, those before version `before`. */
export async function listVersions(
  db: Db<ModelVersionTables>,
  { model, before, limit }: { model: string; before?: number | undefined; limit: number },
): Promise<ModelVersion[]> {
  let query = on(db)
    .selectFrom('model_version')
    .select(columns)
    .where('model', '=', model)
    .orderBy('version', 'desc')
    .limit(limit)
  if (before !== undefined) query = query.where('version', '<', before)
  return (await query.execute()).map(versionOf)
}

/** Undefined when the version was registered without one. @throws DomainError model_version_not_found */
export async function findBaseline(db: Db<ModelVersionTables>, id: VersionId): Promise<Baseline | undefined> {
  const row = await on(db)
    .selectFrom('model_version')
    .select('baseline')
    .where('model', '=', id.model)
    .where('version', '=', id.version)
    .executeTakeFirst()
  if (!row) throw versionNotFound(id)
  return row.baseline === null ? undefined : Baseline.parse(JSON.parse(row.baseline))
}

export async function insertVersion(
  trx: Transaction<ModelVersionTables>,
  version: Omit<ModelVersion, 'hasBaseline'>,
  baseline: Baseline | null,
): Promise<void> {
  const row = {
    model: version.model,
    version: version.version,
    state: version.state,
    description: version.description,
    tags: JSON.stringify(version.tags),
    digest: version.digest,
    bytes: version.bytes,
    signature: JSON.stringify(version.signature),
    baseline: baseline && JSON.stringify(baseline),
    has_baseline: baseline ? 1 : 0,
    metrics: JSON.stringify(version.metrics),
    run_id: version.runId,
    dataset_version: version.datasetVersion,
    pipeline_run_id: version.pipelineRunId,
    trained_from_ms: version.trainedOn?.fromMs ?? null,
    trained_to_ms: version.trainedOn?.toMs ?? null,
    examples_digest: version.examplesDigest,
    infra: version.infra && JSON.stringify(version.infra),
    created_at_ms: version.createdAtMs,
    created_by: version.createdBy,
    approved_by: version.approvedBy,
    approved_at_ms: version.approvedAtMs,
  }
  await on(trx).insertInto('model_version').values(row).execute()
}

export type VersionChange = Partial<
  Pick<ModelVersion, 'state' | 'description' | 'tags' | 'infra' | 'approvedBy' | 'approvedAtMs'>
>

export async function updateVersion(
  trx: Transaction<ModelVersionTables>,
  id: VersionId,
  change: VersionChange,
): Promise<void> {
  const { state, description, tags, infra, approvedBy, approvedAtMs } = change
  const set = {
    ...(state === undefined ? {} : { state }),
    ...(description === undefined ? {} : { description }),
    ...(tags === undefined ? {} : { tags: JSON.stringify(tags) }),
    ...(infra === undefined ? {} : { infra: infra && JSON.stringify(infra) }),
    ...(approvedBy === undefined ? {} : { approved_by: approvedBy }),
    ...(approvedAtMs === undefined ? {} : { approved_at_ms: approvedAtMs }),
  }
  if (Object.keys(set).length === 0) return
  await on(trx)
    .updateTable('model_version')
    .set(set)
    .where('model', '=', id.model)
    .where('version', '=', id.version)
    .execute()
}
