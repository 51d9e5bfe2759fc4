// What a token that is bound to a run may write: a step's token writes the run of its step, and what belongs to it.
import type { Caller } from '../governance/access.ts'
import type { Db } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import { parentTag } from './run-tags.ts'
import { readTag } from './stores/param-store.ts'
import { readRunHeaders } from './stores/run-store.ts'
import type { ExperimentTables } from './tables.ts'

type Scoped = Pick<Caller, 'scope'>

/** Runs nested in runs nested in runs. */
const depthMax = 16

const outOfScope = (scope: string): DomainError =>
  new DomainError(
    'forbidden',
    'run_scope',
    `this token writes ${scope}, runs nested in it and logged models beside it: use it with those, or another token`,
  )

/** For what belongs to no run: experiments, and runs on their own. @throws DomainError run_scope for a token that is bound to one */
export function assertUnscoped({ scope }: Scoped): void {
  if (scope !== undefined) throw outOfScope(scope)
}

/** The run of the token, and runs nested in it. @throws DomainError run_scope */
export async function assertWritesRun(db: Db<ExperimentTables>, { scope }: Scoped, runId: string): Promise<void> {
  if (scope === undefined) return
  let ancestor: string | undefined = runId
  for (let depth = 0; ancestor !== undefined && depth <= depthMax; depth++) {
    if (ancestor === scope) return
    ancestor = await readTag(db, ancestor, parentTag)
  }
  throw outOfScope(scope)
}

type Tags = Readonly<Record<string, string>>

/**
 * The tags of a new run: one that a bound token starts is nested in a run that it writes, the token's own by default, in the same experiment
 * (its id or name).
 * @throws DomainError run_scope
 */
export async function tagsOfNewRun(
  db: Db<ExperimentTables>,
  { scope }: Scoped,
  { experiment, tags = {} }: { experiment: number | string; tags?: Tags | undefined },
): Promise<Tags> {
  if (scope === undefined) return tags
  const parent = tags[parentTag] ?? scope
  await assertWritesRun(db, { scope }, parent)
  await assertWritesIn(db, { scope }, experiment)
  return { ...tags, [parentTag]: parent }
}

/** What stands beside the token's run in its experiment (its id or name), such as logged models. @throws DomainError run_scope */
export async function assertWritesIn(
  db: Db<ExperimentTables>,
  { scope }: Scoped,
  experiment: number | string,
): Promise<void> {
  if (scope === undefined) return
  const [run] = await readRunHeaders(db, [scope])
  if (run && (run.experimentId === experiment || run.experiment === experiment)) return
  throw outOfScope(scope)
}
