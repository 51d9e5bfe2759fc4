// Under which URI a run or a logged model keeps its artifacts.
import type { Db } from '../platform/database.ts'
import { runTree } from './artifact.ts'
import { loggedModelNotFound } from './logged-model.ts'
import { runNotFound } from './run.ts'
import { findLoggedModel, type LoggedModelTables } from './stores/logged-model-store.ts'
import { readRunHeaders, type RunHeader } from './stores/run-store.ts'
import type { ExperimentTables } from './tables.ts'

export type ArtifactOwnerTables = ExperimentTables & LoggedModelTables

/** Of a deleted run too. @throws DomainError run_not_found */
export async function runUri(db: Db<ExperimentTables>, id: string): Promise<string> {
  return (await getHeader(db, id)).artifactUri
}

/** The place of a run's files in the tree. @throws DomainError run_not_found */
export async function getRunTree(db: Db<ExperimentTables>, id: string): Promise<string> {
  return runTree(await getHeader(db, id))
}

async function getHeader(db: Db<ExperimentTables>, id: string): Promise<RunHeader> {
  const [run] = await readRunHeaders(db, [id])
  if (!run) throw runNotFound(id)
  return run
}

/** @throws DomainError logged_model_not_found */
export async function loggedModelUri(db: Db<ArtifactOwnerTables>, id: string): Promise<string> {
  const model = await findLoggedModel(db, id)
  if (!model || model.deletedAtMs !== null) throw loggedModelNotFound(id)
  return model.artifactUri
}
