// Traces of a server before MLflow 3, staged: their spans are a file among their artifacts.
import type * as wire from '../../generated/messages.ts'
import { stateOf, textsOf } from '../../traces/entities.ts'
import { durationOf, timestampOf } from '../../traces/times.ts'
import { inParallel, once, pagesOf, type SourceExperiment, type StageDeps } from './deps.ts'
import { stageTrace } from './traces.ts'

const tracesPage = 100

export async function stageLegacyTraces(deps: StageDeps, experiments: readonly SourceExperiment[]): Promise<void> {
  for (const { id } of experiments) {
    await once(deps, `traces of ${id}`, async () => {
      const pages = pagesOf((token) =>
        deps.remote.call('searchTraces', {
          experiment_ids: [id],
          max_results: tracesPage,
          order_by: ['timestamp_ms ASC'],
          page_token: token,
        }),
      )
      for await (const { traces = [] } of pages) {
        const told = traces.map(infoOf)
        await inParallel(told, (trace) => once(deps, `trace ${trace.trace_id}`, () => stageTrace(deps, id, trace)))
      }
    })
  }
}

const infoOf = (trace: wire.TraceInfo): wire.TraceInfoV3 => ({
  trace_id: trace.request_id,
  request_time: timestampOf(Number(trace.timestamp_ms ?? 0)),
  execution_duration: trace.execution_time_ms === undefined ? undefined : durationOf(Number(trace.execution_time_ms)),
  state: stateOf(trace.status),
  trace_metadata: textsOf(trace.request_metadata),
  tags: textsOf(trace.tags),
})
