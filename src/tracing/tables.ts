// The tables of traces, each read and written by one file of stores/.
import type { Generated } from 'kysely'

export interface TraceTables {
  trace: TraceRow & { no: Generated<number> }
  trace_tag: KeyValueRow
  trace_metadata: KeyValueRow
  span: SpanRow
  /** Apart, so that what filters and counts spans does not read what they hold. */
  span_content: { trace_no: number; span_id: string; content: string }
  assessment: AssessmentRow
  trace_link: { trace_no: number; kind: LinkKind; target: string }
}

/** A run's id, or `<name>/<version>` of a prompt. */
export type LinkKind = 'run' | 'prompt'

export interface TraceRow {
  /** `tr-…`, or what an old client made up. Its rows elsewhere name its short `no`. */
  id: string
  experiment_id: number
  started_at_ms: number
  duration_ms: number | null
  state: string
  client_request_id: string | null
  request_preview: string | null
  response_preview: string | null
  name: string | null
  session_id: string | null
  input_tokens: number | null
  output_tokens: number | null
  total_tokens: number | null
  cache_read_input_tokens: number | null
  cache_creation_input_tokens: number | null
  cache_creation_input_tokens_above_1hr: number | null
  input_cost: number | null
  output_cost: number | null
  total_cost: number | null
}

export interface KeyValueRow {
  trace_no: number
  key: string
  value: string
}

export interface SpanRow {
  trace_no: number
  span_id: string
  parent_span_id: string | null
  experiment_id: number
  name: string
  type: string | null
  status: string
  started_at_ns: bigint | number
  ended_at_ns: bigint | number | null
  /** What it counts, as JSON: added up over the trace whenever more spans arrive. */
  tokens: string | null
  input_cost: number | null
  output_cost: number | null
  total_cost: number | null
  model_name: string | null
  model_provider: string | null
}

export interface AssessmentRow {
  id: string
  trace_no: number
  name: string
  kind: string
  /** JSON, spelt as Python spells it. */
  value: string
  error: string | null
  created_at_ms: number
  updated_at_ms: number
  source_type: string
  source_id: string | null
  run_id: string | null
  span_id: string | null
  rationale: string | null
  overrides: string | null
  is_valid: number
  metadata: string | null
  /** The value as a number, where it is one or a yes or no. */
  aggregate_value: number | null
  is_numeric: number
  /** Whether it is about the whole session of the trace. */
  is_of_session: number
}

/** PostgreSQL's texts have no NUL. */
export const storable = <T>(value: T): T =>
  (typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '') : value) as T
