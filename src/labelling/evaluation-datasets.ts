// Making evaluation datasets, tagging them, and linking them to experiments.
import { getExperiment } from '../experiments/experiments.ts'
import type { ExperimentTables } from '../experiments/tables.ts'
import { recordAudit, type Actor, type AuditTables } from '../governance/audit.ts'
import type { Db, Transaction } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import { hexId } from '../platform/ids.ts'
import {
  datasetNameLength,
  digestOf,
  evaluationDatasetNotFound,
  userTag,
  type EvaluationDataset,
} from './evaluation-dataset.ts'
import {
  insertDataset,
  linkDataset,
  putDatasetTags,
  readDatasets,
  readLinks,
  removeDataset,
  removeDatasetTag,
  unlinkDataset,
  updateDataset,
} from './stores/evaluation-dataset-store.ts'
import type { LabellingTables } from './tables.ts'

export type LabellingWriteTables = LabellingTables & ExperimentTables & AuditTables
type Trx = Transaction<LabellingWriteTables>

export interface NewEvaluationDataset {
  readonly name: string
  readonly tags: Readonly<Record<string, string>>
  readonly experimentIds: readonly number[]
}

/** Names need not differ. @throws DomainError evaluation_dataset_name, experiment_not_found */
export async function createEvaluationDataset(
  trx: Trx,
  actor: Actor,
  { name, tags, experimentIds }: NewEvaluationDataset,
): Promise<EvaluationDataset> {
  if (name.length > datasetNameLength) {
    const message = `the name of an evaluation dataset has at most ${datasetNameLength} characters, not ${name.length}`
    throw new DomainError('invalid', 'evaluation_dataset_name', message)
  }
  for (const experimentId of new Set(experimentIds)) await getExperiment(trx, experimentId)
  const atMs = actor.clock()
  const user = tags[userTag] ?? null
  const header = { id: `d-${hexId()}`, name, digest: digestOf(name, atMs), schema: null, profile: null }
  const dataset = { ...header, tags, createdAtMs: atMs, updatedAtMs: atMs, createdBy: user, updatedBy: user }
  await insertDataset(trx, dataset)
  await putDatasetTags(trx, dataset.id, tags)
  await linkDataset(trx, dataset.id, experimentIds)
  const subject = `evaluation_dataset:${dataset.id}`
  await recordAudit(trx, actor, { action: 'evaluation_dataset.create', subject, detail: { name } })
  return dataset
}

/** @throws DomainError evaluation_dataset_not_found */
export async function getEvaluationDataset(db: Db<LabellingTables>, id: string): Promise<EvaluationDataset> {
  const [dataset] = await readDatasets(db, [id])
  if (!dataset) throw evaluationDatasetNotFound(id)
  return dataset
}

/** With its records. Nothing happens where there is none. */
export async function deleteEvaluationDataset(trx: Trx, actor: Actor, id: string): Promise<void> {
  if (!(await removeDataset(trx, id))) return
  const subject = `evaluation_dataset:${id}`
  await recordAudit(trx, actor, { action: 'evaluation_dataset.delete', subject, detail: {} })
}

/** Tags that are not named stay. @throws DomainError evaluation_dataset_not_found */
export async function setEvaluationDatasetTags(
  trx: Transaction<LabellingTables>,
  id: string,
  tags: Readonly<Record<string, string>>,
): Promise<void> {
  await getEvaluationDataset(trx, id)
  await putDatasetTags(trx, id, tags)
}

/** Nothing happens where there is none. */
export const deleteEvaluationDatasetTag = (trx: Transaction<LabellingTables>, id: string, key: string): Promise<void> =>
  removeDatasetTag(trx, id, key)

/** Empty for a dataset that is not there. */
export const experimentsOfDataset = (db: Db<LabellingTables>, id: string): Promise<number[]> => readLinks(db, id)

export interface DatasetLinks {
  readonly id: string
  readonly experimentIds: readonly number[]
}

/** Idempotent. @throws DomainError evaluation_dataset_not_found, experiment_not_found */
export async function addDatasetToExperiments(
  trx: Trx,
  actor: Actor,
  { id, experimentIds }: DatasetLinks,
): Promise<EvaluationDataset> {
  await getEvaluationDataset(trx, id)
  for (const experimentId of new Set(experimentIds)) await getExperiment(trx, experimentId)
  await linkDataset(trx, id, experimentIds)
  await updateDataset(trx, id, { updatedAtMs: actor.clock() })
  return getEvaluationDataset(trx, id)
}

/** Idempotent. @throws DomainError evaluation_dataset_not_found */
export async function removeDatasetFromExperiments(
  trx: Trx,
  actor: Actor,
  { id, experimentIds }: DatasetLinks,
): Promise<EvaluationDataset> {
  await getEvaluationDataset(trx, id)
  const removed = await unlinkDataset(trx, id, experimentIds)
  if (removed > 0) await updateDataset(trx, id, { updatedAtMs: actor.clock() })
  return getEvaluationDataset(trx, id)
}
