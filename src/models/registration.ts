// Registering versions: of a graph that is in the blob store, or of a model that an MLflow client keeps elsewhere.
import type { Transaction } from '../platform/database.ts'
import { recordAudit, type Actor } from '../governance/audit.ts'
import { recordLineage, type LineageEdge, type LineageNode } from '../governance/lineage.ts'
import { appendEvent } from '../platform/events.ts'
import { baselineFits, type Baseline } from './baseline.ts'
import { findModel, takeVersionNumber } from './model-store.ts'
import { isPrompt } from './model.ts'
import { findBaseline, getVersion, insertVersion } from './model-version-store.ts'
import { versionNode, versionText, type GraphVersion, type ModelVersion, type VersionId } from './model-version.ts'
import { createModel } from './registered-models.ts'
import type { RegistryTables } from './registry-tables.ts'

type Trx = Transaction<RegistryTables>

/** What is known of a new version; what is left out is null, or empty. */
export type NewVersion = Pick<GraphVersion, 'model' | 'digest' | 'bytes' | 'signature'> &
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
      | 'rewritten'
    >
  > & { readonly baseline?: Baseline | null }

/**
 * Registers the next version of a model, as a candidate; the model is made when it is new. Its graph must have passed `checkGraph`: the
 * bytes are not looked at here. Event `model.version_registered`; lineage from the run, the dataset version and the pipeline run.
 * @throws DomainError baseline_mismatch
 */
export async function registerVersion(trx: Trx, actor: Actor, input: NewVersion): Promise<GraphVersion> {
  const { model, digest, bytes, signature, baseline = null } = input
  if (baseline) baselineFits(baseline, signature)
  if (!(await findModel(trx, model))) await createModel(trx, actor, { name: model })
  const fields = await fieldsOf(trx, actor, model)
  const version = {
    ...fields,
    description: input.description ?? '',
    tags: input.tags ?? {},
    digest,
    bytes,
    signature,
    metrics: input.metrics ?? {},
    runId: input.runId ?? null,
    datasetVersion: input.datasetVersion ?? null,
    pipelineRunId: input.pipelineRunId ?? null,
    trainedOn: input.trainedOn ?? null,
    examplesDigest: input.examplesDigest ?? null,
    infra: input.infra ?? null,
    rewritten: input.rewritten ?? null,
    hasBaseline: baseline !== null,
  }
  await insertVersion(trx, { ...version, storageLocation: null }, baseline)
  await record(trx, actor, version)
  return version
}

export interface NewSource extends Pick<
  ModelVersion,
  'model' | 'description' | 'tags' | 'runId' | 'runLink' | 'modelId'
> {
  readonly source: string
  /** What the source means now, if that is another place. */
  readonly storageLocation: string | null
  /** The version that it is a copy of: its graph, where it has one, is the copy's too. */
  readonly copyOf: VersionId | null
}

/**
 * Registers the next version of a model that there is, as a candidate. Without a graph (it is no copy of a version that has one) it cannot
 * serve. Event `model.version_registered`; lineage from what is known of its origin.
 * @throws DomainError model_not_found, model_version_not_found
 */
export async function registerSource(trx: Trx, actor: Actor, input: NewSource): Promise<ModelVersion> {
  const { storageLocation, copyOf, ...known } = input
  const graph = copyOf && (await readGraph(trx, copyOf))
  const fields = await fieldsOf(trx, actor, input.model)
  const version: ModelVersion = { ...fields, ...graph?.facts, ...known }
  await insertVersion(trx, { ...version, storageLocation }, graph?.baseline ?? null)
  await record(trx, actor, version)
  return version
}

/** What is known of a version's graph and how it came to be. */
async function readGraph(
  trx: Trx,
  id: VersionId,
): Promise<{ facts: Partial<ModelVersion>; baseline: Baseline | null }> {
  const { digest, bytes, signature, rewritten, metrics, examplesDigest, infra, ...rest } = await getVersion(trx, id)
  const { datasetVersion, pipelineRunId, trainedOn, hasBaseline } = rest
  const graph = { digest, bytes, signature, rewritten, metrics, examplesDigest, infra, hasBaseline }
  const baseline = (await findBaseline(trx, id)) ?? null
  return { facts: { ...graph, datasetVersion, pipelineRunId, trainedOn }, baseline }
}

/** The next version of the model, of which nothing is known. @throws DomainError model_not_found */
async function fieldsOf(trx: Trx, actor: Actor, model: string): Promise<ModelVersion> {
  const atMs = actor.clock()
  return {
    model,
    version: await takeVersionNumber(trx, model, atMs),
    state: 'candidate',
    stage: 'None',
    description: '',
    tags: {},
    source: null,
    modelId: null,
    digest: null,
    bytes: null,
    signature: null,
    rewritten: null,
    metrics: {},
    runId: null,
    runLink: null,
    datasetVersion: null,
    pipelineRunId: null,
    trainedOn: null,
    examplesDigest: null,
    infra: null,
    hasBaseline: false,
    createdAtMs: atMs,
    createdBy: actor.name,
    updatedAtMs: atMs,
    approvedBy: null,
    approvedAtMs: null,
  }
}

async function record(trx: Trx, actor: Actor, version: ModelVersion): Promise<void> {
  const { model, digest, source, runId, datasetVersion, pipelineRunId, tags, description, createdAtMs } = version
  const detail = { digest, source, runId, datasetVersion, pipelineRunId }
  const subject = versionText(version)
  const { rewritten } = version
  await recordAudit(trx, actor, {
    action: 'model.register',
    subject,
    detail: rewritten ? { ...detail, rewritten } : detail,
  })
  await recordLineage(trx, originsOf(version))
  const payload = { model, version: version.version, ...detail, tags, description, prompt: isPrompt(version) }
  await appendEvent(trx, { type: 'model.version_registered', subject, payload, atMs: createdAtMs })
}

function originsOf(version: ModelVersion): LineageEdge[] {
  const edge = (upstream: LineageNode, relation: string): LineageEdge => ({
    upstream,
    downstream: versionNode(version),
    relation,
    atMs: version.createdAtMs,
  })
  return [
    ...(version.runId ? [edge(`run:${version.runId}`, 'produced')] : []),
    ...(version.datasetVersion ? [edge(`dataset_version:${version.datasetVersion}`, 'trained_on')] : []),
    ...(version.pipelineRunId ? [edge(`pipeline_run:${version.pipelineRunId}`, 'produced')] : []),
  ]
}
