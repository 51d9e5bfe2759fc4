// What can be measured of traces, spans and assessments, and by what it can be grouped.
import { sql, type RawBuilder } from 'kysely'
import { costKeys, tokenKeys } from '../derive/usage.ts'

export const measureViews = ['TRACES', 'SPANS', 'ASSESSMENTS'] as const
export type MeasureView = (typeof measureViews)[number]

type AggregationType = 'COUNT' | 'SUM' | 'AVG' | 'MIN' | 'MAX' | 'PERCENTILE'

export interface Measure {
  readonly aggregations: readonly AggregationType[]
  readonly dimensions: readonly string[]
}

const count: readonly AggregationType[] = ['COUNT']
const spread: readonly AggregationType[] = ['AVG', 'MIN', 'MAX', 'PERCENTILE']
const amount: readonly AggregationType[] = ['SUM', ...spread]

const tokenMeasures = tokenKeys.slice(0, 5)
const models = ['span_model_name', 'span_model_provider']

/** Names, aggregations and dimensions are MLflow's. */
export const measures: Readonly<Record<MeasureView, Readonly<Record<string, Measure>>>> = {
  TRACES: {
    trace_count: { aggregations: count, dimensions: ['trace_name', 'trace_status'] },
    session_count: { aggregations: count, dimensions: [] },
    latency: { aggregations: spread, dimensions: ['trace_name'] },
    ...Object.fromEntries(tokenMeasures.map((key) => [key, { aggregations: amount, dimensions: ['trace_name'] }])),
  },
  SPANS: {
    span_count: { aggregations: count, dimensions: ['span_name', 'span_type', 'span_status', ...models] },
    latency: { aggregations: spread, dimensions: ['span_name', 'span_status'] },
    ...Object.fromEntries(costKeys.map((key) => [key, { aggregations: amount, dimensions: models }])),
  },
  ASSESSMENTS: {
    assessment_count: { aggregations: count, dimensions: ['assessment_name', 'assessment_value'] },
    assessment_value: { aggregations: spread, dimensions: ['assessment_name'] },
  },
}

/** How it is asked for; traces are `t`, spans `s`, assessments `a`. */
export interface MeasureSql {
  readonly from: RawBuilder<unknown>
  readonly value: RawBuilder<unknown>
  readonly isDistinct: boolean
  readonly conditions: readonly RawBuilder<unknown>[]
  readonly dimensions: Readonly<Record<string, RawBuilder<unknown>>>
  /** The time that buckets are of, in units of which `perMs` are a millisecond. */
  readonly bucketTime: RawBuilder<unknown>
  readonly perMs: number
  /** The time that a range is of. */
  readonly rangeTime: RawBuilder<unknown>
  readonly rangePerMs: number
}

const traceTime = {
  bucketTime: sql.ref('t.started_at_ms'),
  perMs: 1,
  rangeTime: sql.ref('t.started_at_ms'),
  rangePerMs: 1,
}
const nsPerMs = 1_000_000

export function measureOf(view: MeasureView, metric: string): MeasureSql {
  switch (view) {
    case 'TRACES':
      return {
        ...traceTime,
        from: sql`trace t`,
        value: traceValue(metric),
        isDistinct: metric === 'session_count',
        conditions: [],
        dimensions: { trace_name: sql.ref('t.name'), trace_status: sql.ref('t.state') },
      }
    case 'SPANS':
      return spanMeasure(metric)
    case 'ASSESSMENTS':
      return {
        ...traceTime,
        from: sql`trace t join assessment a on a.trace_no = t.no`,
        value: metric === 'assessment_count' ? sql.ref('a.id') : sql.ref('a.aggregate_value'),
        isDistinct: false,
        // One that is overridden would be counted twice.
        conditions: [sql`a.is_valid = 1`],
        dimensions: { assessment_name: sql.ref('a.name'), assessment_value: sql.ref('a.value') },
      }
  }
}

function traceValue(metric: string): RawBuilder<unknown> {
  if (metric === 'trace_count') return sql.ref('t.no')
  if (metric === 'session_count') return sql.ref('t.session_id')
  return metric === 'latency' ? sql.ref('t.duration_ms') : sql.ref(`t.${metric}`)
}

/** Cost is dated by its span, counts and latency by their trace. */
function spanMeasure(metric: string): MeasureSql {
  const time = { bucketTime: sql.ref('s.started_at_ns'), perMs: nsPerMs }
  const isCost = (costKeys as readonly string[]).includes(metric)
  const latency = sql`((s.ended_at_ns - s.started_at_ns) / 1000000)`
  return {
    ...time,
    rangeTime: isCost ? sql.ref('s.started_at_ns') : sql.ref('t.started_at_ms'),
    rangePerMs: isCost ? nsPerMs : 1,
    from: sql`trace t join span s on s.trace_no = t.no`,
    value: isCost ? sql.ref(`s.${metric}`) : metric === 'latency' ? latency : sql.ref('s.span_id'),
    isDistinct: false,
    conditions: [],
    dimensions: {
      span_name: sql.ref('s.name'),
      span_type: sql.ref('s.type'),
      span_status: sql.ref('s.status'),
      span_model_name: sql.ref('s.model_name'),
      span_model_provider: sql.ref('s.model_provider'),
    },
  }
}
