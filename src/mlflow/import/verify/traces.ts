// Traces, with their spans and what is said about them, compared.
import { tagKeys } from '../../../tracing/keys.ts'
import { tableCopies, type TableCopy } from '../../export/tables.ts'
import { isTrue, timeOf } from '../rows.ts'
import { measured } from '../traces.ts'
import { experimentOf, tableComparison, uriHere, type Owners, type Row } from './comparison.ts'

/** The same text for the same JSON, whoever printed it. */
const jsonText = (value: unknown): string | null =>
  typeof value === 'string' ? JSON.stringify(JSON.parse(value)) : null

const withJson = (row: Row): Row => ({
  ...row,
  valid: isTrue(row['valid'] as boolean | number),
  error: jsonText(row['error']),
  assessment_metadata: jsonText(row['assessment_metadata']),
})

const assessmentCopies: readonly TableCopy[] = tableCopies.map((copy) => ({ ...copy, rows: (row) => [withJson(row)] }))

export const traces: Owners = {
  noun: 'trace',
  table: 'trace_info',
  key: 'request_id',
  comparisons: [
    tableComparison(
      {
        kind: 'traces',
        table: 'trace_info',
        owner: 'request_id',
        columns: [
          'request_id',
          'experiment_id',
          'timestamp_ms',
          'execution_time_ms',
          'status',
          'client_request_id',
          'request_preview',
          'response_preview',
          'trace_name',
          'session_id',
          ...measured,
        ],
        expected: (row, renamed) => ({ ...row, experiment_id: experimentOf(row, renamed) }),
      },
      tableCopies,
    ),
    tableComparison(
      {
        kind: 'tags of traces',
        table: 'trace_tags',
        owner: 'request_id',
        columns: ['request_id', 'key', 'value'],
        theirs: `select t.*, i.experiment_id from trace_tags t join trace_info i on i.request_id = t.request_id
          where t.request_id in (:owners)`,
        expected(row, renamed) {
          if (row['key'] !== tagKeys.artifactLocation) return row
          const own = `${experimentOf(row, renamed)}/traces/${String(row['request_id'])}/artifacts`
          return { ...row, value: uriHere(row['value'], own, renamed) }
        },
      },
      tableCopies,
    ),
    tableComparison(
      {
        kind: 'metadata of traces',
        table: 'trace_request_metadata',
        owner: 'request_id',
        columns: ['request_id', 'key', 'value'],
      },
      tableCopies,
    ),
    tableComparison(
      {
        kind: 'spans',
        table: 'spans',
        owner: 'trace_id',
        columns: [
          'trace_id',
          'span_id',
          'parent_span_id',
          'name',
          'type',
          'status',
          'start_time_unix_nano',
          'end_time_unix_nano',
          'content',
          'input_cost',
          'output_cost',
          'total_cost',
          'model_name',
          'model_provider',
        ],
      },
      tableCopies,
    ),
    tableComparison(
      {
        kind: 'assessments',
        table: 'assessments',
        owner: 'trace_id',
        columns: [
          'assessment_id',
          'trace_id',
          'name',
          'assessment_type',
          'value',
          'error',
          'created_timestamp',
          'last_updated_timestamp',
          'source_type',
          'source_id',
          'run_id',
          'span_id',
          'rationale',
          'overrides',
          'valid',
          'assessment_metadata',
        ],
        expected: (row) => ({
          ...withJson(row),
          created_timestamp: timeOf(row['created_timestamp']),
          last_updated_timestamp: timeOf(row['last_updated_timestamp']),
        }),
      },
      assessmentCopies,
    ),
    tableComparison(
      {
        kind: 'runs and prompts of traces',
        table: 'entity_associations',
        owner: 'source_id',
        columns: ['source_id', 'destination_type', 'destination_id'],
        theirs: `select * from entity_associations where source_type = 'trace'
          and destination_type in ('run', 'prompt_version') and source_id in (:owners)`,
      },
      tableCopies,
    ),
  ],
}
