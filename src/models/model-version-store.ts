// The only file that reads or writes the table model_version.
import { sql } from 'kysely'
import { databaseKind, on, type Db, type Transaction } from '../platform/database.ts'
import { Baseline } from './baseline.ts'
import { assertGraph, versionNotFound, type GraphVersion, type ModelVersion, type VersionId } from './model-version.ts'
import { isVersionRow, versionRows } from './registry/id-rows.ts'
import { insertVersionTags, tagsOfVersions, versionKey, type TagMap, type TagTables } from './registry/tag-store.ts'

export interface ModelVersionTables extends TagTables {
  model_version: {
    model: string
    version: number
    state: string
    stage: string
    description: string | null
    source: string | null
    /** Where the source was when the version was made, if it is another place. */
    storage_location: string | null
    model_id: string | null
    run_link: string | null
    digest: string | null
    bytes: number | null
    signature: string | null
    rewritten: string | null
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
    updated_at_ms: number
    /** A deleted version keeps its number, and is found no more. */
    deleted_at_ms: number | null
    approved_by: string | null
    approved_at_ms: number | null
  }
}

const columns = [
  'model',
  'version',
  'state',
  'stage',
  'description',
  'source',
  'model_id',
  'run_link',
  'digest',
  'bytes',
  'signature',
  'rewritten',
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
  'updated_at_ms',
  'approved_by',
  'approved_at_ms',
] as const
type Row = Pick<ModelVersionTables['model_version'], (typeof columns)[number]>

const versionOf = (row: Row, tags: TagMap = {}): ModelVersion => ({
  model: row.model,
  version: row.version,
  state: row.state as ModelVersion['state'],
  stage: row.stage as ModelVersion['stage'],
  description: row.description,
  tags,
  source: row.source,
  modelId: row.model_id,
  digest: row.digest,
  bytes: row.bytes,
  signature: row.signature === null ? null : (JSON.parse(row.signature) as ModelVersion['signature']),
  rewritten: row.rewritten === null ? null : (JSON.parse(row.rewritten) as ModelVersion['rewritten']),
  metrics: JSON.parse(row.metrics) as ModelVersion['metrics'],
  runId: row.run_id,
  runLink: row.run_link,
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
  updatedAtMs: row.updated_at_ms,
  approvedBy: row.approved_by,
  approvedAtMs: row.approved_at_ms,
})

/** With their tags, in the order of the rows. */
async function withTags(db: Db<ModelVersionTables>, rows: readonly Row[]): Promise<ModelVersion[]> {
  const tags = await tagsOfVersions(db, rows)
  return rows.map((row) => versionOf(row, tags.get(versionKey(row.model, row.version))))
}

export async function findVersion(db: Db<ModelVersionTables>, id: VersionId): Promise<ModelVersion | undefined> {
  const row = await on(db)
    .selectFrom('model_version')
    .select(columns)
    .where('model', '=', id.model)
    .where('version', '=', id.version)
    .where('deleted_at_ms', 'is', null)
    .executeTakeFirst()
  return row && (await withTags(db, [row]))[0]
}

/** @throws DomainError model_version_not_found */
export async function getVersion(db: Db<ModelVersionTables>, id: VersionId): Promise<ModelVersion> {
  const found = await findVersion(db, id)
  if (!found) throw versionNotFound(id)
  return found
}

/** One that has a graph. @throws DomainError model_version_not_found, version_without_graph */
export async function getGraphVersion(db: Db<ModelVersionTables>, id: VersionId): Promise<GraphVersion> {
  const found = await getVersion(db, id)
  assertGraph(found)
  return found
}

/** Those of the ids that there are, in the order of the ids. */
export async function findVersions(db: Db<ModelVersionTables>, ids: readonly VersionId[]): Promise<ModelVersion[]> {
  if (ids.length === 0) return []
  const { rows } = await sql<Row>`select ${sql.join(columns.map((column) => sql.ref(`v.${column}`)))}
    from ${versionRows(databaseKind(db), ids)} cross join model_version v
    where ${isVersionRow('v')} and v.deleted_at_ms is null`.execute(on(db))
  const byKey = new Map(rows.map((row) => [versionKey(row.model, row.version), row]))
  return withTags(
    db,
    ids.flatMap(({ model, version }) => byKey.get(versionKey(model, version)) ?? []),
  )
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
    .where('deleted_at_ms', 'is', null)
    .orderBy('version', 'desc')
    .limit(limit)
  if (before !== undefined) query = query.where('version', '<', before)
  return withTags(db, await query.execute())
}

/** The newest version of each stage of each model, by model and version. */
export async function listNewestOfStages(
  db: Db<ModelVersionTables>,
  models: readonly string[],
): Promise<ModelVersion[]> {
  if (models.length === 0) return []
  const newest = await on(db)
    .selectFrom('model_version')
    .select((e) => ['model', e.fn.max('version').as('version')])
    .where('model', 'in', [...models])
    .where('deleted_at_ms', 'is', null)
    .groupBy(['model', 'stage'])
    .orderBy('model')
    .orderBy('version')
    .execute()
  return findVersions(db, newest)
}

