// The days that a monitor looks at, summed: only whole days of one champion. Pure.
import type { Arm } from '../aggregates/arm.ts'
import { mergePerformance, noPerformance, type PerformanceSums } from '../aggregates/performance.ts'
import { mergeTrafficSums, noTraffic, type Traffic, type TrafficSums } from '../aggregates/traffic.ts'

/** All that is known of some days of one endpoint. */
export interface Days {
  readonly traffic: readonly Traffic[]
  readonly performance: readonly { readonly arm: Arm; readonly sums: PerformanceSums }[]
}

export interface WindowRange {
  readonly champion: string
  /** Half-open [startMs, endMs), whole days. */
  readonly startMs: number
  readonly endMs: number
}

export interface WindowSums {
  readonly traffic: TrafficSums
  readonly performance: PerformanceSums
}

const inWindow = ({ dayMs }: Arm, { startMs, endMs }: WindowRange): boolean => dayMs >= startMs && dayMs < endMs

/**
 * What the champion did as champion in the window. Undefined while it is warming up: some day of it was before the champion's first day, or
 * another version's. `sinceMs` is the champion's first day since another one served (see {@link championSince}).
 */
export function windowSums(days: Days, range: WindowRange, sinceMs: number | undefined): WindowSums | undefined {
  if (sinceMs === undefined || range.startMs < sinceMs) return undefined
  const wanted = (arm: Arm): boolean => arm.role === 'champion' && inWindow(arm, range)
  const traffic = days.traffic.filter(({ arm }) => wanted(arm))
  const performance = days.performance.filter(({ arm }) => wanted(arm))
  if ([...traffic, ...performance].some(({ arm }) => arm.version !== range.champion)) return undefined
  return {
    traffic: traffic.reduce((sums, each) => mergeTrafficSums(sums, each.sums), noTraffic()),
    performance: performance.reduce((sums, each) => mergePerformance(sums, each.sums), noPerformance()),
  }
}
