// A monitor's result for one window, from the window's days: what is stored and shown. Pure.
import { adjustPValues } from '../../statistics/benjamini-hochberg.ts'
import { dayMsLength } from '../aggregates/arm.ts'
import { crossed, needsOutcomes, type Monitor, type MonitorResult } from '../monitor.ts'
import type { VersionFacts } from '../version-facts.ts'
import { boundsFor } from './bounds.ts'
import { measure, type Measurement } from './measurement.ts'
import type { StoredMonitor } from './monitor-store.ts'
import { windowSums, type Days } from './window.ts'

/** How long after its outcome delay a window's value may still change. */
const finalAfterMs = 7 * dayMsLength
/** Outcomes known for this share are as good as all. */
const fullCoverage = 0.999

export interface Look {
  readonly endpoint: string
  readonly champion: string
  /** The champion's first whole day since another version served; undefined: none yet. */
  readonly sinceMs: number | undefined
  readonly facts: VersionFacts
  readonly days: Days
  readonly windowEndMs: number
  /** Policy time. */
  readonly nowMs: number
}

/** Results of several monitors for windows with one end, p-values of the family adjusted together. */
export function windowResults(monitors: readonly StoredMonitor[], look: Look): MonitorResult[] {
  const results = monitors.map((stored) => windowResult(stored, look))
  const tested = results.flatMap((result, at) => (isPValue(monitors[at]!.monitor, result) ? [at] : []))
  const adjusted = adjustPValues(tested.map((at) => results[at]!.value!))
  for (const [place, at] of tested.entries()) {
    const value = adjusted[place]!
    results[at] = judged(monitors[at]!.monitor, { ...results[at]!, value })
  }
  return results
}

const isPValue = ({ signal }: Monitor, { value }: MonitorResult): boolean =>
  value !== null && signal.kind === 'feature_drift' && signal.method === 'chi_squared'

function windowResult({ endpoint, monitor, revision }: StoredMonitor, look: Look): MonitorResult {
  const { champion, windowEndMs, nowMs } = look
  const windowStartMs = windowEndMs - monitor.windowDays * dayMsLength
  const range = { champion, startMs: windowStartMs, endMs: windowEndMs }
  const sums = windowSums(look.days, range, look.sinceMs)
  const blank: MonitorResult = {
    endpoint,
    monitor: monitor.name,
    revision,
    windowStartMs,
    windowEndMs,
    version: champion,
    state: 'warming_up',
    value: null,
    low: null,
    high: null,
    rows: 0,
    coverage: null,
    final: true,
    detail: {},
    evaluatedMs: nowMs,
  }
  if (!sums)
    return { ...blank, detail: { reason: `the window is not full of days that ${champion} served as champion` } }
  const { predictions, outcomes } = sums.performance
  const onOutcomes = needsOutcomes(monitor.signal)
  const coverage = onOutcomes ? (predictions > 0 ? outcomes / predictions : 0) : null
  const mayChange = coverage !== null && coverage < fullCoverage
  const final = !mayChange || nowMs >= windowEndMs + monitor.outcomeDelayMs + finalAfterMs
  const seen = { ...blank, coverage, final }
  const measured = measure(monitor, sums, look.facts)
  if ('reason' in measured) return insufficient(seen, measured)
  const bounds = boundsFor(monitor, measured, look.facts)
  if ('reason' in bounds) return insufficient({ ...seen, value: measured.value }, bounds)
  const { low, high } = bounds
  const detail = { ...measured.detail, ...bounds.detail }
  return judged(monitor, { ...seen, value: measured.value, rows: measured.rows, low, high, detail })
}

const insufficient = (seen: MonitorResult, { reason, rows }: { reason: string; rows: number }): MonitorResult => ({
  ...seen,
  state: 'insufficient',
  rows,
  detail: { reason },
})

function judged(monitor: Monitor, result: MonitorResult): MonitorResult {
  const outside = result.value !== null && crossed(result.value, result) !== undefined
  const effect = (result.detail as Measurement['detail'])['totalVariation']
  const tooSmall = isPValue(monitor, result) && typeof effect === 'number' && effect < monitor.minimumEffect
  return { ...result, state: outside && !tooSmall ? 'breach' : 'ok' }
}
