// Evaluation datasets, scorers, issues, label schemas and review queues of an MLflow database.
import {
  bringDataset,
  bringIssue,
  bringLabelSchema,
  bringRecords,
  bringReviewQueue,
  bringScorer,
  countBroughtRecords,
  type BroughtRecord,
} from '../../labelling/bring-in.ts'
import type { Issue } from '../../labelling/issue.ts'
import type { ReviewItem, ReviewQueue } from '../../labelling/review-queue.ts'
import { transact } from '../../platform/database.ts'
import { DomainError } from '../../platform/errors.ts'
import { isExactObject, parseExact, printExact } from '../../platform/exact-json.ts'
import { labelInputOf } from '../exchange/label-inputs.ts'
import type { ImportDeps, LeftBehind, Tally } from './deps.ts'
import { isTrue, orNull, textsOf, timeOf } from './rows.ts'
import type { SourceRow } from './source.ts'

/** The ids of the home's experiments by those of the source, which are texts: some have 18 digits. */
export type ExperimentIds = ReadonlyMap<string, number>

export interface ImportedLabelling {
  /** What stayed behind. */
  readonly left: readonly LeftBehind[]
  /** Ids of the home's label schemas by those of the source. */
  readonly schemas: ReadonlyMap<string, string>
}

/** After the traces, which review queues name. @throws DomainError import_incomplete */
export async function importLabelling(deps: ImportDeps, ids: ExperimentIds, tally: Tally): Promise<ImportedLabelling> {
  const left: LeftBehind[] = []
  for (const row of await tableOf(deps, 'evaluation_datasets')) {
    tally.add('evaluation records', await importDataset(deps, row, ids))
    tally.add('evaluation datasets')
  }
  for (const row of await tableOf(deps, 'scorers')) {
    if (await importScorer(deps, row, idOf(row, ids))) tally.add('scorers')
    else
      left.push({
        table: 'scorers',
        id: String(row['scorer_id']),
        why: `the scorer "${String(row['scorer_name'])}": its experiment has one of that name`,
      })
  }
  for (const row of await tableOf(deps, 'issues')) {
    await transact(deps.db, (trx) => bringIssue(trx, issueOf(row, idOf(row, ids))))
    tally.add('issues')
  }
  const schemas = new Map<string, string>()
  for (const row of await tableOf(deps, 'label_schemas')) {
    schemas.set(String(row['schema_id']), await importSchema(deps, row, idOf(row, ids)))
    tally.add('label schemas')
  }
  for (const row of await tableOf(deps, 'review_queues')) {
    if (await importQueue(deps, queueOf(row, idOf(row, ids)), schemas)) tally.add('review queues')
    else
      left.push({
        table: 'review_queues',
        id: String(row['queue_id']),
        why: `the review queue "${String(row['name'])}": its experiment has one of that name`,
      })
  }
  return { left, schemas }
}

const idOf = (row: SourceRow, ids: ExperimentIds): number => ids.get(String(row['experiment_id'])) ?? 0

/** All rows, for what people make by hand; none of a table that an older schema does not have. */
async function tableOf({ source }: ImportDeps, table: string): Promise<SourceRow[]> {
  const columns = await source.columnsOf(table)
  return columns.size === 0 ? [] : source.all(`select * from ${table} order by 1`)
}

/** Answers how many records. */
async function importDataset(deps: ImportDeps, row: SourceRow, ids: ExperimentIds): Promise<number> {
  const { db, source } = deps
  const id = String(row['dataset_id'])
  const tags = await source.all('select key, value from evaluation_dataset_tags where dataset_id = ?', [id])
  const links = await source.all(
    "select destination_id as experiment_id from entity_associations where source_type = 'evaluation_dataset' and source_id = ? and destination_type = 'experiment'",
    [id],
  )
  const createdAtMs = timeOf(row['created_time'])
  const dataset = {
    id,
    name: String(row['name']),
    digest: orNull(row['digest']) ?? '',
    schema: orNull(row['schema']),
    profile: orNull(row['profile']),
    tags: textsOf(tags),
    createdAtMs,
    updatedAtMs: timeOf(row['last_update_time'] ?? createdAtMs),
    createdBy: orNull(row['created_by']),
    updatedBy: orNull(row['last_updated_by']),
  }
  const experimentIds = links.map((link) => idOf(link, ids))
  await transact(db, (trx) => bringDataset(trx, { dataset, experimentIds }))
  return copyRecords(deps, id)
}

const jsonColumns = ['inputs', 'outputs', 'expectations', 'tags', 'source']

/** All that the schema has. */
export async function recordColumns(source: ImportDeps['source']): Promise<string> {
  const columns = await source.columnsOf('evaluation_dataset_records')
  // PostgreSQL's own reading of JSON would lose digits of numbers.
  return [...columns].map((name) => (jsonColumns.includes(name) ? `cast(${name} as text) as ${name}` : name)).join(', ')
}

async function copyRecords({ db, source }: ImportDeps, datasetId: string): Promise<number> {
  const query = `select ${await recordColumns(source)} from evaluation_dataset_records where dataset_id = ?
    order by created_time, dataset_record_id`
  let count = 0
  for await (const rows of source.rows(query, [datasetId])) {
    const records = rows.map((row) => recordOf(datasetId, row))
    await transact(db, (trx) => bringRecords(trx, datasetId, records))
    count += records.length
  }
  const here = await countBroughtRecords(db, datasetId)
  if (here >= count) return count
  const message = `the evaluation dataset ${datasetId} has ${here} records here and ${count} at its source: was it changed since it was brought over?`
  throw new DomainError('conflict', 'import_incomplete', message)
}

