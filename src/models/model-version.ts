// What a model version is: a graph that can serve, or what an MLflow client keeps elsewhere, and all that is known of it. Pure.
import { z } from 'zod'
import { Digest } from '../data/manifest.ts'
import type { LineageNode } from '../governance/lineage.ts'
import { DomainError } from '../platform/errors.ts'
import { InfraResult } from './infra-result.ts'
import { ModelName, StoredTags } from './model.ts'
import { Signature } from './signature.ts'

/** candidate: registered, not judged; approved: may serve; rejected: a gate or a person said no; retired: has served and shall not again. */
export const VersionState = z.enum(['candidate', 'approved', 'rejected', 'retired'])
export type VersionState = z.infer<typeof VersionState>

/** Of MLflow's registry, beside the state: a label, which serves nothing by itself. */
export const VersionStage = z.enum(['None', 'Staging', 'Production', 'Archived'])
export type VersionStage = z.infer<typeof VersionStage>

/** Half-open [fromMs, toMs) of the rows' event time. */
export const TimeWindow = z.strictObject({ fromMs: z.int(), toMs: z.int() })
export type TimeWindow = Readonly<z.infer<typeof TimeWindow>>

/** How a graph differs from the one that its maker handed over. */
export const Rewritten = z.strictObject({
  /** sha256 of the maker's file. */
  from: Digest,
  /** What was changed, in words. */
  changes: z.array(z.string()).min(1),
})
export type Rewritten = Readonly<z.infer<typeof Rewritten>>

export const ModelVersion = z.strictObject({
  model: ModelName,
  version: z.int().positive(),
  state: VersionState,
  stage: VersionStage,
  /** Null: an MLflow client took it away. */
  description: z.string().nullable(),
  tags: StoredTags,
  /** Where an MLflow client has put the model (`models:/m-…`, `runs:/…`, the URI of its artifacts); null: it was registered here. */
  source: z.string().nullable(),
  /** The logged model that the version is of. */
  modelId: z.string().nullable(),
  /** sha256 of the ONNX file in the blob store; null, with bytes and signature: the version has no graph, and cannot serve. */
  digest: Digest.nullable(),
  bytes: z.int().positive().nullable(),
  signature: Signature.nullable(),
  /** Null: the graph is as its maker left it. */
  rewritten: Rewritten.nullable(),
  /** Of training and its validation, by name. */
  metrics: z.record(z.string(), z.number()),
  runId: z.string().nullable(),
  /** Page of the run on another server. */
  runLink: z.string().nullable(),
  /** `dataset/version` of the training rows. */
  datasetVersion: z.string().nullable(),
  pipelineRunId: z.string().nullable(),
  /** Event time of the training rows, for rules about held-out rows. */
  trainedOn: TimeWindow.nullable(),
  /** Blob with stored examples (`Examples` in examples.ts). */
  examplesDigest: Digest.nullable(),
  infra: InfraResult.nullable(),
  hasBaseline: z.boolean(),
  createdAtMs: z.int(),
  createdBy: z.string(),
  /** When its words, tags, stage or state last changed. */
  updatedAtMs: z.int(),
  /** Who approved it: a person, or a policy such as `loop:flights`. */
  approvedBy: z.string().nullable(),
  approvedAtMs: z.int().nullable(),
})
export type ModelVersion = Readonly<z.infer<typeof ModelVersion>>
export type VersionId = Pick<ModelVersion, 'model' | 'version'>
/** One with a graph: what gates judge and endpoints serve. */
export type GraphVersion = ModelVersion & {
  readonly digest: string
  readonly bytes: number
  readonly signature: Signature
}

/** `model/version`, such as `flights/3`. */
export const versionText = ({ model, version }: VersionId): string => `${model}/${version}`

export const versionNode = (id: VersionId): LineageNode => `model_version:${versionText(id)}`

/** @throws DomainError version_reference: the text is not `model/version` */
export function parseVersion(text: string): VersionId {
  const found = /^(?<model>[^\/]+)\/(?<version>[1-9]\d{0,8})$/v.exec(text)?.groups
  if (found) return { model: found['model']!, version: Number(found['version']) }
  throw new DomainError(
    'invalid',
    'version_reference',
    `"${text}" is no model version: write model/number, such as flights/3`,
  )
}

export const versionNotFound = (id: VersionId): DomainError =>
  new DomainError(
    'not_found',
    'model_version_not_found',
    `there is no version ${id.version} of the model "${id.model}"`,
    { ...id },
  )

/** @throws DomainError version_without_graph */
export function assertGraph(version: ModelVersion): asserts version is GraphVersion {
  if (version.digest !== null && version.bytes !== null && version.signature !== null) return
  throw new DomainError(
    'conflict',
    'version_without_graph',
    `${versionText(version)} is not servable: it has no ONNX graph, only the source ${version.source ?? ''}; convert it to ONNX and register that as a version`,
  )
}

/** Aliases whose versions serve: they take approved versions only. */
export const servingAliases: ReadonlySet<string> = new Set(['champion', 'challenger'])

/** @throws DomainError version_without_graph, version_not_approved: the version may not serve */
export function assertMayServe(version: ModelVersion, alias: string): asserts version is GraphVersion {
  assertGraph(version)
  const { state } = version
  if (state === 'approved') return
  const next =
    state === 'candidate' ? 'let a gate judge it, or approve it' : 'approve it again, or choose another version'
  throw new DomainError(
    'conflict',
    'version_not_approved',
    `${versionText(version)} is ${state} and cannot become ${alias}: ${next}`,
  )
}
