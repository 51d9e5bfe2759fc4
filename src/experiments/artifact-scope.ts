// What of the tree of artifacts a token that is bound to a run may write: its own, its nested runs', and models and traces beside it.
import type { Caller } from '../governance/access.ts'
import type { Db } from '../platform/database.ts'
import { runTree } from './artifact-uris.ts'
import type { ArtifactOwnerTables } from './artifact-uris.ts'
import { readRunHeaders } from './stores/run-store.ts'
import { assertUnscoped, assertWritesRun } from './write-scope.ts'

/** @throws DomainError run_scope */
export async function assertWritesArtifact(
  db: Db<ArtifactOwnerTables>,
  { scope }: Pick<Caller, 'scope'>,
  path: string,
): Promise<void> {
  if (scope === undefined) return
  const [own] = await readRunHeaders(db, [scope])
  const besides = own && runTree(own).slice(0, -`${scope}/artifacts`.length)
  if (besides !== undefined && [`${besides}models/`, `${besides}traces/`].some((folder) => path.startsWith(folder)))
    return
  const segments = path.split('/')
  const ids = segments.slice(0, -1).filter((_, index) => segments[index + 1] === 'artifacts')
  const owner = (await readRunHeaders(db, ids)).find((run) => path.startsWith(`${runTree(run)}/`))
  if (owner) await assertWritesRun(db, { scope }, owner.id)
  else assertUnscoped({ scope })
}