function recordOf(datasetId: string, row: SourceRow): BroughtRecord {
  // A JSON null and none at all are one to its clients.
  const json = (name: string): string | null => (row[name] === 'null' ? null : orNull(row[name]))
  const createdAtMs = timeOf(row['created_time'])
  return {
    id: String(row['dataset_record_id']),
    dataset_id: datasetId,
    input_hash: String(row['input_hash']),
    inputs: json('inputs') ?? '{}',
    outputs: outputsOf(json('outputs')),
    expectations: json('expectations'),
    tags: json('tags') ?? '{}',
    source: json('source'),
    source_id: orNull(row['source_id']),
    source_type: orNull(row['source_type']),
    created_at_ms: createdAtMs,
    updated_at_ms: timeOf(row['last_update_time'] ?? createdAtMs),
    created_by: orNull(row['created_by']),
    updated_by: orNull(row['last_updated_by']),
  }
}

/** Its database wraps them into an object, whatever they are. */
function outputsOf(json: string | null): string | null {
  const wrapped = json === null ? null : parseExact(json)
  const outputs = isExactObject(wrapped) ? wrapped['mlflow_wrapped'] : undefined
  return outputs === undefined || outputs === null ? null : printExact(outputs)
}

async function importScorer({ db, source }: ImportDeps, row: SourceRow, experimentId: number): Promise<boolean> {
  const id = String(row['scorer_id'])
  const versions = await source.all('select * from scorer_versions where scorer_id = ? order by scorer_version', [id])
  const hasOnline = (await source.columnsOf('online_scoring_configs')).size > 0
  const [online] = hasOnline ? await source.all('select * from online_scoring_configs where scorer_id = ?', [id]) : []
  const scorer = {
    id,
    experimentId,
    name: String(row['scorer_name']),
    versions: versions.map((version) => ({
      version: Number(version['scorer_version']),
      serialized: String(version['serialized_scorer']),
      createdAtMs: timeOf(version['creation_time']),
    })),
    online: online
      ? {
          id: String(online['online_scoring_config_id']),
          sampleRate: Number(online['sample_rate']),
          filter: orNull(online['filter_string']),
        }
      : null,
  }
  return transact(db, (trx) => bringScorer(trx, scorer))
}

const listOf = (json: SourceRow[string] | undefined): string[] => (json ? (JSON.parse(String(json)) as string[]) : [])

const issueOf = (row: SourceRow, experimentId: number): Issue => ({
  id: String(row['issue_id']),
  experimentId,
  name: String(row['name']),
  description: String(row['description']),
  status: String(row['status']) as Issue['status'],
  severity: orNull(row['severity']) as Issue['severity'],
  rootCauses: listOf(row['root_causes']),
  categories: listOf(row['categories']),
  sourceRunId: orNull(row['source_run_id']),
  createdAtMs: timeOf(row['created_timestamp']),
  updatedAtMs: timeOf(row['last_updated_timestamp']),
  createdBy: orNull(row['created_by']),
})

/** Answers its id here. */
function importSchema({ db }: ImportDeps, row: SourceRow, experimentId: number): Promise<string> {
  const schema = {
    id: String(row['schema_id']),
    experimentId,
    name: String(row['name']),
    type: String(row['type']) as 'feedback',
    input: labelInputOf(String(row['input_type']), JSON.parse(String(row['input_config']))),
    instruction: orNull(row['instruction']),
    enablesComment: isTrue(row['enable_comment']),
    isDefault: isTrue(row['is_default']),
    createdAtMs: timeOf(row['created_time']),
    updatedAtMs: timeOf(row['last_update_time']),
  }
  return transact(db, (trx) => bringLabelSchema(trx, schema))
}

type QueueHeader = Omit<ReviewQueue, 'users' | 'schemaIds'>

const queueOf = (row: SourceRow, experimentId: number): QueueHeader => ({
  id: String(row['queue_id']),
  experimentId,
  name: String(row['name']),
  type: String(row['queue_type']) as ReviewQueue['type'],
  createdBy: orNull(row['created_by']),
  createdAtMs: timeOf(row['creation_time_ms']),
  updatedAtMs: timeOf(row['last_update_time_ms']),
})

async function importQueue(
  { db, source }: ImportDeps,
  header: QueueHeader,
  schemas: ReadonlyMap<string, string>,
): Promise<boolean> {
  const ofQueue = (table: string) => source.all(`select * from ${table} where queue_id = ? order by 2`, [header.id])
  const users = (await ofQueue('review_queue_users')).map((row) => String(row['user_id']))
  const named = (await ofQueue('review_queue_label_schemas')).map((row) => String(row['schema_id']))
  const schemaIds = named.map((id) => schemas.get(id) ?? id)
  const items = (await ofQueue('review_queue_items')).map(itemOf)
  return transact(db, (trx) => bringReviewQueue(trx, { queue: { ...header, users, schemaIds }, items }))
}

const itemOf = (row: SourceRow): Omit<ReviewItem, 'queueId'> => ({
  traceId: String(row['item_id']),
  status: String(row['status']) as ReviewItem['status'],
  completedBy: orNull(row['completed_by']),
  completedAtMs: row['completed_time_ms'] === null ? null : timeOf(row['completed_time_ms']),
  createdAtMs: timeOf(row['creation_time_ms']),
  updatedAtMs: timeOf(row['last_update_time_ms']),
})
