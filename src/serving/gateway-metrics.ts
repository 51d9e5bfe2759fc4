// The gateway's numbers in Prometheus' text format: workers count, snapshots add up, the primary writes. Pure.

type Family =
  | { readonly type: 'counter' | 'gauge'; readonly help: string }
  | { readonly type: 'histogram'; readonly help: string; readonly bounds: readonly number[] }

const secondsBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]
const rowsBounds = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096]

export const metricFamilies = {
  trueloop_inference_requests_total: { type: 'counter', help: 'Inference requests by who answered and how.' },
  trueloop_inference_rows_total: { type: 'counter', help: 'Rows that were answered.' },
  trueloop_inference_request_seconds: {
    type: 'histogram',
    help: 'From the end of the request body to the answer.',
    bounds: secondsBounds,
  },
  trueloop_inference_run_seconds: { type: 'histogram', help: 'Runs of a model.', bounds: secondsBounds },
  trueloop_inference_run_rows: { type: 'histogram', help: 'Rows of a run.', bounds: rowsBounds },
  trueloop_inference_refusals_total: {
    type: 'counter',
    help: 'Requests that no model saw, by endpoint and error code.',
  },
  trueloop_inference_cache_total: { type: 'counter', help: 'Looks into the cache of answers by what they found.' },
  trueloop_inference_queue_seconds: {
    type: 'histogram',
    help: 'Time in the queue of the first request of a run.',
    bounds: secondsBounds,
  },
  trueloop_compute_copied_bytes_total: {
    type: 'counter',
    help: 'Rows and answers on their way to compute processes and back.',
  },
  trueloop_compute_losses_total: { type: 'counter', help: 'Compute processes that hung or ended at work.' },
  trueloop_inference_fallbacks_total: { type: 'counter', help: 'Requests of a canary that the champion answered.' },
  trueloop_http_responses_total: { type: 'counter', help: 'HTTP responses by status.' },
  trueloop_grpc_calls_total: { type: 'counter', help: 'gRPC calls by the status they ended with.' },
  trueloop_queue_rows: { type: 'gauge', help: 'Rows that wait for a model version.' },
  trueloop_shadow_rows_dropped_total: { type: 'counter', help: 'Rows that a shadow version was too far behind for.' },
  trueloop_predictions_dropped_total: {
    type: 'counter',
    help: 'Predictions that the log left out: more than 5,000 a second in a worker, or a full buffer.',
  },
  trueloop_predictions_lost_total: {
    type: 'counter',
    help: 'Predictions that were lost from the log with a killed worker.',
  },
  trueloop_raw_rows_dropped_total: { type: 'counter', help: 'Raw rows beyond the limits of the raw log.' },
  trueloop_events_total: { type: 'counter', help: 'CloudEvents by endpoint and what became of them.' },
  trueloop_spans_total: { type: 'counter', help: 'Spans of traced requests by what became of them.' },
  trueloop_prediction_log_bytes: { type: 'gauge', help: 'Disk that the prediction log takes as Parquet.' },
  trueloop_prediction_log_rows_total: { type: 'counter', help: 'Raw rows that were made into Parquet.' },
  trueloop_prediction_log_files_removed_total: {
    type: 'counter',
    help: 'Files that left the prediction log for their age or for its size.',
  },
  trueloop_prediction_log_runs_total: { type: 'counter', help: 'Turns of the prediction log by how they ended.' },
  trueloop_gateway_workers: { type: 'gauge', help: 'Workers that take connections.' },
  trueloop_gateway_generation: { type: 'gauge', help: 'Generation of the configuration that is served.' },
  trueloop_gateway_worker_kills_total: { type: 'counter', help: 'Workers that hung and were killed, or died.' },
  trueloop_gateway_reports_pending: { type: 'gauge', help: 'Reports that the control plane has not taken.' },
  trueloop_gateway_control_plane_up: { type: 'gauge', help: '1 while the control plane answers.' },
} as const satisfies Record<string, Family>
export type MetricName = keyof typeof metricFamilies