/** Whether any version of the model, deleted ones too, has a graph. */
export async function hasGraphs(db: Db<ModelVersionTables>, model: string): Promise<boolean> {
  const row = await on(db)
    .selectFrom('model_version')
    .select('version')
    .where('model', '=', model)
    .where('digest', 'is not', null)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** Where the bytes of an MLflow version are; null: it has none of its own. */
export async function findStorageLocation(db: Db<ModelVersionTables>, id: VersionId): Promise<string | null> {
  const row = await on(db)
    .selectFrom('model_version')
    .select(['source', 'storage_location'])
    .where('model', '=', id.model)
    .where('version', '=', id.version)
    .where('deleted_at_ms', 'is', null)
    .executeTakeFirst()
  if (!row) throw versionNotFound(id)
  return row.storage_location ?? row.source
}

/** Undefined when the version was registered without one. @throws DomainError model_version_not_found */
export async function findBaseline(db: Db<ModelVersionTables>, id: VersionId): Promise<Baseline | undefined> {
  const row = await on(db)
    .selectFrom('model_version')
    .select('baseline')
    .where('model', '=', id.model)
    .where('version', '=', id.version)
    .where('deleted_at_ms', 'is', null)
    .executeTakeFirst()
  if (!row) throw versionNotFound(id)
  return row.baseline === null ? undefined : Baseline.parse(JSON.parse(row.baseline))
}

const fileColumns = ['source', 'storage_location'] as const

/** Says anew where the files of versions are, of those that are said to be where `isOld` tells. */
export async function moveVersionFiles(
  trx: Transaction<ModelVersionTables>,
  model: string,
  { isOld, now }: { isOld: (place: string) => boolean; now: ReadonlyMap<number, VersionFiles> },
): Promise<void> {
  const rows = await on(trx)
    .selectFrom('model_version')
    .select(['version', ...fileColumns])
    .where('model', '=', model)
    .execute()
  for (const { version, ...places } of rows) {
    const found = now.get(version)
    for (const column of fileColumns) {
      const [was, to] = [places[column], found?.[column]]
      if (was === null || !to || was === to || !isOld(was)) continue
      const change = { [column]: to }
      await on(trx)
        .updateTable('model_version')
        .set(change)
        .where('model', '=', model)
        .where('version', '=', version)
        .execute()
    }
  }
}

export type VersionFiles = Pick<ModelVersionTables['model_version'], (typeof fileColumns)[number]>

export async function insertVersion(
  trx: Transaction<ModelVersionTables>,
  version: Omit<ModelVersion, 'hasBaseline'> & { readonly storageLocation: string | null },
  baseline: Baseline | null,
): Promise<void> {
  const row = {
    model: version.model,
    version: version.version,
    state: version.state,
    stage: version.stage,
    description: version.description,
    source: version.source,
    storage_location: version.storageLocation,
    model_id: version.modelId,
    run_link: version.runLink,
    digest: version.digest,
    bytes: version.bytes,
    signature: version.signature && JSON.stringify(version.signature),
    rewritten: version.rewritten && JSON.stringify(version.rewritten),
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
    updated_at_ms: version.updatedAtMs,
    deleted_at_ms: null,
    approved_by: version.approvedBy,
    approved_at_ms: version.approvedAtMs,
  }
  await on(trx).insertInto('model_version').values(row).execute()
  await insertVersionTags(trx, version, version.tags)
}

export type VersionChange = Partial<
  Pick<ModelVersion, 'state' | 'stage' | 'description' | 'infra' | 'approvedBy' | 'approvedAtMs'>
> &
  Pick<ModelVersion, 'updatedAtMs'>

export async function updateVersion(
  trx: Transaction<ModelVersionTables>,
  id: VersionId,
  change: VersionChange,
): Promise<void> {
  const { state, stage, description, infra, approvedBy, approvedAtMs, updatedAtMs } = change
  const set = {
    updated_at_ms: updatedAtMs,
    ...(state === undefined ? {} : { state }),
    ...(stage === undefined ? {} : { stage }),
    ...(description === undefined ? {} : { description }),
    ...(infra === undefined ? {} : { infra: infra && JSON.stringify(infra) }),
    ...(approvedBy === undefined ? {} : { approved_by: approvedBy }),
    ...(approvedAtMs === undefined ? {} : { approved_at_ms: approvedAtMs }),
  }
  await on(trx)
    .updateTable('model_version')
    .set(set)
    .where('model', '=', id.model)
    .where('version', '=', id.version)
    .execute()
}

/** Other versions that stand in the stage go to Archived; answers their numbers. */
export async function archiveOthers(
  trx: Transaction<ModelVersionTables>,
  { model, version, stage }: Pick<ModelVersion, 'model' | 'version' | 'stage'>,
  updatedAtMs: number,
): Promise<number[]> {
  const rows = await on(trx)
    .updateTable('model_version')
    .set({ stage: 'Archived', updated_at_ms: updatedAtMs })
    .where('model', '=', model)
    .where('version', '!=', version)
    .where('stage', '=', stage)
    .where('deleted_at_ms', 'is', null)
    .returning('version')
    .execute()
  return rows.map((row) => row.version)
}

/** All versions of a model. */
export async function touchVersions(
  trx: Transaction<ModelVersionTables>,
  model: string,
  updatedAtMs: number,
): Promise<void> {
  await on(trx)
    .updateTable('model_version')
    .set({ updated_at_ms: updatedAtMs })
    .where('model', '=', model)
    .where('deleted_at_ms', 'is', null)
    .execute()
}

/** Its words and whereabouts go; its number, tags and graph stay. */
export async function redactVersion(
  trx: Transaction<ModelVersionTables>,
  id: VersionId,
  deletedAtMs: number,
): Promise<void> {
  const gone = { source: null, storage_location: null, model_id: null, run_id: null, run_link: null }
  await on(trx)
    .updateTable('model_version')
    .set({ ...gone, description: null, deleted_at_ms: deletedAtMs, updated_at_ms: deletedAtMs })
    .where('model', '=', id.model)
    .where('version', '=', id.version)
    .execute()
}
