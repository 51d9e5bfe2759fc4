// The only file that reads or writes the table pipeline_run.
import type { Selectable } from 'kysely'
import { on, type Db, type Transaction } from '../../platform/database.ts'
import type { Labels, PipelineRun, PipelineRunState } from '../pipeline-run.ts'
import type { PipelineSpec } from '../pipeline.ts'

export interface PipelineRunTables {
  pipeline_run: {
    id: string
    pipeline: string
    spec: string
    state: PipelineRunState
    reason: string
    labels: string
    actor: string
    created_at_ms: number
    finished_at_ms: number | null
  }
}

/** A run with the spec that it is pinned to. */
export type StoredRun = PipelineRun & { readonly spec: PipelineSpec }

export async function insertPipelineRun(trx: Transaction<PipelineRunTables>, run: StoredRun): Promise<void> {
  const row = {
    id: run.id,
    pipeline: run.pipeline,
    spec: JSON.stringify(run.spec),
    state: run.state,
    reason: run.reason,
    labels: JSON.stringify(run.labels),
    actor: run.actor,
    created_at_ms: run.createdAtMs,
    finished_at_ms: run.finishedAtMs,
  }
  await on(trx).insertInto('pipeline_run').values(row).execute()
}

export async function findPipelineRun(db: Db<PipelineRunTables>, id: string): Promise<StoredRun | undefined> {
  const row = await on(db).selectFrom('pipeline_run').selectAll().where('id', '=', id).executeTakeFirst()
  return row && { ...runOf(row), spec: JSON.parse(row.spec) as PipelineSpec }
}

/** The state as the transaction sees it, which may be newer than a run that was read before. */
export async function findPipelineRunState(
  db: Db<PipelineRunTables>,
  id: string,
): Promise<PipelineRunState | undefined> {
  const row = await on(db).selectFrom('pipeline_run').select('state').where('id', '=', id).executeTakeFirst()
  return row?.state
}

export interface PipelineRunFilter {
  readonly pipeline?: string | undefined
  readonly state?: PipelineRunState | undefined
  /** The id of the last run of the page before. */
  readonly after?: string | undefined
  readonly limit: number
}

/** Newest first. */
export async function listPipelineRuns(db: Db<PipelineRunTables>, filter: PipelineRunFilter): Promise<PipelineRun[]> {
  let query = on(db)
    .selectFrom('pipeline_run')
    .select(['id', 'pipeline', 'state', 'reason', 'labels', 'actor', 'created_at_ms', 'finished_at_ms'])
    .orderBy('id', 'desc') // Ids sort by time.
    .limit(filter.limit)
  if (filter.pipeline) query = query.where('pipeline', '=', filter.pipeline)
  if (filter.state) query = query.where('state', '=', filter.state)
  if (filter.after) query = query.where('id', '<', filter.after)
  return (await query.execute()).map(runOf)
}

export async function setPipelineRunState(
  trx: Transaction<PipelineRunTables>,
  change: { id: string; state: PipelineRunState; finishedAtMs: number | null },
): Promise<void> {
  await on(trx)
    .updateTable('pipeline_run')
    .set({ state: change.state, finished_at_ms: change.finishedAtMs })
    .where('id', '=', change.id)
    .execute()
}

function runOf(row: Omit<Selectable<PipelineRunTables['pipeline_run']>, 'spec'>): PipelineRun {
  return {
    id: row.id,
    pipeline: row.pipeline,
    state: row.state,
    reason: row.reason,
    labels: JSON.parse(row.labels) as Labels,
    actor: row.actor,
    createdAtMs: row.created_at_ms,
    finishedAtMs: row.finished_at_ms,
  }
}
