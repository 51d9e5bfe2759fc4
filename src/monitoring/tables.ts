// The tables of monitoring, as rows.

/** Which answers: a version in one role behind one endpoint, at one share of the traffic, on one UTC day of event time. */
export interface ArmColumns {
  endpoint: string
  /** `model/version`. */
  version: string
  /** champion, canary or shadow. */
  role: string
  /** Share of the traffic that the split gave it, in parts per million; -1: unknown. */
  weight_ppm: number
  day_ms: number
}

export interface PredictionRow extends Omit<ArmColumns, 'day_ms'> {
  id: string
  event_time_ms: number
  at_ms: number
  /** JSON array of numbers: what the model said. */
  output: string
  /** JSON array of `{version, output}`; null: no shadow scored the row. */
  shadows: string | null
}

export interface OutcomeRow {
  prediction_id: string
  /** JSON: a number, text or boolean, as it came. */
  value: string
  /** 1 for the first value, one more for each correction. */
  revision: number
  received_ms: number
  observed_ms: number | null
  /** joined: counted in the aggregates; unmatched: its prediction has not come; refused: its prediction came later and it does not fit. */
  state: string
}

export interface TrafficRow extends ArmColumns {
  requests: number
  rows: number
  errors: number
  log_latency_sum: number
  log_latency_square_sum: number
  /** JSON: quantile sketch of milliseconds a request. */
  latency: string
  /** JSON: counts in the baseline's bins, feature by feature. */
  features: string
  prediction: string
}

export interface PerformanceRow extends ArmColumns {
  /** Logged predictions of the arm. */
  predictions: number
  /** Those whose outcome is known; all sums are over them. */
  outcomes: number
  loss_sum: number
  loss_square_sum: number
  /** JSON of a `Quality`; null before the first outcome. */
  quality: string | null
}

export interface PairedLossRow {
  endpoint: string
  champion: string
  challenger: string
  day_ms: number
  /** Rows that both versions scored. */
  scored: number
  /** Rows on which the challenger failed. */
  failed: number
  /** Scored rows whose outcome is known; the sums are over them, of challenger's less champion's loss. */
  pairs: number
  difference_sum: number
  difference_square_sum: number
  champion_loss_sum: number
  challenger_loss_sum: number
}

export interface WatermarkRow {
  endpoint: string
  largest_event_ms: number
  watermark_ms: number
  lateness_ms: number
}

export interface MonitorRow {
  endpoint: string
  name: string
  /** JSON of a `Monitor`. */
  definition: string
  /** 1, and one more for each change of the definition. */
  revision: number
  /** End of the newest window that has a result. */
  evaluated_to_ms: number | null
  set_at_ms: number
}

export interface MonitorResultRow {
  endpoint: string
  monitor: string
  revision: number
  window_end_ms: number
  window_start_ms: number
  version: string
  /** breach, ok, warming_up, insufficient. */
  state: string
  value: number | null
  low: number | null
  high: number | null
  rows: number
  coverage: number | null
  /** 0: outcomes may still change it. */
  final: number
  /** JSON: what else was measured. */
  detail: string
  evaluated_ms: number
}

export interface AlertRow {
  id: string
  endpoint: string
  monitor: string
  version: string
  /** open, acknowledged, resolved. */
  state: string
  /** JSON of the `AlertEvidence` it was opened on. */
  evidence: string
  /** Policy time of the windows that opened and closed it. */
  opened_ms: number
  closed_ms: number | null
  /** Wall time. */
  opened_at_ms: number
  closed_at_ms: number | null
  acknowledged_by: string | null
  close_reason: string | null
}

/** Sums over all endpoints since the beginning, such as `predictions_dropped`. */
export interface MonitoringTotalRow {
  name: string
  value: number
}

export interface MonitoringTables {
  prediction: PredictionRow
  outcome: OutcomeRow
  traffic: TrafficRow
  performance: PerformanceRow
  paired_loss: PairedLossRow
  watermark: WatermarkRow
  monitor: MonitorRow
  monitor_result: MonitorResultRow
  alert: AlertRow
  monitoring_total: MonitoringTotalRow
}
