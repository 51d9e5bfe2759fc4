// What each arm did on each day, as numbers to show: traffic, latency, and quality where outcomes are known.
import { z } from 'zod'
import type { Db } from '../platform/database.ts'
import { VariantRole } from '../serving/gateway-config.ts'
import { sketchQuantile } from '../statistics/quantile-sketch.ts'
import { errorQuality, scoreQuality } from '../statistics/score-histogram.ts'
import { listPerformance, listTraffic, type DayRange } from './aggregates/aggregate-store.ts'
import { mergePerformance, noPerformance, type PerformanceSums } from './aggregates/performance.ts'
import { mergeTrafficSums, noTraffic, type TrafficSums } from './aggregates/traffic.ts'
import type { MonitoringTables } from './tables.ts'

const measured = z.number().nullable()

export const ArmSummary = z.strictObject({
  version: z.string(),
  role: VariantRole,
  /** Start of the UTC day (of event time); of a sum over the whole range, its first day. */
  dayMs: z.int(),
  requests: z.int(),
  rows: z.int(),
  errors: z.int(),
  /** Milliseconds a request in the model. */
  latencyP50Ms: measured,
  latencyP99Ms: measured,
  predictions: z.int(),
  outcomes: z.int(),
  /** Over predictions whose outcome is known; null where the task has no such number, or no outcome is known. */
  meanPredicted: measured,
  meanObserved: measured,
  logLoss: measured,
  brier: measured,
  auc: measured,
  accuracy: measured,
  rmse: measured,
})
export type ArmSummary = z.infer<typeof ArmSummary>

export interface SummaryRange extends DayRange {
  /** One row for each version and role over the whole range instead of one a day. */
  readonly total?: boolean | undefined
}

/** By day, then version and role; shares of the traffic are added up. */
export async function summariseDays(db: Db<MonitoringTables>, range: SummaryRange): Promise<ArmSummary[]> {
  const parts = new Map<string, Part>()
  const partOf = ({ version, role, dayMs }: Arm): Part => {
    const day = range.total ? range.fromMs : dayMs
    const key = `${String(day).padStart(16, '0')} ${version} ${role}`
    let part = parts.get(key)
    if (!part) {
      part = { version, role, dayMs: day, traffic: noTraffic(), performance: noPerformance() }
      parts.set(key, part)
    }
    return part
  }
  for (const { arm, sums } of await listTraffic(db, range)) mergeTrafficSums(partOf(arm).traffic, sums)
  for (const { arm, sums } of await listPerformance(db, range)) mergePerformance(partOf(arm).performance, sums)
  return [...parts].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, part]) => summaryOf(part))
}

type Arm = Pick<ArmSummary, 'version' | 'role' | 'dayMs'>

interface Part extends Arm {
  readonly traffic: TrafficSums
  readonly performance: PerformanceSums
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null)

function summaryOf({ version, role, dayMs, traffic, performance }: Part): ArmSummary {
  return {
    version,
    role,
    dayMs,
    requests: traffic.requests,
    rows: traffic.rows,
    errors: traffic.errors,
    latencyP50Ms: finite(sketchQuantile(traffic.latency, 0.5)),
    latencyP99Ms: finite(sketchQuantile(traffic.latency, 0.99)),
    predictions: performance.predictions,
    outcomes: performance.outcomes,
    ...qualityOf(performance),
  }
}

type QualityNumbers = Pick<
  ArmSummary,
  'meanPredicted' | 'meanObserved' | 'logLoss' | 'brier' | 'auc' | 'accuracy' | 'rmse'
>

const unknown: QualityNumbers = {
  meanPredicted: null,
  meanObserved: null,
  logLoss: null,
  brier: null,
  auc: null,
  accuracy: null,
  rmse: null,
}

function qualityOf({ quality, outcomes }: PerformanceSums): QualityNumbers {
  if (!quality || outcomes === 0) return unknown
  if (quality.task === 'binary') {
    const { logLoss, brier, areaUnderCurve } = scoreQuality(quality.sums)
    return {
      ...unknown,
      meanPredicted: quality.sums.sumPredicted / outcomes,
      meanObserved: quality.sums.sumObserved / outcomes,
      logLoss: logLoss.value,
      brier: brier.value,
      auc: finite(areaUnderCurve.value),
    }
  }
  if (quality.task === 'regression') {
    const { sumError, sumObserved } = quality.sums
    const meanObserved = sumObserved / outcomes
    const meanPredicted = meanObserved + sumError / outcomes
    return { ...unknown, meanPredicted, meanObserved, rmse: errorQuality(quality.sums).rootMeanSquaredError }
  }
  const { sums } = quality
  return {
    ...unknown,
    logLoss: sums.sumLogLoss / outcomes,
    brier: sums.sumBrier / outcomes,
    accuracy: sums.correct / outcomes,
  }
}
