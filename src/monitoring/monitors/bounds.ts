// Where a monitor's bounds lie: as named, or by the rule on the champion's own training days. Pure.
import { thresholdFor, type Threshold as Derived } from '../../statistics/thresholds.ts'
import { messageOf, DomainError } from '../../platform/errors.ts'
import type { Baseline } from '../../models/baseline.ts'
import type { Bounds, Monitor } from '../monitor.ts'
import type { VersionFacts } from '../version-facts.ts'
import type { Measurement, Unmeasured } from './measurement.ts'

export interface FoundBounds extends Bounds {
  readonly detail: Readonly<Record<string, unknown>>
}

/** The bounds for a window's value, or why there are none. */
export function boundsFor(monitor: Monitor, measured: Measurement, facts: VersionFacts): FoundBounds | Unmeasured {
  const { threshold } = monitor
  if (!('fromTraining' in threshold)) {
    return { low: threshold.low ?? null, high: threshold.high ?? null, detail: {} }
  }
  const days = facts.baseline?.days ?? []
  try {
    return trainingBounds(monitor, measured, days)
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    return { reason: messageOf(error), rows: measured.rows }
  }
}

function trainingBounds(monitor: Monitor, measured: Measurement, days: Baseline['days']): FoundBounds {
  const { signal, threshold, windowDays } = monitor
  if (!('fromTraining' in threshold)) throw new Error('a threshold from training was asked for')
  const { alpha, side = signal.kind === 'calibration_gap' ? 'both' : 'upper' } = threshold.fromTraining
  const daily = days.map(({ rows, sumPredicted, sumObserved, sumLoss }) => ({
    rows,
    value: (signal.kind === 'calibration_gap' ? sumPredicted - sumObserved : sumLoss) / rows,
  }))
  const live = thinnerThanTraining(measured, days, windowDays)
  const found = thresholdFor(daily, { windowDays, alpha, side, ...(live ? { live } : {}) })
  // A regression's daily loss is a squared error, while its signal is the root.
  const scale = signal.kind === 'rmse' ? (bound: number) => Math.sqrt(Math.max(0, bound)) : (bound: number) => bound
  const finite = (bound: number): number | null => (Number.isFinite(bound) ? scale(bound) : null)
  return { low: finite(found.lower), high: finite(found.upper), detail: { training: described(found, scale) } }
}

/** Live days with fewer rows than training days are noisier than those were: the rule widens the bounds by that. */
function thinnerThanTraining(
  { rows, varianceOfRow }: Measurement,
  days: Baseline['days'],
  windowDays: number,
): { rowsPerDay: number; varianceOfRow: number } | undefined {
  const rowsPerDay = rows / windowDays
  const trainingRowsPerDay = days.reduce((sum, day) => sum + day.rows, 0) / Math.max(1, days.length)
  if (varianceOfRow === undefined || rowsPerDay >= trainingRowsPerDay) return undefined
  return { rowsPerDay, varianceOfRow }
}

const described = ({ mean, sd, n }: Derived, scale: (value: number) => number): object => ({
  mean: scale(mean),
  standardDeviation: sd,
  days: n,
})
