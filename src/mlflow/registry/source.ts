// Where a new version says that its model is: what MLflow's server lets pass, and what the source means.
import { findAlias } from '../../models/alias-store.ts'
import { getModel } from '../../models/model-store.ts'
import { isPrompt } from '../../models/model.ts'
import { findStorageLocation, getVersion, listNewestOfStages } from '../../models/model-version-store.ts'
import type { ModelVersion, VersionId } from '../../models/model-version.ts'
import { invalidParameter, mlflowError } from '../wire/errors.ts'
import { assertHostAllowed } from '../tracking/artifact-location.ts'
import { assertLength } from '../tracking/names.ts'
import type { RegistryDeps } from './deps.ts'
import { readAlias, readModelName, readStage, readVersionId } from './names.ts'
import { assertOfModel, assertOfRun, findLoggedModel, foreignTo, invalidSource } from './source-checks.ts'
import { readModelUri, readUri } from './uri.ts'

type Deps = Pick<RegistryDeps, 'db' | 'locations' | 'sourcePattern'>

const sourceCharactersMax = 10_000

export interface WrittenSource {
  readonly source: string
  readonly runId: string | undefined
  readonly modelId: string | undefined
}

export interface ResolvedSource {
  readonly source: string
  readonly runId: string | null
  readonly modelId: string | null
  readonly storageLocation: string | null
  /** The registered version that the source is. */
  readonly copyOf: VersionId | null
}

const promptSources = new Set(['dummy-source', 'prompt-template'])

/** @throws MlflowError INVALID_PARAMETER_VALUE */
export function readPromptSource(source: string, { locations, sourcePattern }: Deps): ResolvedSource {
  assertLength(source, { what: 'source', max: sourceCharactersMax })
  assertPattern(source, sourcePattern)
  if (!promptSources.has(source)) {
    throw invalidParameter(`Invalid prompt source: '${source}'. Prompt sources must use an MLflow placeholder.`)
  }
  assertHostAllowed(source, locations, 'source')
  return { source, runId: null, modelId: null, storageLocation: null, copyOf: null }
}

function assertPattern(source: string, pattern: RegExp | undefined): void {
  if (pattern && !pattern.test(source)) throw invalidSource(source, '')
}

/** @throws MlflowError INVALID_PARAMETER_VALUE; DomainError model_not_found, model_version_not_found, logged_model_not_found */
export async function resolveSource(deps: Deps, written: WrittenSource): Promise<ResolvedSource> {
  assertLength(written.source, { what: 'source', max: sourceCharactersMax })
  assertPattern(written.source, deps.sourcePattern)
  assertHostAllowed(written.source, deps.locations, 'source')
  const { source, runId, modelId, copied } = await followVersion(deps, written)
  if (modelId) await assertOfModel(deps.db, source, modelId)
  else await assertOfRun(deps.db, source, runId ?? '')
  const uri = readUri(source).scheme === 'models' ? readModelUri(source) : undefined
  const model = modelId || uri?.modelId ? await findLoggedModel(deps.db, modelId || uri!.modelId!) : undefined
  if (modelId && !model) throw loggedModelMissing(modelId)
  const storageLocation = copied
    ? await findStorageLocation(deps.db, copied)
    : uri
      ? (model?.artifactUri ?? null)
      : null
  return {
    source,
    runId: runId || model?.sourceRunId || null,
    modelId: modelId || null,
    storageLocation,
    copyOf: copied ? { model: copied.model, version: copied.version } : null,
  }
}

const loggedModelMissing = (id: string): Error =>
  mlflowError('RESOURCE_DOES_NOT_EXIST', `Logged model with ID '${id}' not found.`)

/** A source that is a registered version itself: which one, and that what it came from is the same. */
async function followVersion(
  deps: Deps,
  { source, runId, modelId }: WrittenSource,
): Promise<WrittenSource & { copied?: ModelVersion }> {
  const { scheme, authority } = readUri(source)
  if (scheme !== 'models') return { source, runId, modelId }
  if (authority !== '') throw invalidSource(source, ' Registered model sources must use the active model registry.')
  const uri = readModelUri(source)
  if (!uri) throw foreignTo(source, 'model_id')
  if (uri.name === undefined) return { source, runId, modelId }
  const name = readModelName(uri.name)
  if (isPrompt(await getModel(deps.db, name))) {
    throw invalidSource(source, ' Prompt versions cannot be used as model version sources.')
  }
  const copied = await findCopied(deps, { ...uri, name })
  const isOther = (asked: string | undefined, found: string | null): boolean =>
    asked !== undefined && asked !== (found ?? '')
  if (isOther(runId, copied.runId) || isOther(modelId, copied.modelId)) {
    throw invalidSource(source, ' The run_id and model_id request parameters must match the referenced model version.')
  }
  return {
    source: `models:/${name}/${copied.version}`,
    runId: runId ?? copied.runId ?? undefined,
    modelId: modelId ?? copied.modelId ?? undefined,
    copied,
  }
}

async function findCopied(
  { db }: Deps,
  { name, version, stage, alias }: { name: string; version?: string; stage?: string; alias?: string },
): Promise<ModelVersion> {
  if (version !== undefined) return getVersion(db, readVersionId(name, version))
  if (alias !== undefined) {
    const found = await findAlias(db, { model: name, alias: readAlias(alias) })
    if (!found) throw aliasMissing(alias)
    return getVersion(db, found)
  }
  const wanted = stage === undefined ? undefined : readStage(stage)
  const newest = (await listNewestOfStages(db, [name])).filter((each) => wanted === undefined || each.stage === wanted)
  const last = newest.toSorted((a, b) => b.version - a.version)[0]
  if (last) return last
  const where = stage === undefined ? '' : ` and stage '${stage}'`
  throw invalidParameter(`No versions of model with name '${name}'${where} found`)
}

export const aliasMissing = (alias: string): Error => invalidParameter(`Registered model alias ${alias} not found.`)
