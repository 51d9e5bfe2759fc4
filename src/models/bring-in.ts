// Bringing over what another registry held: models with the numbers, times and stages that their versions had.
import type { Transaction } from '../platform/database.ts'
import type { Alias } from './alias.ts'
import { putAlias, type AliasTables } from './alias-store.ts'
import type { Model } from './model.ts'
import { findModel, insertModel, type ModelTables } from './model-store.ts'
import type { ModelVersion } from './model-version.ts'
import { insertVersion, moveVersionFiles, type ModelVersionTables } from './model-version-store.ts'

export type BroughtVersion = Pick<
  ModelVersion,
  | 'version'
  | 'description'
  | 'tags'
  | 'stage'
  | 'source'
  | 'modelId'
  | 'runLink'
  | 'runId'
  | 'createdAtMs'
  | 'updatedAtMs'
> & { readonly storageLocation: string | null }

export interface BroughtModel {
  readonly model: Model
  readonly versions: readonly BroughtVersion[]
  readonly aliases: readonly Pick<Alias, 'alias' | 'version'>[]
  /** Whether files there were left behind by an earlier import, and may have come since. */
  readonly isLeft: (place: string) => boolean
}

/** A model whose name is taken stays as it is, but for where files are that came since. Answers whether it is here: brought now, or before, made at the same time. */
export async function bringModel(
  trx: Transaction<ModelTables & ModelVersionTables & AliasTables>,
  { model, versions, aliases, isLeft }: BroughtModel,
): Promise<boolean> {
  const known = await findModel(trx, model.name)
  if (known) {
    if (known.createdAtMs !== model.createdAtMs) return false
    const now = versions.map(({ version, source, storageLocation }) => {
      return [version, { source, storage_location: storageLocation }] as const
    })
    await moveVersionFiles(trx, model.name, { isOld: isLeft, now: new Map(now) })
    return true
  }
  await insertModel(trx, model)
  for (const version of versions) {
    const unknown = {
      state: 'candidate',
      digest: null,
      bytes: null,
      signature: null,
      rewritten: null,
      metrics: {},
      datasetVersion: null,
      pipelineRunId: null,
      trainedOn: null,
      examplesDigest: null,
      infra: null,
      approvedBy: null,
      approvedAtMs: null,
    } as const
    await insertVersion(trx, { ...unknown, ...version, model: model.name, createdBy: 'import' }, null)
  }
  for (const alias of aliases) await putAlias(trx, { model: model.name, ...alias, setAtMs: model.updatedAtMs })
  return true
}
