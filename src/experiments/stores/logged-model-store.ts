// The only file that reads or writes the tables logged_model, logged_model_param and logged_model_tag; points are read here and written with those of runs.
import { on, type Db, type Transaction } from '../../platform/database.ts'
import type { KeyValues, LoggedModel, LoggedModelMetric, LoggedModelSummary } from '../logged-model.ts'
import { chunksOf } from '../../platform/chunks.ts'
import type { ExperimentTables } from '../tables.ts'

export interface LoggedModelTables extends Pick<ExperimentTables, 'logged_model_metric'> {
  logged_model: {
    id: string
    experiment_id: number
    name: string
    state: string
    artifact_uri: string
    model_type: string | null
    source_run_id: string | null
    created_at_ms: number
    updated_at_ms: number
    deleted_at_ms: number | null
  }
  logged_model_param: TextRow
  logged_model_tag: TextRow
}

interface TextRow {
  model_id: string
  key: string
  value: string
}
type TextTable = 'logged_model_param' | 'logged_model_tag'
type Header = Omit<LoggedModelSummary, 'params' | 'tags'>

const headerOf = (row: LoggedModelTables['logged_model']): Header => ({
  id: row.id,
  experimentId: row.experiment_id,
  name: row.name,
  state: row.state as Header['state'],
  artifactUri: row.artifact_uri,
  modelType: row.model_type,
  sourceRunId: row.source_run_id,
  createdAtMs: row.created_at_ms,
  updatedAtMs: row.updated_at_ms,
  deletedAtMs: row.deleted_at_ms,
})

/** Deleted ones too, in the order of `ids`; ids without a model are left out. */
export async function readLoggedModels(db: Db<LoggedModelTables>, ids: readonly string[]): Promise<LoggedModel[]> {
  const headers = await readHeaders(db, ids)
  const params = await readTexts(db, 'logged_model_param', ids)
  const tags = await readTexts(db, 'logged_model_tag', ids)
  const metrics = await readMetrics(db, ids)
  return ids.flatMap((id) => {
    const header = headers.get(id)
    if (!header) return []
    return [{ ...header, params: params.get(id) ?? {}, tags: tags.get(id) ?? {}, metrics: metrics.get(id) ?? [] }]
  })
}

async function readHeaders(db: Db<LoggedModelTables>, ids: readonly string[]): Promise<Map<string, Header>> {
  const headers = new Map<string, Header>()
  for (const chunk of chunksOf(ids)) {
    const rows = await on(db).selectFrom('logged_model').selectAll().where('id', 'in', chunk).execute()
    for (const row of rows) headers.set(row.id, headerOf(row))
  }
  return headers
}

export async function findLoggedModel(db: Db<LoggedModelTables>, id: string): Promise<Header | undefined> {
  return (await readHeaders(db, [id])).get(id)
}

async function readTexts(
  db: Db<LoggedModelTables>,
  table: TextTable,
  ids: readonly string[],
): Promise<Map<string, Record<string, string>>> {
  const entries = new Map<string, [string, string][]>()
  for (const chunk of chunksOf(ids)) {
    const rows = await on(db)
      .selectFrom(table)
      .selectAll()
      .where('model_id', 'in', chunk)
      .orderBy('model_id')
      .orderBy('key')
      .execute()
    for (const { model_id: id, key, value } of rows) {
      const found = entries.get(id) ?? []
      found.push([key, value])
      entries.set(id, found)
    }
  }
  // fromEntries makes own properties, `__proto__` included.
  return new Map([...entries].map(([id, texts]) => [id, Object.fromEntries(texts)]))
}

async function readMetrics(
  db: Db<LoggedModelTables>,
  ids: readonly string[],
): Promise<Map<string, LoggedModelMetric[]>> {
  const metrics = new Map<string, LoggedModelMetric[]>()
  for (const chunk of chunksOf(ids)) {
    const rows = await on(db)
      .selectFrom('logged_model_metric')
      .selectAll()
      .where('model_id', 'in', chunk)
      .orderBy('model_id')
      .orderBy('key')
      .orderBy('at_ms')
      .orderBy('step')
      .orderBy('run_id')
      .execute()
    for (const row of rows) {
      const found = metrics.get(row.model_id) ?? []
      found.push(metricOf(row))
      metrics.set(row.model_id, found)
    }
  }
  return metrics
}