/** Observations of one label set, per bound and above the last. */
export interface Histogram {
  readonly buckets: number[]
  sum: number
  count: number
}

/** Values by family and then by labels as they are written (`endpoint="flights"`). Counts since the process began. */
export type MetricSnapshot = Partial<Record<MetricName, Record<string, number | Histogram>>>

export interface Metrics {
  add(name: MetricName, labels: string, by: number): void
  set(name: MetricName, labels: string, value: number): void
  observe(name: MetricName, labels: string, value: number): void
  readonly snapshot: MetricSnapshot
}

export function createMetrics(): Metrics {
  const snapshot: MetricSnapshot = {}
  const family = (name: MetricName): Record<string, number | Histogram> => (snapshot[name] ??= {})
  return {
    add(name, labels, by) {
      const values = family(name)
      values[labels] = ((values[labels] as number | undefined) ?? 0) + by
    },
    set(name, labels, value) {
      family(name)[labels] = value
    },
    observe(name, labels, value) {
      const values = family(name)
      const bounds = boundsOf(name)
      const histogram = (values[labels] ??= {
        buckets: Array.from({ length: bounds.length + 1 }, () => 0),
        sum: 0,
        count: 0,
      }) as Histogram
      let bucket = 0
      while (bucket < bounds.length && value > bounds[bucket]!) bucket++
      histogram.buckets[bucket]!++
      histogram.sum += value
      histogram.count++
    },
    snapshot,
  }
}

function boundsOf(name: MetricName): readonly number[] {
  const found: Family = metricFamilies[name]
  return found.type === 'histogram' ? found.bounds : []
}

/** Adds `more` into `sum`. Gauges add up too: rows that wait in one worker wait beside those of another. */
export function addSnapshot(sum: MetricSnapshot, more: MetricSnapshot): MetricSnapshot {
  for (const name of Object.keys(more) as MetricName[]) {
    const into = (sum[name] ??= {})
    for (const [labels, value] of Object.entries(more[name] ?? {})) {
      const before = into[labels]
      if (typeof value === 'number') into[labels] = (typeof before === 'number' ? before : 0) + value
      else into[labels] = typeof before === 'object' ? addHistograms(before, value) : addHistograms(value)
    }
  }
  return sum
}

/** What remains of a worker that ended: its counters, not its gauges. */
export function countersOf(snapshot: MetricSnapshot): MetricSnapshot {
  const isCounted = (name: string): boolean => metricFamilies[name as MetricName].type !== 'gauge'
  return Object.fromEntries(Object.entries(snapshot).filter(([name]) => isCounted(name)))
}

function addHistograms(first: Histogram, second?: Histogram): Histogram {
  return {
    buckets: first.buckets.map((count, at) => count + (second?.buckets[at] ?? 0)),
    sum: first.sum + (second?.sum ?? 0),
    count: first.count + (second?.count ?? 0),
  }
}

/** A label as the format wants it. */
export const label = (name: string, value: string): string =>
  `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`

/** Prometheus' text exposition format 0.0.4. */
export function metricsText(snapshot: MetricSnapshot): string {
  let text = ''
  for (const name of Object.keys(metricFamilies) as MetricName[]) {
    const values = Object.entries(snapshot[name] ?? {})
    if (values.length === 0) continue
    const { help, type } = metricFamilies[name]
    text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
    for (const [labels, value] of values) {
      if (typeof value === 'number') text += `${name}${labels === '' ? '' : `{${labels}}`} ${value}\n`
      else text += histogramText(name, labels, value)
    }
  }
  return text
}

function histogramText(name: MetricName, labels: string, { buckets, sum, count }: Histogram): string {
  const prefix = labels === '' ? '' : `${labels},`
  const own = labels === '' ? '' : `{${labels}}`
  let text = ''
  let below = 0
  for (const [at, bound] of [...boundsOf(name), '+Inf'].entries()) {
    below += buckets[at] ?? 0
    text += `${name}_bucket{${prefix}le="${bound}"} ${below}\n`
  }
  return `${text}${name}_sum${own} ${sum}\n${name}_count${own} ${count}\n`
}
