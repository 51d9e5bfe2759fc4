// Tags of a run. One of them is its name: MLflow's clients set either, and mean both.
import type { Db, Transaction } from '../platform/database.ts'
import { runTagNotFound, type Run } from './run.ts'
import { deleteTag, putTags, readTag } from './stores/param-store.ts'
import { updateRun } from './stores/run-store.ts'
import type { ExperimentTables } from './tables.ts'
import { writableRun } from './writable-run.ts'

export const runNameTag = 'mlflow.runName'
/** The run that a run is nested in. */
export const parentTag = 'mlflow.parentRunId'

type Trx = Transaction<ExperimentTables>

/** Of a run that takes writes (writable-run.ts). An empty name changes nothing. Idempotent. */
export async function setRunTags(trx: Trx, runId: string, tags: Run['tags']): Promise<void> {
  const { [runNameTag]: name, ...others } = tags
  if (name) await renameRun(trx, runId, name)
  await putTags(trx, runId, others)
}

/** Of a run that takes writes. */
export async function renameRun(trx: Trx, runId: string, name: string): Promise<void> {
  await updateRun(trx, runId, { name })
  await putTags(trx, runId, { [runNameTag]: name })
}

/** The name stays when its tag goes. @throws DomainError run_not_found, run_deleted, run_tag_not_found */
export async function removeRunTag(trx: Trx, { runId, key }: { runId: string; key: string }): Promise<void> {
  await writableRun(trx, runId)
  if (!(await deleteTag(trx, runId, key))) throw runTagNotFound(runId, key)
}

export const readRunTag = (db: Db<ExperimentTables>, runId: string, key: string): Promise<string | undefined> =>
  readTag(db, runId, key)
