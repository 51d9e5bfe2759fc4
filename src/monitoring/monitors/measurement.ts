// One signal measured on one window's sums. Pure: the numbers of a monitor come from here and nowhere else.
import type { BaselineFeature } from '../../models/baseline.ts'
import { comparedCounts, countRates, type FeatureBins } from '../../statistics/binning.ts'
import {
  chiSquaredHomogeneity,
  jensenShannon,
  populationStability,
  totalVariation,
} from '../../statistics/divergence.ts'
import { sketchQuantile } from '../../statistics/quantile-sketch.ts'
import { errorQuality, scoreQuality } from '../../statistics/score-histogram.ts'
import type { Quality } from '../aggregates/performance.ts'
import type { DriftMethod, Monitor, Signal } from '../monitor.ts'
import type { VersionFacts } from '../version-facts.ts'
import type { WindowSums } from './window.ts'

export interface Measurement {
  readonly value: number
  /** Rows that the value is over. */
  readonly rows: number
  /** Variance of one row's value, where a threshold wants it. */
  readonly varianceOfRow?: number
  readonly detail: Readonly<Record<string, unknown>>
}

/** Why a window has no value. */
export interface Unmeasured {
  readonly reason: string
  readonly rows: number
}

/** The signal's value on the window, or why there is none (too few rows, too little coverage, nothing to compare with). */
export function measure(monitor: Monitor, sums: WindowSums, facts: VersionFacts): Measurement | Unmeasured {
  const measured = measureSignal(monitor, sums, facts)
  if ('reason' in measured) return measured
  if (measured.rows < monitor.minimumRows) {
    return { reason: `${measured.rows} rows, at least ${monitor.minimumRows} are asked for`, rows: measured.rows }
  }
  if (!Number.isFinite(measured.value)) return { reason: 'the window gives no finite value', rows: measured.rows }
  return measured
}

function measureSignal(monitor: Monitor, sums: WindowSums, facts: VersionFacts): Measurement | Unmeasured {
  const { signal } = monitor
  switch (signal.kind) {
    case 'feature_drift':
    case 'null_rate':
    case 'unseen_categories':
    case 'out_of_range':
      return measureFeature(signal, sums, facts)
    case 'prediction_drift': {
      const baseline = facts.baseline?.prediction
      if (!baseline) return { reason: 'the version has no baseline', rows: 0 }
      return divergence(signal.method, baseline, sums.traffic.prediction)
    }
    case 'requests':
      return { value: sums.traffic.requests / monitor.windowDays, rows: sums.traffic.requests, detail: {} }
    case 'error_rate': {
      const { requests, errors } = sums.traffic
      return { value: errors / requests, rows: requests, detail: { errors } }
    }
    case 'latency': {
      const value = sketchQuantile(sums.traffic.latency, signal.quantile)
      return { value, rows: sums.traffic.requests, detail: { quantile: signal.quantile } }
    }
    case 'calibration_gap':
    case 'log_loss':
    case 'auc':
    case 'brier':
    case 'accuracy':
    case 'rmse':
      return measurePerformance(monitor, sums)
  }
}

type FeatureSignal = Extract<Signal, { feature: string }>

function measureFeature(signal: FeatureSignal, { traffic }: WindowSums, facts: VersionFacts): Measurement | Unmeasured {
  const at = facts.baseline?.features.findIndex((each) => each.name === signal.feature && each.derive === signal.derive)
  if (at === undefined || at < 0) {
    return { reason: `the baseline has no feature "${signal.feature}" (${signal.derive})`, rows: 0 }
  }
  const feature = facts.baseline!.features[at]!
  const live = traffic.features[at] ?? []
  if (signal.kind === 'feature_drift') return divergence(signal.method, feature, live)
  const now = countRates(feature.bins, live)
  const then = countRates(feature.bins, feature.counts)
  const name = rateNames[signal.kind]
  const rows = live.reduce((sum, count) => sum + count, 0)
  return { value: rows > 0 ? now[name] : Number.NaN, rows, detail: { training: then[name] } }
}

const rateNames = {
  null_rate: 'missingRate',
  unseen_categories: 'otherRate',
  out_of_range: 'outOfRangeRate',
} as const

