// For tests: an MLflow database with something of every kind that an import brings.
import { createStockDatabase, type Row } from '../export/database.ts'

/** A run of the database. */
export const stockRun = 'a'.repeat(32)
const [other, model] = ['c'.repeat(32), `m-${'b'.repeat(32)}`]
const span = { trace_id: 'tr-1', experiment_id: 1, status: 'OK', start_time_unix_nano: 1n, end_time_unix_nano: 2n }
const made = { created_time: 1, last_update_time: 2 }

/** At least a row of each table of things that come. */
const content: Readonly<Record<string, readonly Row[]>> = {
  experiments: [
    { experiment_id: 0, name: 'Default', artifact_location: '', lifecycle_stage: 'active' },
    {
      experiment_id: 1,
      name: 'one',
      artifact_location: 'mlflow-artifacts:/1',
      lifecycle_stage: 'active',
      creation_time: 1,
      last_update_time: 2,
    },
  ],
  experiment_tags: [{ experiment_id: 1, key: 'team', value: 'a' }],
  runs: [stockRun, other].map((id) => ({
    run_uuid: id,
    name: 'first',
    source_type: 'LOCAL',
    user_id: 'ann',
    status: 'FINISHED',
    start_time: 1,
    end_time: 2,
    lifecycle_stage: id === other ? 'deleted' : 'active',
    deleted_time: id === other ? 3 : null,
    artifact_uri: `mlflow-artifacts:/1/${id}/artifacts`,
    experiment_id: 1,
  })),
  params: [{ run_uuid: stockRun, key: 'alpha', value: '0.5' }],
  tags: [{ run_uuid: stockRun, key: 'note', value: '' }],
  metrics: [
    { run_uuid: stockRun, key: 'loss', value: 0.5, timestamp: 1, step: 0, is_nan: 0 },
    { run_uuid: stockRun, key: 'loss', value: Infinity, timestamp: 2, step: 1, is_nan: 0 },
  ],
  datasets: [
    {
      dataset_uuid: 'd',
      experiment_id: 1,
      name: 'flowers',
      digest: 'd1',
      dataset_source_type: 'code',
      dataset_source: '{}',
    },
  ],
  inputs: [
    {
      input_uuid: 'i',
      source_type: 'DATASET',
      source_id: 'd',
      destination_type: 'RUN',
      destination_id: stockRun,
      step: 0,
    },
    {
      input_uuid: 'j',
      source_type: 'RUN_INPUT',
      source_id: stockRun,
      destination_type: 'MODEL_INPUT',
      destination_id: model,
      step: 0,
    },
    {
      input_uuid: 'k',
      source_type: 'RUN_OUTPUT',
      source_id: stockRun,
      destination_type: 'MODEL_OUTPUT',
      destination_id: model,
      step: 4,
    },
  ],
  input_tags: [{ input_uuid: 'i', name: 'mlflow.data.context', value: 'training' }],
  logged_models: [
    {
      model_id: model,
      experiment_id: 1,
      name: 'logged',
      artifact_location: `mlflow-artifacts:/1/models/${model}/artifacts`,
      creation_timestamp_ms: 1,
      last_updated_timestamp_ms: 2,
      status: 2,
      lifecycle_stage: 'active',
      model_type: null,
      source_run_id: stockRun,
    },
  ],
  logged_model_params: [{ model_id: model, experiment_id: 1, param_key: 'p', param_value: '1' }],
  logged_model_tags: [{ model_id: model, experiment_id: 1, tag_key: 't', tag_value: '1' }],
  logged_model_metrics: [
    {
      model_id: model,
      metric_name: 'score',
      metric_timestamp_ms: 1,
      metric_step: 0,
      metric_value: 0.75,
      experiment_id: 1,
      run_id: stockRun,
      dataset_name: 'flowers',
      dataset_digest: null,
    },
  ],
  registered_models: [{ name: 'iris', creation_time: 1, last_updated_time: 2, description: null }],
  registered_model_tags: [{ name: 'iris', key: '_mlflow_experiment_ids', value: ',1,' }],
  registered_model_aliases: [{ name: 'iris', alias: 'champion', version: 2 }],
  model_versions: [1, 2].map((version) => ({
    name: 'iris',
    version,
    creation_time: 1,
    last_updated_time: 2,
    current_stage: version === 1 ? 'Deleted_Internal' : 'Staging',
    source: `models:/${model}`,
    run_id: stockRun,
    status: 'READY',
    storage_location: `mlflow-artifacts:/1/models/${model}/artifacts`,
  })),
  model_version_tags: [{ name: 'iris', version: 2, key: 'v', value: '2' }],
  trace_info: [
    {
      request_id: 'tr-1',
      experiment_id: 1,
      timestamp_ms: 1,
      execution_time_ms: 2,
      status: 'OK',
      trace_name: 'ask',
      total_tokens: 7,
    },
  ],
  trace_tags: [
    { request_id: 'tr-1', key: 'mlflow.artifactLocation', value: 'mlflow-artifacts:/1/traces/tr-1/artifacts' },
    { request_id: 'tr-1', key: 'kind', value: 'question' },
  ],
  trace_request_metadata: [{ request_id: 'tr-1', key: 'from', value: 'ann' }],
  spans: [
    { ...span, span_id: 's1', name: 'outer', content: '{"name": "outer"}' },
    { ...span, span_id: 's2', parent_span_id: 's1', name: 'inner', content: '{"name": "inner"}', total_cost: 0.25 },
  ],
  assessments: [
    {
      assessment_id: 'as-1',
      trace_id: 'tr-1',
      name: 'good',
      assessment_type: 'feedback',
      value: 'true',
      error: '{"error_code": "E",  "error_message": null}',
      created_timestamp: 1,
      last_updated_timestamp: 2,
      source_type: 'HUMAN',
      source_id: 'ann',
      valid: 1,
      assessment_metadata: '{"a":  "b"}',
      is_numeric_value: 0,
    },
  ],
  entity_associations: [
    {
      association_id: 'l1',
      source_type: 'trace',
      source_id: 'tr-1',
      destination_type: 'run',
      destination_id: stockRun,
      created_time: 1,
    },
    {
      association_id: 'l2',
      source_type: 'evaluation_dataset',
      source_id: 'ed-1',
      destination_type: 'experiment',
      destination_id: '1',
      created_time: 1,
    },
  ],
  evaluation_datasets: [{ dataset_id: 'ed-1', name: 'questions', digest: 'x', created_by: 'ann', ...made }],
  evaluation_dataset_tags: [{ dataset_id: 'ed-1', key: 'a', value: 'b' }],
  evaluation_dataset_records: [
    {
      dataset_record_id: 'dr-1',
      dataset_id: 'ed-1',
      inputs: '{"n": 1.0}',
      outputs: '{"mlflow_wrapped":  ["x"]}',
      expectations: 'null',
      tags: null,
      input_hash: 'h',
      ...made,
    },
  ],
  scorers: [{ scorer_id: 'sc-1', experiment_id: 1, scorer_name: 'polite' }],
  scorer_versions: [{ scorer_id: 'sc-1', scorer_version: 1, serialized_scorer: '{}', creation_time: 1 }],
  online_scoring_configs: [
    { online_scoring_config_id: 'oc-1', scorer_id: 'sc-1', sample_rate: 0.5, experiment_id: 1, filter_string: null },
  ],
  issues: [
    {
      issue_id: 'iss-1',
      experiment_id: 1,
      name: 'rude',
      description: 'It shouts.',
      status: 'pending',
      severity: 'high',
      root_causes: null,
      categories: '["tone"]',
      created_timestamp: 1,
      last_updated_timestamp: 2,
    },
  ],
  label_schemas: [
    {
      schema_id: 'ls-1',
      experiment_id: 1,
      name: 'good?',
      type: 'feedback',
      input_type: 'text',
      input_config: '{"max_length": 9}',
      enable_comment: 1,
      is_default: 0,
      ...made,
    },
  ],
  review_queues: [
    {
      queue_id: 'rq-1',
      experiment_id: 1,
      name: 'First Look',
      name_key: 'first look',
      queue_type: 'CUSTOM',
      creation_time_ms: 1,
      last_update_time_ms: 2,
    },
  ],
  review_queue_users: [{ queue_id: 'rq-1', user_id: 'Ann' }],
  review_queue_label_schemas: [{ queue_id: 'rq-1', schema_id: 'ls-1' }],
  review_queue_items: [
    {
      queue_id: 'rq-1',
      item_type: 'trace',
      item_id: 'tr-1',
      status: 'pending',
      creation_time_ms: 1,
      last_update_time_ms: 2,
    },
  ],
  webhooks: [
    {
      webhook_id: 'wh-1',
      name: 'hook',
      url: 'https://93.184.215.14/hook',
      status: 'ACTIVE',
      creation_timestamp: 1,
      last_updated_timestamp: 2,
    },
  ],
  webhook_events: [{ webhook_id: 'wh-1', entity: 'MODEL_VERSION', action: 'CREATED' }],
}

/** @param path of a file that is not there yet */
export function writeStockDatabase(path: string): void {
  using stock = createStockDatabase(path)
  for (const [table, rows] of Object.entries(content)) for (const row of rows) stock.insert(table, [row])
}
