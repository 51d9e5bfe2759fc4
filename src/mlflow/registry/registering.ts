// What a caller may do in the registry that registers models and changes none: a pipeline's step. What its run made, and what it made of that.
import { getLoggedModel } from '../../experiments/logged-models.ts'
import { readRunSummaries } from '../../experiments/reading.ts'
import { assertWritesIn, assertWritesRun } from '../../experiments/write-scope.ts'
import { assertPermitted, type Caller } from '../../governance/access.ts'
import { isPrompt, type Model } from '../../models/model.ts'
import { getVersion, hasGraphs, type ModelVersionTables } from '../../models/model-version-store.ts'
import { servingAliases, type VersionId } from '../../models/model-version.ts'
import type { Db } from '../../platform/database.ts'
import type { SourceTables } from './deps.ts'
import type { ResolvedSource } from './source.ts'
import { isWithin, readUri } from './uri.ts'

/** A prompt is nothing that a run makes. @throws DomainError permission_missing */
export function assertMakes(caller: Caller, model: Pick<Model, 'tags'>): void {
  if (isPrompt(model)) assertPermitted(caller, 'model.write')
}

/**
 * Without `model.write`, a version is of a run or a logged model that the caller writes, and its files are there: the server reads them for
 * whoever asks. A copy of a version is none, since a graph may come with it.
 * @throws DomainError permission_missing, run_scope
 */
export async function assertRegisters(db: Db<SourceTables>, caller: Caller, resolved: ResolvedSource): Promise<void> {
  if (caller.permissions.has('model.write')) return
  const { source, runId, modelId, copyOf } = resolved
  if (copyOf || (runId === null && modelId === null)) assertPermitted(caller, 'model.write')
  const model = modelId === null ? undefined : await getLoggedModel(db, modelId)
  if (model) await assertWritesIn(db, caller, model.experimentId)
  if (runId !== null) await assertWritesRun(db, caller, runId)
  // Of these, it was seen that they are within the run or the model.
  if (['', 'file', 'models', 'runs'].includes(readUri(source).scheme)) return
  const [run] = runId === null ? [] : await readRunSummaries(db, [runId])
  const roots = [model, run].flatMap((owner) => owner?.artifactUri ?? [])
  if (!roots.some((root) => isWithin(source, root))) assertPermitted(caller, 'model.write')
}

/** Without `model.write`, only what the caller registered. @throws DomainError permission_missing, model_version_not_found */
export async function assertChanges(db: Db<ModelVersionTables>, caller: Caller, id: VersionId): Promise<void> {
  if (caller.permissions.has('model.write')) return
  const { createdBy } = await getVersion(db, id)
  if (createdBy !== caller.actor.name) assertPermitted(caller, 'model.write')
}

/** Without `model.promote`, a token that is bound to a run moves aliases to what it registered, and none that serves. @throws DomainError permission_missing, model_version_not_found */
export async function assertMovesAlias(
  db: Db<ModelVersionTables>,
  caller: Caller,
  { model, version, alias }: VersionId & { readonly alias: string },
): Promise<void> {
  if (caller.permissions.has('model.promote')) return
  const { createdBy } = await getVersion(db, { model, version })
  const serves = servingAliases.has(alias) && (await hasGraphs(db, model))
  if (caller.scope === undefined || serves || createdBy !== caller.actor.name) assertPermitted(caller, 'model.promote')
}
