// Bringing over what another registry held: models with the numbers, times and stages that their versions had.
import type { Transaction } from '../platform/database.ts'
import type { Alias } from './alias.ts'
import { putAlias, type AliasTables } from './alias-store.ts'
import type { Model } from './model.ts'
import { findModel, insertModel, type ModelTables } from './model-store.ts'
import type { ModelVersion } from './model-version.ts'
import { insertVersion, type ModelVersionTables } from './model-version-store.ts'

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
}

/** A model whose name is taken stays as it is. Answers whether it is here: brought now, or before, made at the same time. */
export async function bringModel(
  trx: Transaction<ModelTables & ModelVersionTables & AliasTables>,
  { model, versions, aliases }: BroughtModel,
): Promise<boolean> {
  const known = await findModel(trx, model.name)
  if (known) return known.createdAtMs === model.createdAtMs
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
