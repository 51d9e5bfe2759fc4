// MLflow's method that counts traces, spans and assessments.
import { wireOfNumber } from '../../experiments/metric.ts'
import {
  measures,
  queryMetrics,
  type Aggregation,
  type MeasureView,
  type MetricFilter,
  type MetricPoint,
} from '../../tracing/trace-metrics.ts'
import { pythonFloat } from '../../tracing/python-json.ts'
import { invalidParameter } from '../wire/errors.ts'
import type { MetricAggregation, MetricDataPoint, QueryTraceMetrics } from '../generated/messages.ts'
import { reprOfList } from '../filter/python.ts'
import type { Methods } from '../wire/method.ts'
import { experimentIdOf } from '../tracking/experiment-ids.ts'
import type { TraceDeps } from './deps.ts'
import { metricFilterOf } from './metric-filter.ts'
import { msOfInteger } from './times.ts'

const pointsDefault = 1000
const pointsMax = 100_000

export const traceMetricMethods: Methods<TraceDeps> = {
  queryTraceMetrics: {
    permission: 'trace.read',
    async handle(deps, { request }) {
      const { view_type: view = 'TRACES', metric_name: metric = '' } = request
      const aggregations = checkedAggregations(request, view)
      const points = await queryMetrics(deps, {
        view,
        metric,
        experimentIds: (request.experiment_ids ?? []).map(experimentIdOf),
        aggregations,
        dimensions: request.dimensions ?? [],
        filters: (request.filters ?? []).map((text) => filterFor(text, view)),
        ...rangeOf(request),
        limit: limitOf(request.max_results),
      })
      const found = points.map((point) => wireOfPoint(point, { metric, aggregations }))
      return found.length > 0 ? { data_points: found } : {}
    },
  },
}

function limitOf(max: number = pointsDefault): number {
  if (max >= 0 && max <= pointsMax) return max
  throw invalidParameter(`Invalid value ${max} for parameter 'max_results' supplied. It must be at most ${pointsMax}`)
}

function rangeOf(request: QueryTraceMetrics): { bucketMs?: number; fromMs?: number; toMs?: number } {
  const { time_interval_seconds: interval, start_time_ms: from, end_time_ms: to } = request
  const isBucketed = interval !== undefined && Number(interval) !== 0
  if (isBucketed && (from === undefined || to === undefined)) {
    throw invalidParameter('start_time_ms and end_time_ms are required if time_interval_seconds is set')
  }
  const seconds = isBucketed ? msOfInteger(interval, 'time_interval_seconds') : 0
  if (seconds < 0 || seconds > 1e9) {
    throw invalidParameter(`Invalid value ${seconds} for parameter 'time_interval_seconds' supplied.`)
  }
  return {
    ...(isBucketed ? { bucketMs: seconds * 1000 } : {}),
    ...(from === undefined ? {} : { fromMs: msOfInteger(from, 'start_time_ms') }),
    ...(to === undefined ? {} : { toMs: msOfInteger(to, 'end_time_ms') }),
  }
}

/** @throws MlflowError INVALID_PARAMETER_VALUE for what the metric has not */
function checkedAggregations(request: QueryTraceMetrics, view: MeasureView): Aggregation[] {
  const { metric_name: metric = '', aggregations = [], dimensions = [] } = request
  const known = measures[view]
  const measure = Object.hasOwn(known, metric) ? known[metric] : undefined
  if (!measure) {
    throw invalidParameter(`metric_name must be one of ${reprOfList(Object.keys(known))}, got '${metric}'`)
  }
  const types: readonly string[] = measure.aggregations
  const badTypes = new Set(
    aggregations.map((each) => String(each.aggregation_type)).filter((type) => !types.includes(type)),
  )
  if (badTypes.size > 0) {
    throw invalidParameter(
      `Found invalid aggregation_type(s): ${reprOfList([...badTypes].toSorted())}. Supported aggregation types: ${reprOfList(types.toSorted())}`,
    )
  }
  const bad = new Set(dimensions.filter((each) => !measure.dimensions.includes(each)))
  if (bad.size > 0) {
    throw invalidParameter(
      `Found invalid dimension(s): ${reprOfList([...bad].toSorted())}. Supported dimensions: ${reprOfList(measure.dimensions.toSorted())}`,
    )
  }
  return aggregations.map(aggregationOf)
}

function aggregationOf({ aggregation_type: type = 'COUNT', percentile_value: value }: MetricAggregation): Aggregation {
  if (type !== 'PERCENTILE') return { type }
  const percentile = Number(value ?? Number.NaN)
  if (percentile >= 0 && percentile <= 100) return { type, percentile }
  throw invalidParameter(`percentile_value must be between 0 and 100, got ${value ?? 'None'}`)
}

function filterFor(text: string, view: MeasureView): MetricFilter {
  const filter = metricFilterOf(text)
  if (filter.on === 'span' && view !== 'SPANS') {
    throw invalidParameter(`Filtering by span is only supported for SPANS view type, got ${view}`)
  }
  if (filter.on === 'assessment' && view !== 'ASSESSMENTS') {
    throw invalidParameter(`Filtering by assessment is only supported for ASSESSMENTS view type, got ${view}`)
  }
  return filter
}

/** `AVG`, `P90.0` */
const nameOf = (aggregation: Aggregation): string =>
  aggregation.type === 'PERCENTILE' ? `P${pythonFloat(aggregation.percentile)}` : aggregation.type

function wireOfPoint(
  { bucketMs, dimensions, values }: MetricPoint,
  { metric, aggregations }: { metric: string; aggregations: readonly Aggregation[] },
): MetricDataPoint {
  const named = aggregations.flatMap((aggregation, index) => {
    const value = values[index] ?? null
    return value === null ? [] : [[nameOf(aggregation), wireOfNumber(value)] as const]
  })
  const bucket = bucketMs === undefined ? {} : { time_bucket: isoOf(bucketMs) }
  const all = { ...bucket, ...dimensions }
  return {
    metric_name: metric,
    ...(Object.keys(all).length > 0 ? { dimensions: all } : {}),
    values: Object.fromEntries(named),
  }
}

/** As Python's `isoformat` writes it. */
const isoOf = (ms: number): string =>
  new Date(ms)
    .toISOString()
    .replace(/\.000Z$/v, '+00:00')
    .replace('Z', '000+00:00')
