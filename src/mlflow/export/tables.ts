// What of a home each table of an MLflow database holds: one query a table, in the columns of the stock schema.
import type { LabelInput } from '../../labelling/label-schema.ts'
import { labelConfigOf } from '../exchange/label-inputs.ts'
import type { Row } from './database.ts'

export interface TableCopy {
  readonly table: string
  /** Portable SQL over the home's tables; its columns have the names of the stock ones. */
  readonly query: string
  /** Rows of the stock table that come of one row of the query; the row itself by default. */
  readonly rows?: (row: Row) => readonly Row[]
  /** The rows are in no table of the home: the stock server would have made them. */
  readonly isMade?: true
}

const stage = (column: string): string => `case when ${column} is null then 'active' else 'deleted' end`

const experiments: readonly TableCopy[] = [
  {
    table: 'experiments',
    query: `select id as experiment_id, name, artifact_location, ${stage('deleted_at_ms')} as lifecycle_stage,
      created_at_ms as creation_time, updated_at_ms as last_update_time from experiment order by id`,
  },
  {
    table: 'experiment_tags',
    query: `select experiment_id, key, value from experiment_tag order by experiment_id, key`,
  },
]

const runs: readonly TableCopy[] = [
  {
    table: 'runs',
    query: `select id as run_uuid, name, 'UNKNOWN' as source_type, '' as source_name, '' as entry_point_name, user_id,
      upper(state) as status, started_at_ms as start_time, ended_at_ms as end_time, '' as source_version,
      ${stage('deleted_at_ms')} as lifecycle_stage, artifact_uri, experiment_id, deleted_at_ms as deleted_time
      from run order by id`,
  },
  { table: 'params', query: `select run_id as run_uuid, key, value from run_param order by run_id, key` },
  { table: 'tags', query: `select run_id as run_uuid, key, value from run_tag order by run_id, key` },
  {
    table: 'tags', // Runs of the loop have a name, and no tag that says it.
    isMade: true,
    query: `select id as run_uuid, 'mlflow.runName' as key, name as value from run where not exists
      (select 1 from run_tag t where t.run_id = run.id and t.key = 'mlflow.runName') order by id`,
  },
  {
    table: 'metrics',
    query: `select m.run_id as run_uuid, m.key, p.value, p.at_ms as timestamp, p.step, p.is_nan
      from metric_point p join run_metric m on m.series = p.series order by p.series, p.step, p.at_ms`,
  },
  {
    table: 'latest_metrics',
    query: `select run_id as run_uuid, key, latest as value, at_ms as timestamp, step, latest_is_nan as is_nan
      from run_metric order by run_id, key`,
  },
]

const inputs: readonly TableCopy[] = [
  {
    table: 'datasets',
    query: `select 'dataset-' || id as dataset_uuid, experiment_id, name, digest, source_type as dataset_source_type,
      source as dataset_source, schema as dataset_schema, profile as dataset_profile from logged_dataset order by id`,
  },
  {
    table: 'inputs',
    query: `select run_id || '-' || dataset_id as input_uuid, 'DATASET' as source_type, 'dataset-' || dataset_id as source_id,
      'RUN' as destination_type, run_id as destination_id, 0 as step from run_dataset order by run_id, dataset_id`,
  },
  {
    table: 'inputs',
    query: `select run_id || '-in-' || model_id as input_uuid, 'RUN_INPUT' as source_type, run_id as source_id,
      'MODEL_INPUT' as destination_type, model_id as destination_id, 0 as step from run_model_input order by run_id, model_id`,
  },
  {
    table: 'inputs',
    query: `select run_id || '-out-' || model_id as input_uuid, 'RUN_OUTPUT' as source_type, run_id as source_id,
      'MODEL_OUTPUT' as destination_type, model_id as destination_id, step from run_model_output order by run_id, model_id`,
  },
  {
    table: 'input_tags',
    query: `select run_id || '-' || dataset_id as input_uuid, tags from run_dataset order by run_id, dataset_id`,
    rows: ({ input_uuid, tags }) =>
      Object.entries(JSON.parse(String(tags)) as Record<string, string>).map(([name, value]) => ({
        input_uuid,
        name,
        value,
      })),
  },
]

