// Evaluation datasets, scorers, issues, label schemas, review queues and webhooks of a server, staged.
import { inputHashOf } from '../../../labelling/evaluation-dataset.ts'
import { DomainError } from '../../../platform/errors.ts'
import { isExactObject, JsonNumber, parseExact, printExact, type ExactJson } from '../../../platform/exact-json.ts'
import type * as wire from '../../generated/messages.ts'
import type { SourceRow } from '../source.ts'
import { once, pagesOf, unlessAbsent, type SourceExperiment, type StageDeps } from './deps.ts'
import { experimentIdOf } from './runs.ts'

const page = 50
const recordsPage = 500

export async function stageEvaluationDatasets(deps: StageDeps): Promise<void> {
  const { remote, staging } = deps
  const pages = pagesOf((token) => remote.call('searchEvaluationDatasets', { max_results: page, page_token: token }))
  for await (const { datasets = [] } of pages) {
    for (const dataset of datasets) {
      const id = dataset.dataset_id ?? ''
      await once(deps, `evaluation dataset ${id}`, () => stageRecords(deps, id))
      const links = await remote.call('getDatasetExperimentIds', { dataset_id: id })
      staging.insert(
        'entity_associations',
        (links.experiment_ids ?? []).map((experiment) => ({
          association_id: '',
          source_type: 'evaluation_dataset',
          source_id: id,
          destination_type: 'experiment',
          destination_id: experiment,
          created_time: 0,
        })),
      )
      stageDataset(deps, dataset)
    }
  }
}

function stageDataset({ staging }: StageDeps, dataset: wire.EvaluationDataset): void {
  const id = dataset.dataset_id ?? ''
  const tags = (dataset.tags ? JSON.parse(dataset.tags) : {}) as Readonly<Record<string, string>>
  staging.insert(
    'evaluation_dataset_tags',
    Object.entries(tags).map(([key, value]) => ({ dataset_id: id, key, value })),
  )
  staging.insert('evaluation_datasets', [
    {
      dataset_id: id,
      name: dataset.name ?? '',
      schema: dataset.schema ?? null,
      profile: dataset.profile ?? null,
      digest: dataset.digest ?? null,
      created_time: dataset.created_time ?? 0,
      last_update_time: dataset.last_update_time ?? null,
      created_by: dataset.created_by ?? null,
      last_updated_by: dataset.last_updated_by ?? null,
    },
  ])
}

async function stageRecords({ remote, staging }: StageDeps, datasetId: string): Promise<void> {
  const pages = pagesOf((token) =>
    remote.call('getDatasetRecords', { dataset_id: datasetId, max_results: recordsPage, page_token: token }),
  )
  for await (const { records = '[]' } of pages) {
    const listed = parseExact(records)
    if (!Array.isArray(listed)) throw recordsUnreadable(datasetId)
    staging.insert(
      'evaluation_dataset_records',
      (listed as readonly ExactJson[]).map((record) => recordRow(datasetId, record)),
    )
  }
}

const recordsUnreadable = (datasetId: string): DomainError =>
  new DomainError('invalid', 'import_source', `the records of evaluation dataset ${datasetId} are no list of objects`)

function recordRow(datasetId: string, record: ExactJson): SourceRow {
  if (!isExactObject(record)) throw recordsUnreadable(datasetId)
  const { inputs = {} } = record
  if (!isExactObject(inputs)) throw recordsUnreadable(datasetId)
  const json = (name: string): string | null => {
    const value = record[name]
    return value === undefined || value === null ? null : printExact(value)
  }
  const text = (name: string): string | null => (typeof record[name] === 'string' ? record[name] : null)
  const time = (name: string): number => {
    const value = record[name]
    return value instanceof JsonNumber ? Number(value.text) : 0
  }
  const outputs = json('outputs')
  return {
    dataset_record_id: text('dataset_record_id') ?? '',
    dataset_id: datasetId,
    inputs: printExact(inputs),
    input_hash: inputHashOf(inputs),
    outputs: outputs === null ? null : `{"mlflow_wrapped": ${outputs}}`,
    expectations: json('expectations'),
    tags: json('tags'),
    source: json('source'),
    source_id: text('source_id'),
    source_type: text('source_type'),
    created_time: time('created_time'),
    last_update_time: time('last_update_time'),
    created_by: text('created_by'),
    last_updated_by: text('last_updated_by'),
  }
}

/** What belongs to an experiment; of deleted ones nothing is told. */
export async function stageLabels(deps: StageDeps, experiments: readonly SourceExperiment[]): Promise<void> {
  const active = experiments.filter(({ isDeleted }) => !isDeleted).map(({ id }) => id)
  const kinds: [string, (deps: StageDeps, id: string) => Promise<void>][] = [
    ['scorers', stageScorers],
    ['issues', stageIssues],
    ['label schemas', stageSchemas],
    ['review queues', stageQueues],
  ]
  for (const [kind, stage] of kinds) {
    await unlessAbsent(deps, kind, async () => {
      for (const id of active) await once(deps, `${kind} of ${id}`, () => stage(deps, id))
    })
  }
}

