// The tables of labelling, each read and written by one file of stores/.
import type { Generated } from 'kysely'

export interface LabellingTables {
  evaluation_dataset: {
    id: string
    name: string
    digest: string
    /** JSON, as Python prints it: fields of the records to their types. */
    schema: string | null
    /** JSON, as Python prints it. */
    profile: string | null
    created_at_ms: number
    updated_at_ms: number
    created_by: string | null
    updated_by: string | null
  }
  evaluation_dataset_tag: { dataset_id: string; key: string; value: string }
  evaluation_dataset_experiment: { dataset_id: string; experiment_id: number }
  /** Texts of JSON are as Python prints them, so that they are answered as they are. */
  evaluation_record: {
    /** In the order of arrival, which is the order that they are read in. */
    no: Generated<number>
    id: string
    dataset_id: string
    /** sha256 of the inputs with their keys in order: inputs alike are one record. */
    input_hash: string
    inputs: string
    outputs: string | null
    expectations: string | null
    tags: string
    source: string | null
    source_id: string | null
    source_type: string | null
    created_at_ms: number
    updated_at_ms: number
    created_by: string | null
    updated_by: string | null
  }
  scorer: { id: string; experiment_id: number; name: string }
  scorer_version: { scorer_id: string; version: number; serialized: string; created_at_ms: number }
  online_scoring: { id: string; scorer_id: string; experiment_id: number; sample_rate: number; filter: string | null }
  issue: {
    id: string
    experiment_id: number
    name: string
    description: string
    status: string
    severity: string | null
    /** Its place among severities; -1 without one. */
    severity_rank: number
    /** JSON. */
    root_causes: string
    /** JSON. */
    categories: string
    source_run_id: string | null
    created_at_ms: number
    updated_at_ms: number
    created_by: string | null
  }
  label_schema: {
    id: string
    experiment_id: number
    name: string
    type: string
    /** JSON. */
    input: string
    instruction: string | null
    enables_comment: number
    is_default: number
    created_at_ms: number
    updated_at_ms: number
  }
  review_queue: {
    id: string
    experiment_id: number
    name: string
    /** The name in lower case: names differ by more than case. */
    name_key: string
    type: string
    created_by: string | null
    created_at_ms: number
    updated_at_ms: number
  }
  review_queue_user: { queue_id: string; user_name: string }
  /** A schema that is deleted stays named here. */
  review_queue_schema: { queue_id: string; schema_id: string }
  /** Gone with its queue and with its trace. */
  review_item: {
    queue_id: string
    trace_id: string
    status: string
    completed_by: string | null
    completed_at_ms: number | null
    created_at_ms: number
    updated_at_ms: number
  }
}
