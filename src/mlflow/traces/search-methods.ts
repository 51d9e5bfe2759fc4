// MLflow's searches of traces, and how much two filters go together.
import { wireOfNumber } from '../../experiments/metric.ts'
import { correlationOf } from '../../tracing/correlation.ts'
import { countTogether, searchTraces, type TraceFilter, type TraceOrder, type TracePage } from '../../tracing/search.ts'
import { invalidParameter } from '../wire/errors.ts'
import { parseFilter, parseOrderBy } from '../filter/parse.ts'
import type { CalculateTraceFilterCorrelation, SearchTraces } from '../generated/messages.ts'
import type { Methods } from '../wire/method.ts'
import { experimentIdOf } from '../tracking/experiment-ids.ts'
import type { TraceDeps } from './deps.ts'
import { infoOf, legacyInfoOf } from './entities.ts'

const pageDefault = 100

/** The parser has checked that it says nothing about metrics, params or datasets. */
const filterOf = (text: string | undefined): TraceFilter => parseFilter('traces', text) as TraceFilter

async function search(deps: TraceDeps, request: SearchTraces): Promise<TracePage> {
  const limit = request.max_results ?? pageDefault
  if (limit < 1) {
    throw invalidParameter(`Invalid value ${limit} for parameter 'max_results' supplied. It must be a positive integer`)
  }
  return searchTraces(deps, {
    experimentIds: (request.experiment_ids ?? []).map(experimentIdOf),
    filter: filterOf(request.filter),
    orderBy: parseOrderBy('traces', request.order_by) as TraceOrder[],
    limit,
    after: request.page_token || undefined,
  })
}

const tokenOf = ({ next }: TracePage): { next_page_token?: string } =>
  next === undefined ? {} : { next_page_token: next }

export const traceSearchMethods: Methods<TraceDeps> = {
  searchTracesV3: {
    permission: 'trace.read',
    async handle(deps, { request }) {
      const ids = (request.locations ?? []).flatMap(({ mlflow_experiment: found }) =>
        found?.experiment_id === undefined ? [] : [found.experiment_id],
      )
      const page = await search(deps, { ...request, experiment_ids: ids })
      return { ...(page.traces.length > 0 ? { traces: page.traces.map(infoOf) } : {}), ...tokenOf(page) }
    },
  },
  searchTraces: {
    permission: 'trace.read',
    async handle(deps, { request }) {
      const page = await search(deps, request)
      return { ...(page.traces.length > 0 ? { traces: page.traces.map(legacyInfoOf) } : {}), ...tokenOf(page) }
    },
  },
  calculateTraceFilterCorrelation: {
    permission: 'trace.read',
    handle: (deps, { request }) => correlate(deps, request),
  },
}

async function correlate(deps: TraceDeps, request: CalculateTraceFilterCorrelation) {
  const counts = await countTogether(deps, {
    experimentIds: (request.experiment_ids ?? []).map(experimentIdOf),
    among: filterOf(request.base_filter),
    first: filterOf(request.filter_string1),
    second: filterOf(request.filter_string2),
  })
  const { npmi, smoothed } = correlationOf(counts)
  return {
    ...(Number.isNaN(npmi) ? {} : { npmi: wireOfNumber(npmi) }),
    ...(Number.isNaN(smoothed) ? {} : { npmi_smoothed: wireOfNumber(smoothed) }),
    filter1_count: counts.first,
    filter2_count: counts.second,
    joint_count: counts.both,
    total_count: counts.total,
  }
}
