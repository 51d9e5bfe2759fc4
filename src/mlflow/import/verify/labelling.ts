// What people make to judge models by, compared: evaluation datasets, scorers, issues, label schemas, review queues; and webhooks.
import { webhookEvents } from '../../../governance/webhook.ts'
import { DomainError } from '../../../platform/errors.ts'
import { isExactObject, parseExact, printExact, type ExactJson } from '../../../platform/exact-json.ts'
import { labelConfigOf, labelInputOf } from '../../exchange/label-inputs.ts'
import { tableCopies, type TableCopy } from '../../export/tables.ts'
import { recordColumns } from '../labelling.ts'
import { isTrue } from '../rows.ts'
import { experimentOf, tableComparison, type Owners, type Row } from './comparison.ts'

/** The same text for the same JSON, whoever printed it; null and none at all are one. What cannot be read is compared as it stands. */
function jsonText(value: unknown, of = (read: ExactJson): ExactJson | undefined => read): string | null {
  if (typeof value !== 'string') return null
  try {
    const read = of(parseExact(value))
    return read === null || read === undefined ? null : printExact(read)
  } catch (error) {
    if (error instanceof DomainError || error instanceof RangeError) return value
    throw error
  }
}

const unwrapped = (read: ExactJson) => (isExactObject(read) ? read['mlflow_wrapped'] : undefined)

const recordJson = ['inputs', 'expectations', 'tags', 'source']

function record(row: Row): Row {
  return {
    ...row,
    ...Object.fromEntries(recordJson.map((name) => [name, jsonText(row[name])])),
    inputs: jsonText(row['inputs']) ?? '{}',
    tags: jsonText(row['tags']) ?? '{}',
    outputs: jsonText(row['outputs'], unwrapped),
    created_time: row['created_time'] ?? 0,
    last_update_time: row['last_update_time'] ?? row['created_time'] ?? 0,
  }
}

const after = (table: string, then: (row: Row) => Row): readonly TableCopy[] =>
  tableCopies
    .filter((copy) => copy.table === table)
    .map((copy) => ({ ...copy, rows: (row) => (copy.rows?.(row) ?? [row]).map(then) }))

export const evaluationDatasets: Owners = {
  noun: 'evaluation dataset',
  table: 'evaluation_datasets',
  key: 'dataset_id',
  comparisons: [
    tableComparison(
      {
        kind: 'evaluation datasets',
        table: 'evaluation_datasets',
        owner: 'dataset_id',
        columns: [
          'dataset_id',
          'name',
          'schema',
          'profile',
          'digest',
          'created_time',
          'last_update_time',
          'created_by',
          'last_updated_by',
        ],
        expected: (row) => ({
          ...row,
          created_time: row['created_time'] ?? 0,
          last_update_time: row['last_update_time'] ?? row['created_time'] ?? 0,
        }),
      },
      tableCopies,
    ),
    tableComparison(
      {
        kind: 'tags of evaluation datasets',
        table: 'evaluation_dataset_tags',
        owner: 'dataset_id',
        columns: ['dataset_id', 'key', 'value'],
      },
      tableCopies,
    ),
    tableComparison(
      {
        kind: 'evaluation records',
        table: 'evaluation_dataset_records',
        owner: 'dataset_id',
        columns: [
          'dataset_record_id',
          'dataset_id',
          'inputs',
          'outputs',
          'expectations',
          'tags',
          'source',
          'source_id',
          'source_type',
          'created_time',
          'last_update_time',
          'created_by',
          'last_updated_by',
          'input_hash',
        ],
        theirs: async (source) =>
          `select ${await recordColumns(source)} from evaluation_dataset_records where dataset_id in (:owners)`,
        expected: record,
      },
      after('evaluation_dataset_records', record),
    ),
    tableComparison(
      {
        kind: 'experiments of evaluation datasets',
        table: 'entity_associations',
        owner: 'source_id',
        columns: ['source_id', 'destination_id'],
        theirs: `select * from entity_associations where source_type = 'evaluation_dataset'
          and destination_type = 'experiment' and source_id in (:owners)`,
        expected: (row, { experiments }) => ({
          ...row,
          destination_id: String(experiments.get(String(row['destination_id'])) ?? 0),
        }),
      },
      tableCopies,
    ),
  ],
}

export const scorers: Owners = {
  noun: 'scorer',
  table: 'scorers',
  key: 'scorer_id',
  comparisons: [
    tableComparison(
      {
        kind: 'scorers',
        table: 'scorers',
        owner: 'scorer_id',
        columns: ['scorer_id', 'experiment_id', 'scorer_name'],
        expected: (row, renamed) => ({ ...row, experiment_id: experimentOf(row, renamed) }),
      },
      tableCopies,
    ),
    tableComparison(
      {
        kind: 'versions of scorers',
        table: 'scorer_versions',
        owner: 'scorer_id',
        columns: ['scorer_id', 'scorer_version', 'serialized_scorer', 'creation_time'],
        expected: (row) => ({ ...row, creation_time: row['creation_time'] ?? 0 }),
      },
      tableCopies,
    ),
    tableComparison(
      {
        kind: 'online scoring',
        table: 'online_scoring_configs',
        owner: 'scorer_id',
        columns: ['online_scoring_config_id', 'scorer_id', 'sample_rate', 'filter_string'],
      },
      tableCopies,
    ),
  ],
}

