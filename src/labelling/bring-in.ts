// Bringing over what another program kept: entities with the ids and times that they had. One whose id is here already stays as it is.
import type { Db, Transaction } from '../platform/database.ts'
import type { TraceTables } from '../tracing/tables.ts'
import type { EvaluationDataset } from './evaluation-dataset.ts'
import type { Issue } from './issue.ts'
import type { LabelSchema } from './label-schema.ts'
import type { ReviewItem, ReviewQueue } from './review-queue.ts'
import { insertDataset, linkDataset, putDatasetTags, readDatasets } from './stores/evaluation-dataset-store.ts'
import { countRecords, putRecords, readRecordsByHash, type RecordRow } from './stores/evaluation-record-store.ts'
import { insertIssue, readIssue } from './stores/issue-store.ts'
import { findSchemaByName, insertSchema, readSchema } from './stores/label-schema-store.ts'
import { insertItems, knownTraces } from './stores/review-item-store.ts'
import { findQueueByName, insertQueue, readQueue } from './stores/review-queue-store.ts'
import {
  findScorer,
  hasScorer,
  insertScorer,
  insertScorerVersion,
  putOnlineScoring,
  type OnlineScoring,
  type ScorerVersion,
} from './stores/scorer-store.ts'
import type { LabellingTables } from './tables.ts'

type Trx = Transaction<LabellingTables>

export interface BroughtDataset {
  readonly dataset: EvaluationDataset
  readonly experimentIds: readonly number[]
}

/** Its records come by {@link bringRecords}. */
export async function bringDataset(trx: Trx, { dataset, experimentIds }: BroughtDataset): Promise<void> {
  const [known] = await readDatasets(trx, [dataset.id])
  if (known) return
  const { tags, ...header } = dataset
  await insertDataset(trx, header)
  await putDatasetTags(trx, dataset.id, tags)
  await linkDataset(trx, dataset.id, experimentIds)
}

export type BroughtRecord = Omit<RecordRow, 'no'>

/** Of one dataset that is here, in their order; a record whose inputs are here already stays as it is. */
export async function bringRecords(trx: Trx, datasetId: string, records: readonly BroughtRecord[]): Promise<void> {
  const hashes = records.map((record) => record.input_hash)
  const known = await readRecordsByHash(trx, datasetId, hashes)
  const fresh = records.filter((record) => !known.has(record.input_hash))
  await putRecords(trx, fresh)
}

export const countBroughtRecords = (db: Db<LabellingTables>, datasetId: string): Promise<number> =>
  countRecords(db, datasetId)

export interface BroughtScorer {
  readonly id: string
  readonly experimentId: number
  readonly name: string
  readonly versions: readonly Pick<ScorerVersion, 'version' | 'serialized' | 'createdAtMs'>[]
  readonly online: Omit<OnlineScoring, 'scorerId' | 'experimentId'> | null
}

/** Answers whether it is here under its id: one of the experiment that has its name stays as it is. */
export async function bringScorer(trx: Trx, scorer: BroughtScorer): Promise<boolean> {
  const { id, experimentId, name, versions, online } = scorer
  if (await hasScorer(trx, id)) return true
  if ((await findScorer(trx, { experimentId, name })) !== undefined) return false
  await insertScorer(trx, { id, experimentId, name })
  for (const version of versions) await insertScorerVersion(trx, id, version)
  if (online) await putOnlineScoring(trx, { ...online, scorerId: id, experimentId })
  return true
}

export async function bringIssue(trx: Trx, issue: Issue): Promise<void> {
  if (!(await readIssue(trx, issue.id))) await insertIssue(trx, issue)
}

/** Answers the id that the question has here: one of the experiment that has its name stays as it is. */
export async function bringLabelSchema(trx: Trx, schema: LabelSchema): Promise<string> {
  const known = (await readSchema(trx, schema.id)) ?? (await findSchemaByName(trx, schema))
  if (known) return known.id
  await insertSchema(trx, schema)
  return schema.id
}

export interface BroughtQueue {
  readonly queue: ReviewQueue
  /** Those whose trace is not here are left out. */
  readonly items: readonly Omit<ReviewItem, 'queueId'>[]
}

/** Answers whether it is here under its id: one of the experiment that has its name stays as it is. */
export async function bringReviewQueue(
  trx: Transaction<LabellingTables & TraceTables>,
  { queue, items }: BroughtQueue,
): Promise<boolean> {
  if (await readQueue(trx, queue.id)) return true
  if (await findQueueByName(trx, queue)) return false
  await insertQueue(trx, queue)
  const ids = items.map(({ traceId }) => traceId)
  const known = await knownTraces(trx, queue.experimentId, ids)
  const kept = items.filter(({ traceId }) => known.has(traceId))
  await insertItems(
    trx,
    kept.map((item) => ({ ...item, queueId: queue.id })),
  )
  return true
}
