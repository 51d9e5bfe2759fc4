// The tables of experiments, each read and written by one file of stores/.
import type { ArtifactTables } from '../artifacts/tables.ts'
import type { Generated } from 'kysely'

export interface ExperimentTables extends ArtifactTables {
  experiment: {
    id: number
    name: string
    /** URI below which its runs keep their artifacts. */
    artifact_location: string
    created_at_ms: number
    updated_at_ms: number
    deleted_at_ms: number | null
  }
  /** One row: the greatest id that an experiment ever had, also one that is gone for good. */
  experiment_number: { last: number }
  experiment_tag: { experiment_id: number; key: string; value: string }
  run: {
    id: string
    experiment_id: number
    name: string
    state: string
    /** Clients choose when a run began and ended: any 64-bit number. */
    started_at_ms: number | bigint
    ended_at_ms: number | bigint | null
    deleted_at_ms: number | null
    /** 1: the deletion of its experiment took it along, and the experiment's return brings it back. */
    deleted_with_experiment: Generated<number>
    created_by: string
    /** As the client named its user; `created_by` is who the server knows. */
    user_id: string
    artifact_uri: string
    pipeline_run_id: string | null
    seeds: string
    code: string | null
    environment_digest: string | null
  }
  /** By content: a thousand runs on one machine have one environment. */
  run_environment: { digest: string; body: string }
  run_param: KeyValueRow
  run_tag: KeyValueRow
  /** By name and digest within an experiment; the first to come stays. */
  logged_dataset: {
    id: Generated<number>
    experiment_id: number
    name: string
    digest: string
    source_type: string
    source: string
    schema: string | null
    profile: string | null
    /** `flights/3` for a version of a dataset of this home. */
    dataset_version: string | null
  }
  run_dataset: {
    run_id: string
    dataset_id: number
    /** The tag `mlflow.data.context`, which is the native API's role; empty without it. */
    context: string
    /** JSON of all tags of the input. */
    tags: string
  }
  run_model_input: { run_id: string; model_id: string }
  run_model_output: { run_id: string; model_id: string; step: number | bigint }
  /** One row a key of a run: its newest value, and the short id under which its points are kept. */
  run_metric: {
    series: Generated<number>
    run_id: string
    key: string
    /** 0 where `latest_is_nan` is 1: neither database orders or keeps NaN as the other does. */
    latest: number
    latest_is_nan: number
    /** Clients choose steps and times: any 64-bit number. */
    step: number | bigint
    at_ms: number | bigint
    min_value: number | null
    max_value: number | null
    /** How many points it has. */
    points: number
    /** 1: the order of its points by step is their order by time, so a history needs no sorting. */
    is_ordered: number
    /** Of its narrowest buckets: each is 2^bits steps wide. Null while it is short and has none. */
    bucket_bits: number | null
  }
  metric_point: { series: number; step: number | bigint; at_ms: number | bigint; value: number; is_nan: number }
  /** Sums of a long series' points: `bucket` holds the steps from bucket * 2^bits on. */
  metric_bucket: {
    series: number
    bits: number
    bucket: number | bigint
    points: number
    min_value: number | null
    max_value: number | null
    last_step: number | bigint
    last_at_ms: number | bigint
    last_value: number
    last_is_nan: number
  }
  logged_model_metric: {
    model_id: string
    key: string
    at_ms: number | bigint
    step: number | bigint
    run_id: string
    value: number
    is_nan: number
    dataset_name: string | null
    dataset_digest: string | null
  }
}

interface KeyValueRow {
  run_id: string
  key: string
  value: string
}
