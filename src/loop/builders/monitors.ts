// Builders of monitors: what is watched over windows of whole days of event time, and from which value on it is an alert.
import type { z } from 'zod'
import type { DriftMethod, Monitor } from '../../monitoring/monitor.ts'
import { dayMs, durationMs, type Duration } from '../duration.ts'

export type MonitorInput = z.input<typeof Monitor>
type Signal = MonitorInput['signal']
type Derive = Extract<Signal, { kind: 'feature_drift' }>['derive']

/** What every monitor may say; defaults: window 7 days, opens and closes after 2 windows in a row. */
export interface MonitorOptions {
  /** What the monitor is called in `retrain` and in alerts. */
  readonly name?: string
  /** Whole days, such as `28d`; a multiple of 7 keeps weekdays balanced. */
  readonly window?: Duration
  /** Rows (for performance: outcomes) below which the window says nothing; 100 by default. */
  readonly minimumRows?: number
  /** Windows in a row that must breach to open an alert. */
  readonly openAfter?: number
  /** Windows in a row that must be clean to close it. */
  readonly closeAfter?: number
  /** Share of logged predictions whose outcome must be known, for performance; 0.5 by default. */
  readonly minimumCoverage?: number
}

/** `low`, `high`: an alert outside of them. */
export interface Limits {
  readonly low?: number
  readonly high?: number
}

/** Limits of one's own, or by the rule on the training period's days: `alpha` is the share of windows that leave the range by chance (0.01). */
export type PerformanceOptions = MonitorOptions & (Limits | { readonly alpha: number })

interface Made {
  readonly name: string
  readonly signal: Signal
  readonly threshold: MonitorInput['threshold']
}

function made({ name, signal, threshold }: Made, options: MonitorOptions): MonitorInput {
  const { window = '7d', name: ownName = name, minimumRows, openAfter, closeAfter, minimumCoverage } = options
  return {
    name: ownName,
    signal,
    threshold,
    windowDays: durationMs(window) / dayMs,
    ...(minimumRows === undefined ? {} : { minimumRows }),
    ...(openAfter === undefined ? {} : { openAfter }),
    ...(closeAfter === undefined ? {} : { closeAfter }),
    ...(minimumCoverage === undefined ? {} : { minimumCoverage }),
  }
}

const limitsOf = ({ low, high }: Limits): Limits => ({
  ...(low === undefined ? {} : { low }),
  ...(high === undefined ? {} : { high }),
})

/** By the options' own limits; without any, by the rule on the training period. */
function fromTraining(options: PerformanceOptions): MonitorInput['threshold'] {
  if ('low' in options || 'high' in options) return limitsOf(options)
  return { fromTraining: 'alpha' in options ? { alpha: options.alpha } : {} }
}

type Required<Key extends keyof Limits> = MonitorOptions & { readonly [K in Key]: number }
type DriftOptions = MonitorOptions & { readonly method?: DriftMethod; readonly high?: number; readonly low?: number }

/** Common practice for PSI ("much has changed"); about the same for the distance; a chi-squared p-value is a breach below 0.01. */
const driftLimits: Record<DriftMethod, Limits> = {
  psi: { high: 0.2 },
  jensen_shannon: { high: 0.1 },
  chi_squared: { low: 0.01 },
}

function driftThreshold({ method = 'psi', ...options }: DriftOptions): MonitorInput['threshold'] {
  return options.low === undefined && options.high === undefined ? driftLimits[method] : limitsOf(options)
}

const feature = (name: string, derive: Derive = 'value') => ({ feature: name, derive })

/** A monitor for each thing that may go wrong in production. Performance needs outcomes. */
export const monitor = {
  /** Mean predicted less mean observed (binary: of the positive class). The threshold comes from training unless given. */
  calibration: (options: PerformanceOptions = {}) =>
    made({ name: 'calibration', signal: { kind: 'calibration_gap' }, threshold: fromTraining(options) }, options),
  /** Mean log loss in nats. The threshold comes from training unless given. */
  logLoss: (options: PerformanceOptions = {}) =>
    made({ name: 'log_loss', signal: { kind: 'log_loss' }, threshold: fromTraining(options) }, options),
  /** Root mean squared error. The threshold comes from training unless given. */
  rmse: (options: PerformanceOptions = {}) =>
    made({ name: 'rmse', signal: { kind: 'rmse' }, threshold: fromTraining(options) }, options),
  auc: (options: Required<'low'>) =>
    made({ name: 'auc', signal: { kind: 'auc' }, threshold: limitsOf(options) }, options),
  accuracy: (options: Required<'low'>) =>
    made({ name: 'accuracy', signal: { kind: 'accuracy' }, threshold: limitsOf(options) }, options),
  brier: (options: Required<'high'>) =>
    made({ name: 'brier', signal: { kind: 'brier' }, threshold: limitsOf(options) }, options),
  /** How far a feature's live values are from training's. `derive` looks at the hour or weekday of a time. PSI above 0.2 by default. */
  drift: (name: string, options: DriftOptions & { readonly derive?: Derive } = {}) => {
    const { method = 'psi', derive } = options
    const signal = { kind: 'feature_drift' as const, ...feature(name, derive), method }
    const suffix = derive && derive !== 'value' ? `.${derive}` : ''
    return made({ name: `drift.${name}${suffix}`, signal, threshold: driftThreshold(options) }, options)
  },
  /** How far predictions are from those on the training rows. PSI above 0.2 by default. */
  predictionDrift: (options: DriftOptions = {}) => {
    const signal = { kind: 'prediction_drift' as const, method: options.method ?? ('psi' as const) }
    return made({ name: 'prediction_drift', signal, threshold: driftThreshold(options) }, options)
  },
  /** Share of rows without a value. */
  nullRate: (name: string, options: Required<'high'>) =>
    made(
      { name: `null_rate.${name}`, signal: { kind: 'null_rate', ...feature(name) }, threshold: limitsOf(options) },
      options,
    ),
  /** Share of values that training had not (or rarely) seen. */
  unseenCategories: (name: string, options: Required<'high'>) => {
    const signal = { kind: 'unseen_categories' as const, ...feature(name) }
    return made({ name: `unseen.${name}`, signal, threshold: limitsOf(options) }, options)
  },
  /** Share of numbers outside of training's range. */
  outOfRange: (name: string, options: Required<'high'>) => {
    const signal = { kind: 'out_of_range' as const, ...feature(name) }
    return made({ name: `out_of_range.${name}`, signal, threshold: limitsOf(options) }, options)
  },
  /** Mean requests a day. */
  requests: (options: MonitorOptions & Limits) =>
    made({ name: 'requests', signal: { kind: 'requests' }, threshold: limitsOf(options) }, options),
  /** Share of requests on which the model failed. */
  errorRate: (options: Required<'high'>) =>
    made({ name: 'error_rate', signal: { kind: 'error_rate' }, threshold: limitsOf(options) }, options),
  /** Milliseconds a request in the model at a quantile; 0.99 by default. */
  latency: (options: Required<'high'> & { readonly quantile?: number }) => {
    const { quantile = 0.99 } = options
    return made({ name: 'latency', signal: { kind: 'latency', quantile }, threshold: limitsOf(options) }, options)
  },
} as const
