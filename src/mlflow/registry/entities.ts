// Registered models and versions as MLflow's clients see them.
import type { Alias } from '../../models/alias.ts'
import type { Model } from '../../models/model.ts'
import type { ModelVersion, VersionId } from '../../models/model-version.ts'
import type * as wire from '../generated/messages.ts'

/** An empty list is not on the wire. */
export const listed = <T>(list: readonly T[]): readonly T[] | undefined => (list.length > 0 ? list : undefined)

const pairsOf = (texts: Readonly<Record<string, string>>): readonly { key: string; value: string }[] | undefined =>
  listed(Object.entries(texts).map(([key, value]) => ({ key, value })))

/** Of a version that was registered here: no client can read it, and none takes it for something else. */
const ownSource = ({ model, version }: VersionId): string => `trueloop:/models/${model}/versions/${version}`

export const sourceOf = (version: ModelVersion): string => version.source ?? ownSource(version)

/** MLflow's server tells an empty text where it has none. */
export const versionOf = (version: ModelVersion, aliases: readonly string[] = []): wire.ModelVersion => ({
  name: version.model,
  version: String(version.version),
  creation_timestamp: version.createdAtMs,
  last_updated_timestamp: version.updatedAtMs,
  current_stage: version.stage,
  description: version.description ?? undefined,
  source: sourceOf(version),
  run_id: version.runId ?? '',
  status: 'READY',
  tags: pairsOf(version.tags),
  run_link: version.runLink ?? '',
  aliases: listed(aliases),
})

/** The wire knows no empty description of a model. */
export const modelOf = (
  model: Model,
  { newest, aliases }: { newest: readonly ModelVersion[]; aliases: readonly Alias[] },
): wire.RegisteredModel => ({
  name: model.name,
  creation_timestamp: model.createdAtMs,
  last_updated_timestamp: model.updatedAtMs,
  description: model.description === '' ? undefined : model.description,
  latest_versions: listed(newest.map((version) => versionOf(version))),
  tags: pairsOf(model.tags),
  aliases: listed(aliases.map(({ alias, version }) => ({ alias, version: String(version) }))),
})
