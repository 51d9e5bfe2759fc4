// The only file that reads or writes the tables run and run_environment.
import { createHash } from 'node:crypto'
import { isAmong } from '../../platform/among.ts'
import { on, type Db, type Transaction } from '../../platform/database.ts'
import { textQuery } from '../../platform/text-query.ts'
import type { Run, RunSummary } from '../run.ts'
import type { ExperimentTables } from '../tables.ts'

/** What the table run holds, without what hangs on it. */
export type RunHeader = Omit<RunSummary, 'params' | 'tags' | 'metrics'> &
  Pick<Run, 'seeds' | 'code'> & {
    readonly environmentDigest: string | null
    /** The deletion of its experiment took it along. */
    readonly isDeletedWithExperiment: boolean
  }

const columns = [
  'run.id',
  'run.experiment_id',
  'experiment.name as experiment',
  'run.name',
  'run.state',
  'run.started_at_ms',
  'run.ended_at_ms',
  'run.deleted_at_ms',
  'run.deleted_with_experiment',
  'run.created_by',
  'run.user_id',
  'run.artifact_uri',
  'run.pipeline_run_id',
  'run.seeds',
  'run.code',
  'run.environment_digest',
] as const

/** When each of the runs was deleted, by id; null: it was not. Ids without a run are left out. Asked at each batch of metrics, so as a finished text. */
export async function readDeletions(
  db: Db<ExperimentTables>,
  ids: readonly string[],
): Promise<Map<string, number | null>> {
  if (ids.length === 0) return new Map()
  const { rows } = await on(db).executeQuery<{ id: string; deleted_at_ms: number | null }>(
    textQuery(db, `select id, deleted_at_ms from run where id in (${ids.map(() => '?').join(', ')})`, ids),
  )
  return new Map(rows.map((row) => [row.id, row.deleted_at_ms]))
}

/** In no order; ids without a run are left out. */
export async function readRunHeaders(db: Db<ExperimentTables>, ids: readonly string[]): Promise<RunHeader[]> {
  if (ids.length === 0) return []
  const rows = await on(db)
    .selectFrom('run')
    .innerJoin('experiment', 'experiment.id', 'run.experiment_id')
    .select(columns)
    .where(isAmong(db, 'run.id', ids))
    .execute()
  return rows.map((row) => ({
    id: row.id,
    experimentId: row.experiment_id,
    experiment: row.experiment,
    name: row.name,
    state: row.state as Run['state'],
    startedAtMs: row.started_at_ms,
    endedAtMs: row.ended_at_ms,
    deletedAtMs: row.deleted_at_ms,
    isDeletedWithExperiment: row.deleted_with_experiment === 1,
    createdBy: row.created_by,
    userId: row.user_id,
    artifactUri: row.artifact_uri,
    pipelineRunId: row.pipeline_run_id,
    seeds: JSON.parse(row.seeds) as Run['seeds'],
    code: row.code === null ? null : (JSON.parse(row.code) as Run['code']),
    environmentDigest: row.environment_digest,
  }))
}

/** Answers false, and changes nothing, when the id is taken. */
export async function insertRun(trx: Transaction<ExperimentTables>, run: RunHeader): Promise<boolean> {
  const row = {
    id: run.id,
    experiment_id: run.experimentId,
    name: run.name,
    state: run.state,
    started_at_ms: run.startedAtMs,
    ended_at_ms: run.endedAtMs,
    deleted_at_ms: run.deletedAtMs,
    created_by: run.createdBy,
    user_id: run.userId,
    artifact_uri: run.artifactUri,
    pipeline_run_id: run.pipelineRunId,
    seeds: JSON.stringify(run.seeds),
    code: run.code && JSON.stringify(run.code),
    environment_digest: run.environmentDigest,
  }
  const { numInsertedOrUpdatedRows } = await on(trx)
    .insertInto('run')
    .values(row)
    .onConflict((c) => c.doNothing())
    .executeTakeFirst()
  return Number(numInsertedOrUpdatedRows) > 0
}

export type RunChange = { readonly [Key in 'name' | 'state' | 'endedAtMs']?: RunHeader[Key] | undefined }

/** What is undefined stays. */
export async function updateRun(trx: Transaction<ExperimentTables>, id: string, change: RunChange): Promise<void> {
  const { name, state, endedAtMs } = change
  const set = {
    ...(name === undefined ? {} : { name }),
    ...(state === undefined ? {} : { state }),
    ...(endedAtMs === undefined ? {} : { ended_at_ms: endedAtMs }),
  }
  if (Object.keys(set).length === 0) return
  await on(trx).updateTable('run').set(set).where('id', '=', id).execute()
}

/** Deletes (with a time) or restores (null) one run. */
export async function setRunDeletedAt(
  trx: Transaction<ExperimentTables>,
  id: string,
  deletedAtMs: number | null,
): Promise<void> {
  const set = { deleted_at_ms: deletedAtMs, deleted_with_experiment: 0 }
  await on(trx).updateTable('run').set(set).where('id', '=', id).execute()
}

/** Deletes with its experiment the runs that are there, or restores those that went with it. Answers which. */
export async function setRunsDeleted(
  trx: Transaction<ExperimentTables>,
  { experimentId, deletedAtMs }: { experimentId: number; deletedAtMs: number | null },
): Promise<string[]> {
  const update = on(trx)
    .updateTable('run')
    .set({ deleted_at_ms: deletedAtMs, deleted_with_experiment: deletedAtMs === null ? 0 : 1 })
    .where('experiment_id', '=', experimentId)
  const affected =
    deletedAtMs === null ? update.where('deleted_with_experiment', '=', 1) : update.where('deleted_at_ms', 'is', null)
  return (await affected.returning('id').execute()).map(({ id }) => id)
}

/** Idempotent; answers the digest of its JSON. */
export async function putEnvironment(
  trx: Transaction<ExperimentTables>,
  environment: NonNullable<Run['environment']>,
): Promise<string> {
  const body = JSON.stringify(environment)
  const digest = createHash('sha256').update(body).digest('hex')
  await on(trx)
    .insertInto('run_environment')
    .values({ digest, body })
    .onConflict((c) => c.column('digest').doNothing())
    .execute()
  return digest
}

export async function readEnvironment(db: Db<ExperimentTables>, digest: string): Promise<Run['environment']> {
  const { body } = await on(db)
    .selectFrom('run_environment')
    .select('body')
    .where('digest', '=', digest)
    .executeTakeFirstOrThrow()
  return JSON.parse(body) as Run['environment']
}