const loggedModels: readonly TableCopy[] = [
  {
    table: 'logged_models',
    query: `select id as model_id, experiment_id, name, artifact_uri as artifact_location,
      created_at_ms as creation_timestamp_ms, updated_at_ms as last_updated_timestamp_ms,
      case state when 'pending' then 1 when 'ready' then 2 when 'upload_failed' then 3 else 0 end as status,
      ${stage('deleted_at_ms')} as lifecycle_stage, model_type, source_run_id from logged_model order by id`,
  },
  ...(['param', 'tag'] as const).map((what) => ({
    table: `logged_model_${what}s`,
    query: `select t.model_id, m.experiment_id, t.key as ${what}_key, t.value as ${what}_value
      from logged_model_${what} t join logged_model m on m.id = t.model_id order by t.model_id, t.key`,
  })),
  {
    table: 'logged_model_metrics',
    query: `select t.model_id, t.key as metric_name, t.at_ms as metric_timestamp_ms, t.step as metric_step,
      case when t.is_nan = 1 then null else t.value end as metric_value, m.experiment_id, t.run_id,
      t.dataset_name, t.dataset_digest
      from logged_model_metric t join logged_model m on m.id = t.model_id order by t.model_id, t.key, t.at_ms`,
  },
]

const registry: readonly TableCopy[] = [
  {
    table: 'registered_models',
    query: `select name, created_at_ms as creation_time, updated_at_ms as last_updated_time, description from model order by name`,
  },
  { table: 'registered_model_tags', query: `select model as name, key, value from model_tag order by model, key` },
  {
    table: 'registered_model_aliases',
    query: `select model as name, alias, version from model_alias order by model, alias`,
  },
  {
    table: 'model_versions',
    query: `select model as name, version, created_at_ms as creation_time, updated_at_ms as last_updated_time, description,
      created_by as user_id, case when deleted_at_ms is null then stage else 'Deleted_Internal' end as current_stage, source, digest, run_id, 'READY' as status, run_link, storage_location
      from model_version order by model, version`,
    rows: ({ digest, source, ...version }) => [
      { ...version, source: source ?? (digest === null ? '' : `mlflow-artifacts:/${graphFolder(version)}`) },
    ],
  },
  {
    table: 'model_version_tags',
    query: `select model as name, version, key, value from model_version_tag order by model, version, key`,
  },
]

/** Where the graph of a version that was registered here lies among the artifacts. */
export const graphFolder = ({ name, version }: Row): string =>
  `trueloop/models/${encodeURIComponent(String(name))}/${String(version)}`

const traceNumbers = [
  'input_tokens',
  'output_tokens',
  'total_tokens',
  'cache_read_input_tokens',
  'cache_creation_input_tokens',
]
const traceColumns = [
  ...traceNumbers,
  'cache_creation_input_tokens_above_1hr',
  'input_cost',
  'output_cost',
  'total_cost',
]

const traces: readonly TableCopy[] = [
  {
    table: 'trace_info',
    query: `select id as request_id, experiment_id, started_at_ms as timestamp_ms, duration_ms as execution_time_ms,
      state as status, client_request_id, request_preview, response_preview, name as trace_name, session_id,
      ${traceColumns.join(', ')} from trace order by no`,
  },
  {
    table: 'trace_tags',
    query: `select t.id as request_id, k.key, k.value from trace_tag k join trace t on t.no = k.trace_no order by k.trace_no, k.key`,
  },
  {
    table: 'trace_tags', // Where its files are is told of every trace, and kept of those that say so themselves.
    isMade: true,
    query: `select t.id as request_id, 'mlflow.artifactLocation' as key,
      e.artifact_location || '/traces/' || t.id || '/artifacts' as value
      from trace t join experiment e on e.id = t.experiment_id where not exists
      (select 1 from trace_tag k where k.trace_no = t.no and k.key = 'mlflow.artifactLocation') order by t.no`,
  },
  {
    table: 'trace_request_metadata',
    query: `select t.id as request_id, k.key, k.value from trace_metadata k join trace t on t.no = k.trace_no order by k.trace_no, k.key`,
  },
  {
    table: 'spans',
    query: `select t.id as trace_id, s.experiment_id, s.span_id, s.parent_span_id, s.name, s.type, s.status,
      s.started_at_ns as start_time_unix_nano, s.ended_at_ns as end_time_unix_nano, c.content,
      s.input_cost, s.output_cost, s.total_cost, s.model_name, s.model_provider
      from span s join trace t on t.no = s.trace_no
      join span_content c on c.trace_no = s.trace_no and c.span_id = s.span_id order by s.trace_no, s.span_id`,
  },
  {
    table: 'trace_metrics', // As its server fills them for the statistics of tokens.
    query: `select id as request_id, ${traceNumbers.join(', ')} from trace order by no`,
    rows: ({ request_id, ...numbers }) =>
      Object.entries(numbers).flatMap(([key, value]) => (value === null ? [] : [{ request_id, key, value }])),
  },
  {
    table: 'assessments',
    query: `select a.id as assessment_id, t.id as trace_id, a.name, a.kind as assessment_type, a.value, a.error,
      a.created_at_ms as created_timestamp, a.updated_at_ms as last_updated_timestamp, a.source_type, a.source_id,
      a.run_id, a.span_id, a.rationale, a.overrides, a.is_valid as valid, a.metadata as assessment_metadata,
      t.experiment_id, t.started_at_ms as trace_timestamp_ms, a.aggregate_value, a.is_numeric as is_numeric_value
      from assessment a join trace t on t.no = a.trace_no order by a.id`,
  },
  {
    table: 'entity_associations',
    query: `select 'a-' || l.kind || '-' || t.id || '-' || l.target as association_id, 'trace' as source_type, t.id as source_id,
      case l.kind when 'run' then 'run' else 'prompt_version' end as destination_type, l.target as destination_id,
      t.started_at_ms as created_time from trace_link l join trace t on t.no = l.trace_no order by l.trace_no, l.kind, l.target`,
  },
]

