// A monitor: a signal over a window of complete days, a threshold, and how many windows it takes to open and close an alert. Pure.
//
// A monitor looks at the version that is champion when it looks, and at windows that hold days of that version only: a day on which another
// version answered as champion, or a day before this one did, makes the window "warming up", which neither opens nor closes an alert. So a
// promotion starts every monitor anew, and the alerts on the version before are closed with it.
import { z } from 'zod'

const Derive = z.enum(['value', 'hour', 'weekday'])

/**
 * psi: population stability index; jensen_shannon: distance, natural logarithm; chi_squared: p-value of homogeneity, adjusted by Benjamini
 * and Hochberg over all features that the endpoint's monitors test so in the same window (a breach is a value below `low`).
 */
export const DriftMethod = z.enum(['psi', 'jensen_shannon', 'chi_squared'])
export type DriftMethod = z.infer<typeof DriftMethod>

const drift = { method: DriftMethod.default('psi') }
const feature = { feature: z.string().min(1), derive: Derive.default('value') }

export const Signal = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('feature_drift'), ...feature, ...drift }),
  z.strictObject({ kind: z.literal('prediction_drift'), ...drift }),
  /** Share of rows without a value. */
  z.strictObject({ kind: z.literal('null_rate'), ...feature }),
  /** Share of present values that the baseline counts as "other". */
  z.strictObject({ kind: z.literal('unseen_categories'), ...feature }),
  /** Share of present values below the first or above the last edge of the baseline. */
  z.strictObject({ kind: z.literal('out_of_range'), ...feature }),
  /** Mean predicted less mean observed; of a multiclass model, mean confidence less accuracy. */
  z.strictObject({ kind: z.literal('calibration_gap') }),
  /** Mean log loss in nats; its training value comes from the baseline's cross-fitted days. */
  z.strictObject({ kind: z.literal('log_loss') }),
  z.strictObject({ kind: z.literal('auc') }),
  z.strictObject({ kind: z.literal('brier') }),
  z.strictObject({ kind: z.literal('accuracy') }),
  z.strictObject({ kind: z.literal('rmse') }),
  /** Mean requests a day. */
  z.strictObject({ kind: z.literal('requests') }),
  /** Share of requests on which the model failed. */
  z.strictObject({ kind: z.literal('error_rate') }),
  /** A quantile of milliseconds a request in the model. */
  z.strictObject({ kind: z.literal('latency'), quantile: z.number().gt(0).lt(1).default(0.99) }),
])
export type Signal = Readonly<z.infer<typeof Signal>>

const performanceKinds: ReadonlySet<Signal['kind']> = new Set([
  'calibration_gap',
  'log_loss',
  'auc',
  'brier',
  'accuracy',
  'rmse',
])

/** Signals that need outcomes. */
export const needsOutcomes = ({ kind }: Signal): boolean => performanceKinds.has(kind)

/** Whether a breach speaks against the model itself: drift, missing values or traffic are the world's doing, and latency the machine's too. */
export const judgesModel = (kind: string): boolean =>
  kind === 'error_rate' || performanceKinds.has(kind as Signal['kind'])

const calibratedKinds: ReadonlySet<Signal['kind']> = new Set(['calibration_gap', 'log_loss', 'rmse'])

export const Threshold = z.union([
  z
    .strictObject({ low: z.number().optional(), high: z.number().optional() })
    .refine(({ low, high }) => low !== undefined || high !== undefined, 'a threshold has a low or a high bound'),
  /**
   * By the rule of statistics/thresholds.ts on the baseline's cross-fitted days: the range in which a window of this length stays, but for a
   * share alpha, if nothing changed since training. `side`: both for calibration_gap, upper for log_loss and rmse.
   */
  z.strictObject({
    fromTraining: z.strictObject({
      alpha: z.number().gt(0).lt(0.5).default(0.01),
      side: z.enum(['both', 'upper', 'lower']).optional(),
    }),
  }),
])
export type Threshold = Readonly<z.infer<typeof Threshold>>

export const Monitor = z
  .strictObject({
    name: z.string().regex(/^\w[\w.\-]{0,127}$/v, 'letters, digits, "_", "-" and ".", at most 128'),
    signal: Signal,
    /** Complete UTC days of event time in the window. A multiple of 7 keeps weekdays balanced. */
    windowDays: z.int().min(1).max(90).default(7),
    threshold: Threshold,
    /** Rows (for performance: outcomes) below which the window says nothing. */
    minimumRows: z.int().min(1).default(100),
    /** Share of logged predictions whose outcome must be known, for performance. */
    minimumCoverage: z.number().min(0).max(1).default(0.5),
    /** How long after a day's end its outcomes may be missing, for performance. */
    outcomeDelayMs: z.int().min(0).default(86_400_000),
    /** Windows in a row that must breach to open an alert, and be clean to close it. */
    openAfter: z.int().min(1).max(90).default(2),
    closeAfter: z.int().min(1).max(90).default(2),
    /** Of chi_squared: total variation (share of rows that changed bins) below which no p-value is a breach, however many rows prove it. */
    minimumEffect: z.number().min(0).max(1).default(0.02),
  })
  .refine(
    ({ signal, threshold }) => !('fromTraining' in threshold) || calibratedKinds.has(signal.kind),
    'fromTraining works for calibration_gap, log_loss and rmse; give low or high for other signals',
  )
export type Monitor = Readonly<z.infer<typeof Monitor>>

/** Bounds of a window's value; a value outside is a breach. Null: none on that side. */
export interface Bounds {
  readonly low: number | null
  readonly high: number | null
}

/** The bound that the value is outside of; undefined: inside. */
export function crossed(value: number, { low, high }: Bounds): number | undefined {
  if (low !== null && value < low) return low
  return high !== null && value > high ? high : undefined
}

/** breach and ok count for alerts; warming_up and insufficient do not. */
export const ResultState = z.enum(['breach', 'ok', 'warming_up', 'insufficient'])
export type ResultState = z.infer<typeof ResultState>

export const MonitorResult = z.strictObject({
  endpoint: z.string(),
  monitor: z.string(),
  /** Which definition of the monitor: 1, and one more for each change. */
  revision: z.int(),
  /** Half-open [windowStartMs, windowEndMs), whole UTC days of event time. */
  windowStartMs: z.int(),
  windowEndMs: z.int(),
  version: z.string(),
  state: ResultState,
  value: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  /** Rows that the value is over: outcomes, rows or requests. */
  rows: z.int(),
  /** Share of logged predictions whose outcome is known; null for signals without outcomes. */
  coverage: z.number().nullable(),
  /** False: outcomes that still come may change it. */
  final: z.boolean(),
  /** What else was measured, or why nothing was. */
  detail: z.record(z.string(), z.unknown()),
  /** Policy time. */
  evaluatedMs: z.int(),
})
export type MonitorResult = Readonly<z.infer<typeof MonitorResult>>
