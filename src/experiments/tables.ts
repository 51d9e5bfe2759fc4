// The tables of experiments, each read and written by one file of stores/.
import type { Generated } from 'kysely'

export interface ExperimentTables {
  experiment: {
    id: number
    name: string
    tags: string
    created_at_ms: number
    updated_at_ms: number
    deleted_at_ms: number | null
  }
  run: {
    id: string
    experiment_id: number
    name: string
    state: string
    started_at_ms: number
    ended_at_ms: number | null
    deleted_at_ms: number | null
    created_by: string
    pipeline_run_id: string | null
    seeds: string
    code: string | null
    environment_digest: string | null
  }
  /** By content: a thousand runs on one machine have one environment. */
  run_environment: { digest: string; body: string }
  run_param: KeyValueRow
  run_tag: KeyValueRow
  run_input: { run_id: string; dataset_version: string; role: string }
  run_artifact: { run_id: string; name: string; digest: string; bytes: number; media_type: string; at_ms: number }
  /** One row a key of a run: its newest value, and the short id under which its points are kept. */
  run_metric: {
    series: Generated<number>
    run_id: string
    key: string
    /** 0 where `latest_is_nan` is 1: neither database orders or keeps NaN as the other does. */
    latest: number
    latest_is_nan: number
    step: number
    at_ms: number
    min_value: number | null
    max_value: number | null
  }
  metric_point: { series: number; step: number; at_ms: number; value: number; is_nan: number }
}

interface KeyValueRow {
  run_id: string
  key: string
  value: string
}

/** SQLite takes at most 32,766 parameters; statements stay far below, since its connection is synchronous. */
export const rowsPerStatement = 200

export function chunksOf<T>(rows: readonly T[], size: number = rowsPerStatement): T[][] {
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, chunk) =>
    rows.slice(chunk * size, (chunk + 1) * size),
  )
}