const labelling: readonly TableCopy[] = [
  {
    table: 'evaluation_datasets',
    query: `select id as dataset_id, name, schema, profile, digest, created_at_ms as created_time,
      updated_at_ms as last_update_time, created_by, updated_by as last_updated_by from evaluation_dataset order by id`,
  },
  {
    table: 'evaluation_dataset_tags',
    query: `select dataset_id, key, value from evaluation_dataset_tag order by dataset_id, key`,
  },
  {
    table: 'evaluation_dataset_records',
    query: `select id as dataset_record_id, dataset_id, inputs, expectations, tags, source, source_id, source_type,
      created_at_ms as created_time, updated_at_ms as last_update_time, created_by, updated_by as last_updated_by,
      input_hash, outputs from evaluation_record order by no`,
    rows: ({ outputs, ...record }) => [
      { ...record, outputs: typeof outputs === 'string' ? `{"mlflow_wrapped": ${outputs}}` : null },
    ],
  },
  {
    table: 'entity_associations',
    query: `select 'd-' || dataset_id || '-' || experiment_id as association_id, 'evaluation_dataset' as source_type,
      dataset_id as source_id, 'experiment' as destination_type, cast(experiment_id as varchar(20)) as destination_id,
      0 as created_time from evaluation_dataset_experiment order by dataset_id, experiment_id`,
  },
  { table: 'scorers', query: `select id as scorer_id, experiment_id, name as scorer_name from scorer order by id` },
  {
    table: 'scorer_versions',
    query: `select scorer_id, version as scorer_version, serialized as serialized_scorer, created_at_ms as creation_time
      from scorer_version order by scorer_id, version`,
  },
  {
    table: 'online_scoring_configs',
    query: `select id as online_scoring_config_id, scorer_id, sample_rate, experiment_id, filter as filter_string
      from online_scoring order by id`,
  },
  {
    table: 'issues',
    query: `select id as issue_id, experiment_id, name, description, status, severity, root_causes, categories, source_run_id,
      created_at_ms as created_timestamp, updated_at_ms as last_updated_timestamp, created_by from issue order by id`,
  },
  {
    table: 'label_schemas',
    query: `select id as schema_id, experiment_id, name, type, input, instruction, enables_comment as enable_comment,
      is_default, created_at_ms as created_time, updated_at_ms as last_update_time from label_schema order by id`,
    rows: ({ input: json, ...schema }) => {
      const input = JSON.parse(String(json)) as LabelInput
      return [{ ...schema, input_type: input.kind, input_config: JSON.stringify(labelConfigOf(input)) }]
    },
  },
  {
    table: 'review_queues',
    query: `select id as queue_id, experiment_id, name, name_key, type as queue_type, created_by,
      created_at_ms as creation_time_ms, updated_at_ms as last_update_time_ms from review_queue order by id`,
  },
  {
    table: 'review_queue_users',
    query: `select queue_id, user_name as user_id from review_queue_user order by queue_id, user_name`,
  },
  {
    table: 'review_queue_label_schemas',
    query: `select queue_id, schema_id from review_queue_schema order by queue_id, schema_id`,
  },
  {
    table: 'review_queue_items',
    query: `select queue_id, 'trace' as item_type, trace_id as item_id, status, completed_by,
      completed_at_ms as completed_time_ms, created_at_ms as creation_time_ms, updated_at_ms as last_update_time_ms
      from review_item order by queue_id, trace_id`,
  },
]

/** In the order in which they refer to each other. */
export const tableCopies: readonly TableCopy[] = [
  ...experiments,
  ...runs,
  ...inputs,
  ...loggedModels,
  ...registry,
  ...traces,
  ...labelling,
]