async function stageScorers({ remote, staging }: StageDeps, experimentId: string): Promise<void> {
  const { scorers = [] } = await remote.call('listScorers', { experiment_id: experimentId })
  for (const { scorer_name: name = '', scorer_id: id = '' } of scorers) {
    const { scorers: versions = [] } = await remote.call('listScorerVersions', { experiment_id: experimentId, name })
    staging.insert(
      'scorer_versions',
      versions.map((version) => ({
        scorer_id: id,
        scorer_version: version.scorer_version ?? 0,
        serialized_scorer: version.serialized_scorer ?? '',
        creation_time: version.creation_time ?? 0,
      })),
    )
    staging.insert('scorers', [{ scorer_id: id, scorer_name: name, experiment_id: experimentIdOf(experimentId) }])
    const path = `/ajax-api/3.0/mlflow/scorers/online-configs?scorer_ids=${encodeURIComponent(id)}`
    const { configs = [] } = (await remote.json(path)) as { configs?: readonly SourceRow[] }
    staging.insert(
      'online_scoring_configs',
      configs.map((config) => ({
        online_scoring_config_id: config['online_scoring_config_id'] ?? '',
        scorer_id: id,
        sample_rate: config['sample_rate'] ?? 0,
        experiment_id: experimentIdOf(experimentId),
        filter_string: config['filter_string'] ?? null,
      })),
    )
  }
}

async function stageIssues({ remote, staging }: StageDeps, experimentId: string): Promise<void> {
  const pages = pagesOf((token) =>
    remote.call('searchIssues', { experiment_id: experimentId, max_results: page, page_token: token }),
  )
  for await (const { issues = [] } of pages) {
    staging.insert(
      'issues',
      issues.map((issue) => ({
        issue_id: issue.issue_id ?? '',
        experiment_id: experimentIdOf(experimentId),
        name: issue.name ?? '',
        description: issue.description ?? '',
        status: issue.status ?? 'pending',
        severity: issue.severity ?? null,
        root_causes: issue.root_causes ? JSON.stringify(issue.root_causes) : null,
        source_run_id: issue.source_run_id ?? null,
        categories: issue.categories ? JSON.stringify(issue.categories) : null,
        created_timestamp: issue.created_timestamp ?? 0,
        last_updated_timestamp: issue.last_updated_timestamp ?? 0,
        created_by: issue.created_by ?? null,
      })),
    )
  }
}

async function stageSchemas({ remote, staging }: StageDeps, experimentId: string): Promise<void> {
  const pages = pagesOf((token) =>
    remote.call('listLabelSchemas', { experiment_id: experimentId, max_results: page, page_token: token }),
  )
  for await (const { label_schemas: schemas = [] } of pages) {
    staging.insert(
      'label_schemas',
      schemas.map((schema) => {
        const [kind = '', config = {}] = Object.entries(schema.input ?? {})[0] ?? []
        return {
          schema_id: schema.schema_id ?? '',
          experiment_id: experimentIdOf(experimentId),
          name: schema.name ?? '',
          type: schema.type === 'EXPECTATION' ? 'expectation' : 'feedback',
          instruction: schema.instruction ?? null,
          enable_comment: schema.enable_comment ?? false,
          input_type: kind,
          input_config: JSON.stringify(config),
          created_by: schema.created_by ?? null,
          created_time: schema.created_at ?? 0,
          last_update_time: schema.last_updated_at ?? 0,
          is_default: schema.is_default ?? false,
        }
      }),
    )
  }
}

async function stageQueues({ remote, staging }: StageDeps, experimentId: string): Promise<void> {
  const pages = pagesOf((token) =>
    remote.call('listReviewQueues', { experiment_id: experimentId, max_results: page, page_token: token }),
  )
  for await (const { review_queues: queues = [] } of pages) {
    for (const queue of queues) {
      const id = queue.queue_id ?? ''
      const of = (column: string, values: readonly string[] = []): readonly SourceRow[] =>
        values.map((value) => ({ queue_id: id, [column]: value }))
      staging.insert('review_queue_users', of('user_id', queue.users))
      staging.insert('review_queue_label_schemas', of('schema_id', queue.schema_ids))
      const items = pagesOf((token) =>
        remote.call('listReviewQueueItems', { queue_id: id, max_results: recordsPage, page_token: token }),
      )
      for await (const { items: listed = [] } of items) staging.insert('review_queue_items', listed.map(itemRow))
      staging.insert('review_queues', [
        {
          queue_id: id,
          experiment_id: experimentIdOf(experimentId),
          name: queue.name ?? '',
          name_key: (queue.name ?? '').toLowerCase(),
          queue_type: (queue.queue_type ?? 'CUSTOM').toLowerCase(),
          created_by: queue.created_by ?? null,
          creation_time_ms: queue.creation_time_ms ?? 0,
          last_update_time_ms: queue.last_update_time_ms ?? 0,
        },
      ])
    }
  }
}

const itemRow = (item: wire.ReviewQueueItem): SourceRow => ({
  queue_id: item.queue_id ?? '',
  item_type: 'trace',
  item_id: item.item_id ?? '',
  status: (item.status ?? 'PENDING').toLowerCase(),
  completed_by: item.completed_by ?? null,
  completed_time_ms: item.completed_time_ms ?? null,
  creation_time_ms: item.creation_time_ms ?? 0,
  last_update_time_ms: item.last_update_time_ms ?? 0,
})
