// A run that takes writes.
import type { Db } from '../platform/database.ts'
import { runDeleted, runNotFound } from './run.ts'
import { readRunHeaders, type RunHeader } from './stores/run-store.ts'
import type { ExperimentTables } from './tables.ts'

/** One that is not deleted; one that has ended takes writes, as MLflow's clients expect. @throws DomainError run_not_found, run_deleted */
export async function writableRun(db: Db<ExperimentTables>, id: string): Promise<RunHeader> {
  const run = await findRun(db, id)
  if (run.deletedAtMs !== null) throw runDeleted(id)
  return run
}

/** Deleted ones too. @throws DomainError run_not_found */
export async function findRun(db: Db<ExperimentTables>, id: string): Promise<RunHeader> {
  const [run] = await readRunHeaders(db, [id])
  if (!run) throw runNotFound(id)
  return run
}
