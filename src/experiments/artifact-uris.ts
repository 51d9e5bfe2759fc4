// Under which URI a run or a logged model keeps its artifacts.
import type { Db } from '../platform/database.ts'
import { loggedModelNotFound } from './logged-model.ts'
import { runNotFound } from './run.ts'
import { findLoggedModel, type LoggedModelTables } from './stores/logged-model-store.ts'
import { readRunHeaders } from './stores/run-store.ts'
import type { ExperimentTables } from './tables.ts'

export type ArtifactOwnerTables = ExperimentTables & LoggedModelTables

/** Of a deleted run too. @throws DomainError run_not_found */
export async function runUri(db: Db<ArtifactOwnerTables>, id: string): Promise<string> {
  const [run] = await readRunHeaders(db, [id])
  if (!run) throw runNotFound(id)
  return run.artifactUri
}

/** @throws DomainError logged_model_not_found */
export async function loggedModelUri(db: Db<ArtifactOwnerTables>, id: string): Promise<string> {
  const model = await findLoggedModel(db, id)
  if (!model || model.deletedAtMs !== null) throw loggedModelNotFound(id)
  return model.artifactUri
}
