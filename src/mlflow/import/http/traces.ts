// Traces of a server, with their spans and what is said about them, staged.
import { metadataKeys, tagKeys } from '../../../tracing/keys.ts'
import { countsOfMetadata } from '../../../tracing/metadata.ts'
import { parsedOrText } from '../../../tracing/python-json.ts'
import type * as wire from '../../generated/messages.ts'
import { printJson } from '../../wire/json.ts'
import { saidOf } from '../../traces/assessment-entities.ts'
import { msOfDuration, msOfTimestamp } from '../../traces/times.ts'
import type { SourceRow } from '../source.ts'
import { inParallel, once, pagesOf, type SourceExperiment, type StageDeps } from './deps.ts'
import { experimentIdOf } from './runs.ts'

const tracesPage = 100
const linkedPage = 500

/** A trace that was staged whole is not read again. */
export async function stageTraces(deps: StageDeps, experiments: readonly SourceExperiment[]): Promise<void> {
  let count = 0
  for (const { id } of experiments) {
    await once(deps, `traces of ${id}`, async () => {
      for await (const { traces = [] } of pagesOf((token) => search(deps, id, { limit: tracesPage, token }))) {
        await inParallel(traces, (trace) => once(deps, `trace ${trace.trace_id}`, () => stageTrace(deps, id, trace)))
        count += traces.length
        deps.tell(`read: ${count} traces`)
      }
    })
  }
}

const search = (
  { remote }: StageDeps,
  experimentId: string,
  { limit, token, filter }: { limit: number; token: string | undefined; filter?: string },
): Promise<wire.SearchTracesV3Response> =>
  remote.call('searchTracesV3', {
    locations: [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experimentId } }],
    max_results: limit,
    order_by: ['timestamp_ms ASC'],
    filter,
    page_token: token,
  })

/** Which traces a run is linked to is told only to who asks for the run's. */
export async function stageTraceLinks(deps: StageDeps): Promise<void> {
  const { staging } = deps
  const runs = `select run_uuid, experiment_id from runs where experiment_id in (select experiment_id from trace_info)`
  for await (const chunk of staging.rows(runs)) {
    await inParallel(chunk, ({ run_uuid: run, experiment_id: experiment }) =>
      once(deps, `links of ${String(run)}`, async () => {
        const filter = `attributes.run_id = '${String(run)}'`
        const pages = pagesOf((token) => search(deps, String(experiment), { limit: linkedPage, token, filter }))
        for await (const { traces = [] } of pages) {
          // What was traced within the run is found by its metadata.
          const linked = traces.filter((trace) => trace.trace_metadata?.[metadataKeys.sourceRun] !== run)
          staging.insert(
            'entity_associations',
            linked.map(({ trace_id: trace = '' }) => linkRow(trace, 'run', String(run))),
          )
        }
      }),
    )
  }
}

const linkRow = (trace: string, type: string, target: string): SourceRow => ({
  association_id: '',
  source_type: 'trace',
  source_id: trace,
  destination_type: type,
  destination_id: target,
  created_time: 0,
})

/** As it is told: with what is said about it, and its spans where the server keeps them. */
export async function stageTrace(deps: StageDeps, experimentId: string, trace: wire.TraceInfoV3): Promise<void> {
  const { staging } = deps
  const id = trace.trace_id ?? ''
  const { [tagKeys.name]: name = null, ...tags } = trace.tags ?? {}
  const metadata = trace.trace_metadata ?? {}
  const pairs = (texts: Readonly<Record<string, string>>) =>
    Object.entries(texts).map(([key, value]) => ({ request_id: id, key, value }))
  staging.insert('trace_tags', pairs(tags))
  staging.insert('trace_request_metadata', pairs(metadata))
  for (const assessment of trace.assessments ?? []) stageAssessment(deps, { id, experimentId }, assessment)
  staging.insert(
    'entity_associations',
    promptsOf(tags[tagKeys.linkedPrompts]).map((prompt) => linkRow(id, 'prompt_version', prompt)),
  )
  if (tags[tagKeys.spansLocation] === 'TRACKING_STORE') await stageSpans(deps, { id, experimentId })
  staging.insert('trace_info', [
    {
      request_id: id,
      experiment_id: experimentIdOf(experimentId),
      timestamp_ms: trace.request_time ? msOfTimestamp(trace.request_time, 'request_time') : 0,
      execution_time_ms: trace.execution_duration ? msOfDuration(trace.execution_duration, 'execution_duration') : null,
      status: trace.state ?? 'STATE_UNSPECIFIED',
      client_request_id: trace.client_request_id ?? null,
      request_preview: trace.request_preview ?? null,
      response_preview: trace.response_preview ?? null,
      trace_name: name,
      ...(countsOfMetadata(metadata) as SourceRow),
    },
  ])
}

