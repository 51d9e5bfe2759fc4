// What is known of versions that share an endpoint's traffic at fixed weights: errors, latency, loss and outcomes, each on its own lots only.
import type { Db } from '../platform/database.ts'
import { momentsOfSums, type Moments } from '../statistics/moments.ts'
import { listPerformance, listTraffic } from './aggregates/aggregate-store.ts'
import { dayOf, weightPpmOf, type Arm } from './aggregates/arm.ts'
import type { PerformanceSums } from './aggregates/performance.ts'
import type { MonitoringTables } from './tables.ts'

/** A version in a role at a share; requests at another share, or that no lot was drawn for, are none of its. */
export interface SharedArm {
  /** `model/version`. */
  readonly version: string
  readonly role: 'champion' | 'canary'
  readonly weight: number
}

export interface SharedArmStatistics {
  readonly requests: number
  readonly errors: number
  /** Of ln(milliseconds) a request. */
  readonly logLatency: Moments
  /** Of the loss, over rows whose outcome is known. */
  readonly loss: Moments
  /** Of the outcomes themselves: 1 for a binary model's positive class, numbers for a regression; of several classes there are none. */
  readonly outcome: Moments
}

const farFuture = Number.MAX_SAFE_INTEGER

/** In the order of `arms`, from the UTC day that holds `sinceMs` on. */
export async function sharedArmStatistics(
  db: Db<MonitoringTables>,
  { endpoint, sinceMs, arms }: { endpoint: string; sinceMs: number; arms: readonly SharedArm[] },
): Promise<SharedArmStatistics[]> {
  const range = { endpoint, fromMs: dayOf(sinceMs), toMs: farFuture }
  const traffic = await listTraffic(db, range)
  const performance = await listPerformance(db, range)
  return arms.map((wanted) => {
    const sums = traffic.filter(isOf(wanted)).map((each) => each.sums)
    const known = performance.filter(isOf(wanted)).map((each) => each.sums)
    return {
      requests: sums.reduce((all, { requests }) => all + requests, 0),
      errors: sums.reduce((all, { errors }) => all + errors, 0),
      logLatency: momentsOfSums(
        sums.map(({ latency, logLatencySum, logLatencySquareSum }) => [
          latency.count,
          logLatencySum,
          logLatencySquareSum,
        ]),
      ),
      loss: momentsOfSums(known.map(({ outcomes, lossSum, lossSquareSum }) => [outcomes, lossSum, lossSquareSum])),
      outcome: momentsOfSums(known.map(outcomeSums)),
    }
  })
}

const isOf =
  ({ version, role, weight }: SharedArm) =>
  ({ arm }: { arm: Arm }): boolean =>
    arm.version === version && arm.role === role && arm.weightPpm === weightPpmOf(weight)

function outcomeSums({ quality }: PerformanceSums): readonly [number, number, number] {
  if (quality?.task === 'binary') return [quality.sums.n, quality.sums.sumObserved, quality.sums.sumObserved]
  if (quality?.task === 'regression') {
    return [quality.sums.n, quality.sums.sumObserved, quality.sums.sumObservedSquared]
  }
  return [0, 0, 0]
}
