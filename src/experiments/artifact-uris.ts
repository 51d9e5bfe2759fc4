// Where a run or a logged model keeps its artifacts: the URI, and the place in the tree.
import type { Db } from '../platform/database.ts'
import { treePathOf, type ArtifactFile } from '../artifacts/artifact.ts'
import { loggedModelNotFound } from './logged-model.ts'
import { runNotFound, type Artifact } from './run.ts'
import { findLoggedModel, type LoggedModelTables } from './stores/logged-model-store.ts'
import { readRunHeaders, type RunHeader } from './stores/run-store.ts'
import type { ExperimentTables } from './tables.ts'

export type ArtifactOwnerTables = ExperimentTables & LoggedModelTables

/** Where the files are that were logged to a run through the native API; a run whose root is elsewhere has a place in the tree beside it. */
export const runTree = (run: { experimentId: number; id: string; artifactUri: string }): string =>
  treePathOf(run.artifactUri) ?? `${run.experimentId}/${run.id}/artifacts`

/** As a run shows it: by name, which is the path below the run's root. */
export const artifactOf = ({ path, digest, bytes, mediaType }: ArtifactFile): Artifact => ({
  name: path,
  blob: { digest, bytes },
  mediaType,
})

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