const lists = ['root_causes', 'categories']
const withLists = (row: Row): Row => ({
  ...row,
  ...Object.fromEntries(lists.map((name) => [name, jsonText(row[name] || '[]')])),
})

export const issues: Owners = {
  noun: 'issue',
  table: 'issues',
  key: 'issue_id',
  comparisons: [
    tableComparison(
      {
        kind: 'issues',
        table: 'issues',
        owner: 'issue_id',
        columns: [
          'issue_id',
          'experiment_id',
          'name',
          'description',
          'status',
          'severity',
          'root_causes',
          'categories',
          'source_run_id',
          'created_timestamp',
          'last_updated_timestamp',
          'created_by',
        ],
        expected: (row, renamed) => ({ ...withLists(row), experiment_id: experimentOf(row, renamed) }),
      },
      after('issues', withLists),
    ),
  ],
}

const flags = (row: Row): Row => ({
  ...row,
  enable_comment: isTrue(row['enable_comment'] as boolean | number),
  is_default: isTrue(row['is_default'] as boolean | number),
})

export const labelSchemas: Owners = {
  noun: 'label schema',
  table: 'label_schemas',
  key: 'schema_id',
  comparisons: [
    tableComparison(
      {
        kind: 'label schemas',
        table: 'label_schemas',
        owner: 'schema_id',
        columns: [
          'schema_id',
          'experiment_id',
          'name',
          'type',
          'instruction',
          'enable_comment',
          'input_type',
          'input_config',
          'is_default',
          'created_time',
          'last_update_time',
        ],
        expected(row, renamed) {
          const id = String(row['schema_id'])
          // One of its experiment that has its name stays as it is.
          if (renamed.schemas.get(id) !== id) return undefined
          const input = labelInputOf(String(row['input_type']), JSON.parse(String(row['input_config'])))
          const config = JSON.stringify(labelConfigOf(input))
          return { ...flags(row), experiment_id: experimentOf(row, renamed), input_config: config }
        },
      },
      after('label_schemas', flags),
    ),
  ],
}

export const reviewQueues: Owners = {
  noun: 'review queue',
  table: 'review_queues',
  key: 'queue_id',
  comparisons: [
    tableComparison(
      {
        kind: 'review queues',
        table: 'review_queues',
        owner: 'queue_id',
        columns: [
          'queue_id',
          'experiment_id',
          'name',
          'queue_type',
          'created_by',
          'creation_time_ms',
          'last_update_time_ms',
        ],
        expected: (row, renamed) => ({ ...row, experiment_id: experimentOf(row, renamed) }),
      },
      tableCopies,
    ),
    tableComparison(
      {
        kind: 'people of review queues',
        table: 'review_queue_users',
        owner: 'queue_id',
        columns: ['queue_id', 'user_id'],
      },
      tableCopies,
    ),
    tableComparison(
      {
        kind: 'questions of review queues',
        table: 'review_queue_label_schemas',
        owner: 'queue_id',
        columns: ['queue_id', 'schema_id'],
        expected: (row, { schemas }) => ({
          ...row,
          schema_id: schemas.get(String(row['schema_id'])) ?? row['schema_id'],
        }),
      },
      tableCopies,
    ),
    tableComparison(
      {
        kind: 'items of review queues',
        table: 'review_queue_items',
        owner: 'queue_id',
        columns: [
          'queue_id',
          'item_id',
          'status',
          'completed_by',
          'completed_time_ms',
          'creation_time_ms',
          'last_update_time_ms',
        ],
        tables: ['review_queue_items', 'trace_info'],
        // Those whose trace is of the queue's experiment come.
        theirs: `select i.* from review_queue_items i join review_queues q on q.queue_id = i.queue_id
          join trace_info t on t.request_id = i.item_id and t.experiment_id = q.experiment_id where i.queue_id in (:owners)`,
      },
      tableCopies,
    ),
  ],
}

export const webhooks: Owners = {
  noun: 'webhook',
  table: 'webhooks',
  key: 'webhook_id',
  comparisons: [
    {
      kind: 'webhooks',
      owner: 'webhook_id',
      // Whether it is on, and its secret, depend on the key that the import has.
      columns: ['webhook_id', 'name', 'description', 'url', 'creation_timestamp'],
      tables: ['webhooks'],
      theirs: 'select * from webhooks where deleted_timestamp is null and webhook_id in (:owners)',
      ours: [
        {
          query: `select id as webhook_id, name, description, url, created_at_ms as creation_timestamp from webhook`,
        },
      ],
    },
    {
      kind: 'events of webhooks',
      owner: 'webhook_id',
      columns: ['webhook_id', 'event'],
      tables: ['webhook_events'],
      theirs: `select e.* from webhook_events e join webhooks w on w.webhook_id = e.webhook_id
        where w.deleted_timestamp is null and e.webhook_id in (:owners)`,
      expected(row) {
        const event = `${String(row['entity'])}.${String(row['action'])}`.toLowerCase()
        return webhookEvents.some((known) => known === event) ? { webhook_id: row['webhook_id'], event } : undefined
      },
      ours: [{ query: 'select webhook_id, event from webhook_event' }],
    },
  ],
}
