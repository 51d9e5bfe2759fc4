// Traces of an MLflow database, with their spans and what is said about them.
import { transact } from '../../platform/database.ts'
import type { Assessment, AssessmentKind } from '../../tracing/assessment.ts'
import { bringTrace, type BroughtTrace } from '../../tracing/bring-in.ts'
import { tagKeys } from '../../tracing/keys.ts'
import type { TraceRow } from '../../tracing/tables.ts'
import type { ImportDeps } from './deps.ts'
import { placeOf, type Place } from './files.ts'
import { isTrue, numberOrNull, orNull, textsOf } from './rows.ts'
import type { SourceRow } from './source.ts'

/** Columns of a trace's tokens and costs, named alike in both databases. */
export const measured = [
  'input_tokens',
  'output_tokens',
  'total_tokens',
  'cache_read_input_tokens',
  'cache_creation_input_tokens',
  'cache_creation_input_tokens_above_1hr',
  'input_cost',
  'output_cost',
  'total_cost',
] as const satisfies readonly (keyof TraceRow)[]

export interface ImportedTrace {
  readonly spans: number
  /** Of its files, when it says where they are. */
  readonly place: Place | undefined
}

export async function importTrace(deps: ImportDeps, row: SourceRow, experimentId: number): Promise<ImportedTrace> {
  const { db, source } = deps
  const id = String(row['request_id'])
  const has = async (table: string): Promise<boolean> => (await source.columnsOf(table)).size > 0
  const ofTrace = async (table: string, column: string): Promise<SourceRow[]> =>
    (await has(table)) ? source.all(`select * from ${table} where ${column} = ?`, [id]) : []
  const spans = (await ofTrace('spans', 'trace_id')).map((span) => spanOf(span, experimentId))
  const links = (await ofTrace('entity_associations', 'source_id')).filter((link) => link['source_type'] === 'trace')
  const targets = (kind: string): string[] =>
    links.filter((link) => link['destination_type'] === kind).map((link) => String(link['destination_id']))
  const tags = textsOf(await ofTrace('trace_tags', 'request_id'))
  const location = tags[tagKeys.artifactLocation]
  const { artifacts } = deps
  const place =
    location === undefined ? undefined : placeOf(location, { artifacts, own: `${experimentId}/traces/${id}/artifacts` })
  const trace: BroughtTrace = {
    row: {
      id,
      experiment_id: experimentId,
      started_at_ms: Number(row['timestamp_ms']),
      duration_ms: numberOrNull(row['execution_time_ms']),
      state: String(row['status']),
      client_request_id: orNull(row['client_request_id']),
      request_preview: orNull(row['request_preview']),
      response_preview: orNull(row['response_preview']),
      name: orNull(row['trace_name']),
      session_id: orNull(row['session_id']),
      ...Object.fromEntries(measured.map((name) => [name, numberOrNull(row[name])])),
    },
    tags: place ? { ...tags, [tagKeys.artifactLocation]: place.uri } : tags,
    metadata: textsOf(await ofTrace('trace_request_metadata', 'request_id')),
    spans,
    assessments: (await ofTrace('assessments', 'trace_id')).map(assessmentOf),
    runs: targets('run'),
    prompts: targets('prompt_version'),
  }
  await transact(db, (trx) => bringTrace(trx, trace))
  return { spans: spans.length, place }
}

const spanOf = (row: SourceRow, experimentId: number): BroughtTrace['spans'][number] => ({
  row: {
    span_id: String(row['span_id']),
    parent_span_id: orNull(row['parent_span_id']),
    experiment_id: experimentId,
    name: String(row['name'] ?? ''),
    type: orNull(row['type']),
    status: String(row['status']),
    started_at_ns: row['start_time_unix_nano'] as number | bigint,
    ended_at_ns: (row['end_time_unix_nano'] ?? null) as number | bigint | null,
    input_cost: numberOrNull(row['input_cost']),
    output_cost: numberOrNull(row['output_cost']),
    total_cost: numberOrNull(row['total_cost']),
    model_name: orNull(row['model_name']),
    model_provider: orNull(row['model_provider']),
  },
  content: String(row['content']),
})

const assessmentOf = (row: SourceRow): Assessment => ({
  id: String(row['assessment_id']),
  traceId: String(row['trace_id']),
  name: String(row['name']),
  kind: String(row['assessment_type']) as AssessmentKind,
  value: String(row['value']),
  error: row['error'] === null ? null : (JSON.parse(String(row['error'])) as Assessment['error']),
  createdAtMs: Number(row['created_timestamp']),
  updatedAtMs: Number(row['last_updated_timestamp']),
  source: { type: String(row['source_type']), id: orNull(row['source_id']) },
  runId: orNull(row['run_id']),
  spanId: orNull(row['span_id']),
  rationale: orNull(row['rationale']),
  overrides: orNull(row['overrides']),
  isValid: isTrue(row['valid']),
  metadata:
    row['assessment_metadata'] === null
      ? null
      : (JSON.parse(String(row['assessment_metadata'])) as Assessment['metadata']),
})