/** `[{"name": …, "version": …}]` */
function promptsOf(tag: string | undefined): string[] {
  const listed = tag === undefined ? [] : parsedOrText(tag)
  if (!Array.isArray(listed)) return []
  return listed.flatMap((each: { name?: string; version?: string | number } | null) =>
    each?.name === undefined || each.version === undefined ? [] : [`${each.name}/${each.version}`],
  )
}

function stageAssessment(
  { staging }: StageDeps,
  { id, experimentId }: { id: string; experimentId: string },
  wireOf: wire.Assessment,
): void {
  const said = saidOf(wireOf)
  const at = said.createdAtMs ?? 0
  staging.insert('assessments', [
    {
      assessment_id: said.id ?? '',
      trace_id: id,
      name: said.name,
      assessment_type: said.kind,
      value: said.value,
      error: said.error && JSON.stringify(said.error),
      created_timestamp: at,
      last_updated_timestamp: said.updatedAtMs ?? at,
      source_type: said.source.type,
      source_id: said.source.id,
      span_id: said.spanId,
      rationale: wireOf.rationale ?? null,
      overrides: wireOf.overrides ?? null,
      valid: wireOf.valid ?? true,
      assessment_metadata: said.metadata && JSON.stringify(said.metadata),
      experiment_id: experimentIdOf(experimentId),
      trace_timestamp_ms: 0,
    },
  ])
}

/** As the server tells its console: base64 ids, JSON texts as attributes. */
interface ToldSpan {
  readonly span_id: string
  readonly parent_span_id: string | null
  readonly name: string
  readonly start_time_unix_nano: number | bigint
  readonly end_time_unix_nano: number | bigint | null
  readonly status: { readonly code: string }
  readonly attributes: Readonly<Record<string, string>>
}

async function stageSpans(
  { remote, staging }: StageDeps,
  { id, experimentId }: { id: string; experimentId: string },
): Promise<void> {
  const path = `/ajax-api/2.0/mlflow/get-trace-artifact?request_id=${encodeURIComponent(id)}`
  const { spans } = (await remote.json(path)) as { spans: readonly ToldSpan[] }
  const owner = { trace_id: id, experiment_id: experimentIdOf(experimentId) }
  staging.insert(
    'spans',
    spans.map((span) => ({ ...owner, ...spanRow(span) })),
  )
}

const hexOf = (base64: string): string => Buffer.from(base64, 'base64').toString('hex')

function spanRow(span: ToldSpan): SourceRow {
  const attribute = (key: string): unknown => {
    const text = span.attributes[key]
    return text === undefined ? undefined : parsedOrText(text)
  }
  const textAt = (key: string): string | null => {
    const value = attribute(key)
    return typeof value === 'string' ? value : null
  }
  const costs = attribute('mlflow.llm.cost') as Readonly<Record<string, unknown>> | null | undefined
  const cost = (key: string): number | null => (typeof costs?.[key] === 'number' ? costs[key] : null)
  return {
    span_id: hexOf(span.span_id),
    parent_span_id: span.parent_span_id === null ? null : hexOf(span.parent_span_id),
    name: span.name,
    type: textAt('mlflow.spanType'),
    status: span.status.code.replace('STATUS_CODE_', ''),
    start_time_unix_nano: span.start_time_unix_nano,
    end_time_unix_nano: span.end_time_unix_nano,
    content: printJson(span),
    input_cost: cost('input_cost'),
    output_cost: cost('output_cost'),
    total_cost: cost('total_cost'),
    model_name: textAt('mlflow.llm.model'),
    model_provider: textAt('mlflow.llm.provider'),
  }
}