const metricOf = (row: LoggedModelTables['logged_model_metric']): LoggedModelMetric => ({
  key: row.key,
  step: row.step,
  atMs: row.at_ms,
  value: row.is_nan ? Number.NaN : row.value,
  runId: row.run_id,
  datasetName: row.dataset_name,
  datasetDigest: row.dataset_digest,
})

export async function insertLoggedModel(trx: Transaction<LoggedModelTables>, model: Header): Promise<void> {
  const row = {
    id: model.id,
    experiment_id: model.experimentId,
    name: model.name,
    state: model.state,
    artifact_uri: model.artifactUri,
    model_type: model.modelType,
    source_run_id: model.sourceRunId,
    created_at_ms: model.createdAtMs,
    updated_at_ms: model.updatedAtMs,
    deleted_at_ms: model.deletedAtMs,
  }
  await on(trx).insertInto('logged_model').values(row).execute()
}

export type LoggedModelChange = Pick<LoggedModel, 'updatedAtMs'> & Partial<Pick<LoggedModel, 'state' | 'deletedAtMs'>>

export async function updateLoggedModel(
  trx: Transaction<LoggedModelTables>,
  id: string,
  { updatedAtMs, state, deletedAtMs }: LoggedModelChange,
): Promise<void> {
  const set = {
    updated_at_ms: updatedAtMs,
    ...(state === undefined ? {} : { state }),
    ...(deletedAtMs === undefined ? {} : { deleted_at_ms: deletedAtMs }),
  }
  await on(trx).updateTable('logged_model').set(set).where('id', '=', id).execute()
}

/** Keys of params that are set. */
export async function readParamKeys(db: Db<LoggedModelTables>, id: string): Promise<Set<string>> {
  const rows = await on(db).selectFrom('logged_model_param').select('key').where('model_id', '=', id).execute()
  return new Set(rows.map(({ key }) => key))
}

export async function insertLoggedModelParams(
  trx: Transaction<LoggedModelTables>,
  id: string,
  params: KeyValues,
): Promise<void> {
  for (const chunk of chunksOf(params)) {
    await on(trx)
      .insertInto('logged_model_param')
      .values(chunk.map(({ key, value }) => ({ model_id: id, key, value })))
      .execute()
  }
}

/** The last value of a key stays. */
export async function putLoggedModelTags(
  trx: Transaction<LoggedModelTables>,
  id: string,
  tags: KeyValues,
): Promise<void> {
  const last = new Map(tags.map(({ key, value }) => [key, value]))
  for (const chunk of chunksOf([...last])) {
    await on(trx)
      .insertInto('logged_model_tag')
      .values(chunk.map(([key, value]) => ({ model_id: id, key, value })))
      .onConflict((c) => c.columns(['model_id', 'key']).doUpdateSet((eb) => ({ value: eb.ref('excluded.value') })))
      .execute()
  }
}

/** Whether there was one. */
export async function removeLoggedModelTag(
  trx: Transaction<LoggedModelTables>,
  id: string,
  key: string,
): Promise<boolean> {
  const { numDeletedRows } = await on(trx)
    .deleteFrom('logged_model_tag')
    .where('model_id', '=', id)
    .where('key', '=', key)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

/** Newest first: those that a run made, deleted ones left out. */
export async function readModelIdsOfRun(db: Db<LoggedModelTables>, runId: string, limit: number): Promise<string[]> {
  const rows = await on(db)
    .selectFrom('logged_model')
    .select('id')
    .where('source_run_id', '=', runId)
    .where('deleted_at_ms', 'is', null)
    .orderBy('created_at_ms', 'desc')
    .orderBy('id')
    .limit(limit)
    .execute()
  return rows.map(({ id }) => id)
}
