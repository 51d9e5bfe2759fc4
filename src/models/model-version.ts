// What a model version is: the bytes of a graph and all that is known of it. Everything but its state, words and approval is fixed. Pure.
import { z } from 'zod'
import { Digest } from '../data/manifest.ts'
import type { LineageNode } from '../governance/lineage.ts'
import { DomainError } from '../platform/errors.ts'
import { InfraResult } from './infra-result.ts'
import { Description, ModelName, Tags } from './model.ts'
import { Signature } from './signature.ts'

/** candidate: registered, not judged; approved: may serve; rejected: a gate or a person said no; retired: has served and shall not again. */
export const VersionState = z.enum(['candidate', 'approved', 'rejected', 'retired'])
export type VersionState = z.infer<typeof VersionState>

/** Half-open [fromMs, toMs) of the rows' event time. */
export const TimeWindow = z.strictObject({ fromMs: z.int(), toMs: z.int() })
export type TimeWindow = Readonly<z.infer<typeof TimeWindow>>

export const ModelVersion = z.strictObject({
  model: ModelName,
  version: z.int().positive(),
  state: VersionState,
  description: Description,
  tags: Tags,
  /** sha256 of the ONNX file in the blob store. */
  digest: Digest,
  bytes: z.int().positive(),
  signature: Signature,
  /** Of training and its validation, by name. */
  metrics: z.record(z.string(), z.number()),
  runId: z.string().nullable(),
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
  /** Who approved it: a person, or a policy such as `loop:flights`. */
  approvedBy: z.string().nullable(),
  approvedAtMs: z.int().nullable(),
})
export type ModelVersion = Readonly<z.infer<typeof ModelVersion>>
export type VersionId = Pick<ModelVersion, 'model' | 'version'>

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
  )

/** Aliases whose versions serve: they take approved versions only. */
const servingAliases: ReadonlySet<string> = new Set(['champion', 'challenger'])

/** @throws DomainError version_not_approved: the version may not serve */
export function assertMayServe(
  { state, ...id }: Pick<ModelVersion, 'model' | 'version' | 'state'>,
  alias: string,
): void {
  if (state === 'approved' || !servingAliases.has(alias)) return
  const next =
    state === 'candidate' ? 'let a gate judge it, or approve it' : 'approve it again, or choose another version'
  throw new DomainError(
    'conflict',
    'version_not_approved',
    `${versionText(id)} is ${state} and cannot become ${alias}: ${next}`,
  )
}