function divergence(
  method: DriftMethod,
  baseline: { readonly bins: FeatureBins; readonly counts: BaselineFeature['counts'] },
  live: readonly number[],
): Measurement {
  const rows = live.reduce((sum, count) => sum + count, 0)
  if (rows === 0) return { value: Number.NaN, rows, detail: {} }
  const before = comparedCounts(baseline.bins, baseline.counts)
  const now = comparedCounts(baseline.bins, live)
  const effect = totalVariation(before, now)
  if (method === 'psi') return { value: populationStability(before, now), rows, detail: { totalVariation: effect } }
  if (method === 'jensen_shannon')
    return { value: jensenShannon(before, now), rows, detail: { totalVariation: effect } }
  const { statistic, degrees, pValue } = chiSquaredHomogeneity(before, now)
  return { value: pValue, rows, detail: { statistic, degrees, pValue, totalVariation: effect } }
}

function measurePerformance(monitor: Monitor, { performance }: WindowSums): Measurement | Unmeasured {
  const { predictions, outcomes, quality } = performance
  const { kind } = monitor.signal
  if (!quality || outcomes === 0) return { reason: 'no outcome is known', rows: 0 }
  const coverage = predictions > 0 ? outcomes / predictions : 0
  if (coverage < monitor.minimumCoverage) {
    const wanted = `at least ${monitor.minimumCoverage} is asked for`
    return { reason: `outcomes are known for a share of ${coverage.toFixed(3)}, ${wanted}`, rows: outcomes }
  }
  const estimate = estimates(quality)[kind as keyof Estimates]
  if (!estimate) return { reason: `${kind} is not defined for a ${quality.task} model`, rows: outcomes }
  return { ...estimate, rows: outcomes, detail: estimate.detail ?? {} }
}

interface Estimated {
  readonly value: number
  readonly varianceOfRow?: number
  readonly detail?: Readonly<Record<string, unknown>>
}

type Estimates = Partial<Record<'calibration_gap' | 'log_loss' | 'auc' | 'brier' | 'accuracy' | 'rmse', Estimated>>

/** Every performance signal that the task has. */
function estimates(quality: Quality): Estimates {
  if (quality.task === 'regression') return regressionEstimates(quality)
  if (quality.task === 'multiclass') return multiclassEstimates(quality)
  const found = scoreQuality(quality.sums)
  const row = ({ value, standardError }: { value: number; standardError: number }): Estimated => ({
    value,
    varianceOfRow: standardError ** 2 * Math.max(1, found.rows - 1),
    detail: { standardError },
  })
  const { n, sumPredicted, sumObserved } = quality.sums
  const gap = row(found.gap)
  return {
    calibration_gap: {
      ...gap,
      detail: { ...gap.detail, meanPredicted: sumPredicted / n, meanObserved: sumObserved / n },
    },
    log_loss: row(found.logLoss),
    brier: row(found.brier),
    auc: { value: found.areaUnderCurve.value, detail: { standardError: found.areaUnderCurve.standardError } },
  }
}

function regressionEstimates({ sums }: Extract<Quality, { task: 'regression' }>): Estimates {
  const found = errorQuality(sums)
  const variance = (standardError: number): number => standardError ** 2 * Math.max(1, found.rows - 1)
  return {
    calibration_gap: {
      value: found.meanError.value,
      varianceOfRow: variance(found.meanError.standardError),
      detail: { standardError: found.meanError.standardError },
    },
    rmse: {
      value: found.rootMeanSquaredError,
      varianceOfRow: variance(found.meanSquaredError.standardError),
      detail: { meanAbsoluteError: found.meanAbsoluteError.value, r2: found.r2 },
    },
  }
}

function multiclassEstimates({ sums }: Extract<Quality, { task: 'multiclass' }>): Estimates {
  const { n, correct, sumConfidence, sumLogLoss, sumLogLossSquared, sumBrier } = sums
  const logLoss = sumLogLoss / n
  return {
    accuracy: { value: correct / n },
    calibration_gap: { value: (sumConfidence - correct) / n, detail: { meanConfidence: sumConfidence / n } },
    log_loss: { value: logLoss, varianceOfRow: Math.max(0, sumLogLossSquared / n - logLoss ** 2) },
    brier: { value: sumBrier / n },
  }
}
