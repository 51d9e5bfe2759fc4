// The records of an evaluation dataset: merged by their inputs, read in pages.
import type { Actor } from '../governance/audit.ts'
import type { Db, Transaction } from '../platform/database.ts'
import { parseExact, printExact, type ExactObject } from '../platform/exact-json.ts'
import { hexId } from '../platform/ids.ts'
import {
  digestOf,
  inputHashOf,
  profileOf,
  sourceIdOf,
  userOf,
  withFieldsOf,
  type SentRecord,
} from './evaluation-dataset.ts'
import { getEvaluationDataset } from './evaluation-datasets.ts'
import { updateDataset } from './stores/evaluation-dataset-store.ts'
import {
  countRecords,
  putRecords,
  readRecordPage,
  readRecordsByHash,
  removeRecords,
  type RecordRow,
  type StoredRecord,
} from './stores/evaluation-record-store.ts'
import type { LabellingTables } from './tables.ts'

export type { StoredRecord } from './stores/evaluation-record-store.ts'

export const recordPageMax = 10_000

type Row = Omit<RecordRow, 'no'>

/**
 * A record whose inputs are there already gives that one its expectations and tags, and its outputs where it says any.
 * @throws DomainError evaluation_dataset_not_found
 */
export async function putEvaluationRecords(
  trx: Transaction<LabellingTables>,
  actor: Actor,
  { datasetId, records }: { datasetId: string; records: readonly SentRecord[] },
): Promise<{ inserted: number; updated: number }> {
  const dataset = await getEvaluationDataset(trx, datasetId)
  const atMs = actor.clock()
  const hashed = records.map((record) => ({ record, hash: inputHashOf(record.inputs) }))
  const stored = await readRecordsByHash(trx, datasetId, [...new Set(hashed.map(({ hash }) => hash))])
  const rows = new Map<string, Row>()
  for (const { record, hash } of hashed) {
    const before = rows.get(hash) ?? withoutNumber(stored.get(hash))
    const row = before ? merged(before, record, atMs) : newRow(record, { datasetId, hash, atMs })
    rows.set(hash, row)
  }
  await putRecords(trx, [...rows.values()])
  const inserted = rows.size - stored.size
  const users = records.flatMap(({ tags }) => userOf(tags) ?? [])
  const schema = withFieldsOf(dataset.schema, records)
  const count = await countRecords(trx, datasetId)
  await updateDataset(trx, datasetId, {
    updatedAtMs: atMs,
    updatedBy: users.at(-1) ?? null,
    digest: digestOf(dataset.name, atMs),
    schema,
    ...(count > 0 ? { profile: profileOf(count) } : {}),
  })
  return { inserted, updated: records.length - inserted }
}

function withoutNumber(stored: StoredRecord | undefined): Row | undefined {
  if (!stored) return undefined
  const { no: _no, ...row } = stored
  return row
}

function newRow(record: SentRecord, made: { datasetId: string; hash: string; atMs: number }): Row {
  const { inputs, outputs = {}, expectations, tags, source } = record
  const user = userOf(tags)
  return {
    id: `dr-${hexId()}`,
    dataset_id: made.datasetId,
    input_hash: made.hash,
    inputs: printExact(inputs),
    outputs: outputs === null ? null : printExact(outputs),
    expectations: expectations === undefined ? null : printExact(expectations),
    tags: printExact(tags),
    source: source && printExact({ source_type: source.type, source_data: source.data }),
    source_id: source && sourceIdOf(source),
    source_type: source && source.type,
    created_at_ms: made.atMs,
    updated_at_ms: made.atMs,
    created_by: user,
    updated_by: user,
  }
}

function merged(before: Row, record: SentRecord, atMs: number): Row {
  const { outputs, expectations, tags } = record
  return {
    ...before,
    ...(outputs === undefined ? {} : { outputs: outputs === null ? null : printExact(outputs) }),
    expectations: withFields(before.expectations, expectations ?? {}),
    tags: withFields(before.tags, tags) ?? '{}',
    updated_at_ms: atMs,
    updated_by: userOf(tags) ?? before.updated_by,
  }
}

function withFields(before: string | null, fields: ExactObject): string | null {
  if (Object.keys(fields).length === 0) return before
  return printExact({ ...(before === null ? {} : (parseExact(before) as ExactObject)), ...fields })
}

/** Those after number `after`, at most {@link recordPageMax}; none of a dataset that is not there. */
export async function readEvaluationRecords(
  db: Db<LabellingTables>,
  { datasetId, after, limit }: { datasetId: string; after: number; limit: number },
): Promise<{ records: StoredRecord[]; next?: number }> {
  const size = Math.min(limit, recordPageMax)
  const found = await readRecordPage(db, { datasetId, after, limit: size + 1 })
  const records = found.slice(0, size)
  const last = records.at(-1)
  return found.length > size && last ? { records, next: last.no } : { records }
}

/** How many there were; none in a dataset that is not there. */
export async function deleteEvaluationRecords(
  trx: Transaction<LabellingTables>,
  { datasetId, ids }: { datasetId: string; ids: readonly string[] },
): Promise<number> {
  const removed = await removeRecords(trx, datasetId, ids)
  if (removed > 0) await updateDataset(trx, datasetId, { profile: profileOf(await countRecords(trx, datasetId)) })
  return removed
}
