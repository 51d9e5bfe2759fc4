// Registering models and versions, describing them, and saying whether a version may serve.
import type { Transaction } from '../platform/database.ts'
import { recordAudit, type Actor, type AuditTables } from '../governance/audit.ts'
import { recordLineage, type LineageEdge, type LineageNode, type LineageTables } from '../governance/lineage.ts'
import { appendEvent, type EventTables } from '../platform/events.ts'
import { baselineFits, type Baseline } from './baseline.ts'
import { findModel, insertModel, takeVersionNumber, updateModel, type ModelTables } from './model-store.ts'
import { modelExists, modelNotFound, type Model } from './model.ts'
import { getVersion, insertVersion, updateVersion, type ModelVersionTables } from './model-version-store.ts'
import { versionNode, versionText, type ModelVersion, type VersionId, type VersionState } from './model-version.ts'

export type RegistryTables = ModelTables & ModelVersionTables & AuditTables & EventTables & LineageTables
type Trx = Transaction<RegistryTables>

export type NewModel = Pick<Model, 'name'> & Partial<Pick<Model, 'description' | 'tags'>>

/** @throws DomainError model_exists */
export async function createModel(
  trx: Trx,
  actor: Actor,
  { name, description = '', tags = {} }: NewModel,
): Promise<Model> {
  if (await findModel(trx, name)) throw modelExists(name)
  const atMs = actor.clock()
  const model: Model = { name, description, tags, lastVersion: 0, createdAtMs: atMs, updatedAtMs: atMs }
  await insertModel(trx, model)
  await recordAudit(trx, actor, { action: 'model.create', subject: name, detail: { description, tags } })
  return model
}

/** @throws DomainError model_not_found */
export async function describeModel(
  trx: Trx,
  actor: Actor,
  { name, ...change }: Pick<Model, 'name'> & Partial<Pick<Model, 'description' | 'tags'>>,
): Promise<Model> {
  const found = await findModel(trx, name)
  if (!found) throw modelNotFound(name)
  const changed = { ...found, ...change, updatedAtMs: actor.clock() }
  await updateModel(trx, changed)
  await recordAudit(trx, actor, { action: 'model.describe', subject: name, detail: change })
  return changed
}

/** What is known of a new version; what is left out is null, or empty. */
export type NewVersion = Pick<ModelVersion, 'model' | 'digest' | 'bytes' | 'signature'> &
  Partial<
    Pick<
      ModelVersion,
      | 'description'
      | 'tags'
      | 'metrics'
      | 'runId'
      | 'datasetVersion'
      | 'pipelineRunId'
      | 'trainedOn'
      | 'examplesDigest'
      | 'infra'
    >
  > & { readonly baseline?: Baseline | null }

/**
 * Registers the next version of a model, as a candidate; the model is made when it is new. Its graph must have passed `checkGraph`: the
 * bytes are not looked at here. Event `model.version_registered`; lineage from the run, the dataset version and the pipeline run.
 * @throws DomainError baseline_mismatch
 */
export async function registerVersion(trx: Trx, actor: Actor, input: NewVersion): Promise<ModelVersion> {
  const { model, baseline = null } = input
  if (baseline) baselineFits(baseline, input.signature)
  if (!(await findModel(trx, model))) await createModel(trx, actor, { name: model })
  const atMs = actor.clock()
  const version: Omit<ModelVersion, 'hasBaseline'> = {
    model,
    version: await takeVersionNumber(trx, model, atMs),
    state: 'candidate',
    description: input.description ?? '',
    tags: input.tags ?? {},
    digest: input.digest,
    bytes: input.bytes,
    signature: input.signature,
    metrics: input.metrics ?? {},
    runId: input.runId ?? null,
    datasetVersion: input.datasetVersion ?? null,
    pipelineRunId: input.pipelineRunId ?? null,
    trainedOn: input.trainedOn ?? null,
    examplesDigest: input.examplesDigest ?? null,
    infra: input.infra ?? null,
    createdAtMs: atMs,
    createdBy: actor.name,
    approvedBy: null,
    approvedAtMs: null,
  }
  await insertVersion(trx, version, baseline)
  const { digest, runId, datasetVersion, pipelineRunId } = version
  const detail = { digest, runId, datasetVersion, pipelineRunId }
  await recordAudit(trx, actor, { action: 'model.register', subject: versionText(version), detail })
  await recordLineage(trx, originsOf(version, atMs))
  const payload = { model, version: version.version, ...detail }
  await appendEvent(trx, { type: 'model.version_registered', subject: versionText(version), payload, atMs })
  return { ...version, hasBaseline: baseline !== null }
}

function originsOf(version: Omit<ModelVersion, 'hasBaseline'>, atMs: number): LineageEdge[] {
  const edge = (upstream: LineageNode, relation: string): LineageEdge => ({
    upstream,
    downstream: versionNode(version),
    relation,
    atMs,
  })
  return [
    ...(version.runId ? [edge(`run:${version.runId}`, 'produced')] : []),
    ...(version.datasetVersion ? [edge(`dataset_version:${version.datasetVersion}`, 'trained_on')] : []),
    ...(version.pipelineRunId ? [edge(`pipeline_run:${version.pipelineRunId}`, 'produced')] : []),
  ]
}

/** @throws DomainError model_version_not_found */
export async function describeVersion(
  trx: Trx,
  actor: Actor,
  { model, version, ...change }: VersionId & Partial<Pick<ModelVersion, 'description' | 'tags'>>,
): Promise<ModelVersion> {
  const id = { model, version }
  await getVersion(trx, id)
  await updateVersion(trx, id, change)
  await recordAudit(trx, actor, { action: 'model_version.describe', subject: versionText(id), detail: change })
  return getVersion(trx, id)
}

export interface Judgement extends VersionId {
  readonly state: VersionState
  readonly reason: string
}

/**
 * Says whether a version may serve. The actor (a person, or a policy after a gate) is recorded as who approved it. Event
 * `model.version_judged`. Nothing happens when it is in that state already.
 * @throws DomainError model_version_not_found
 */
export async function judgeVersion(trx: Trx, actor: Actor, { state, reason, ...id }: Judgement): Promise<ModelVersion> {
  const before = await getVersion(trx, id)
  if (before.state === state) return before
  const atMs = actor.clock()
  const approval =
    state === 'approved'
      ? { approvedBy: actor.name, approvedAtMs: atMs }
      : state === 'retired'
        ? {}
        : { approvedBy: null, approvedAtMs: null }
  await updateVersion(trx, id, { state, ...approval })
  const detail = { from: before.state, to: state, reason }
  await recordAudit(trx, actor, { action: 'model_version.judge', subject: versionText(id), detail })
  const payload = { ...id, ...detail, by: actor.name }
  await appendEvent(trx, { type: 'model.version_judged', subject: versionText(id), payload, atMs })
  return { ...before, state, ...approval }
}
