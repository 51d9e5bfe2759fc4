// From what monitoring counted to what a verdict looks at. Pure.
import type { RolloutStatistics } from '../monitoring/rollout-statistics.ts'
import { addSplitEvents, emptyMismatchProcess, emptySplitProcess } from '../statistics/sequential.ts'
import { momentsOf, varianceOf } from '../statistics/moments.ts'
import type { CanaryStatistics, PredictionShift, ShadowStatistics } from './verdict.ts'
import type { CanaryPolicy } from './verdict-policy.ts'

/** Days with fewer pairs than this share of an average day are left out of the variance between days: their means are mostly noise. */
const thinDayShare = 0.25

export function shadowEvidence({ pairs, days }: RolloutStatistics): ShadowStatistics {
  const n = pairs.pairs
  const mean = n > 0 ? pairs.differenceSum / n : 0
  const spread = n > 1 ? Math.max(0, pairs.differenceSquareSum - n * mean * mean) / (n - 1) : 0
  const measured = days.filter((day) => day.pairs.pairs > 0)
  const thick = measured.filter((day) => day.pairs.pairs >= (thinDayShare * n) / measured.length)
  const varianceOfDays = varianceOf(momentsOf(thick.map((day) => day.pairs.differenceSum / day.pairs.pairs)))
  return {
    pairs: n,
    meanDifference: mean,
    varianceDifference: spread,
    days: measured.length,
    ...(thick.length >= 3 ? { varianceOfDays } : {}),
    rows: pairs.scored + pairs.failed,
    failures: pairs.failed,
  }
}

/** What is counted, and how far both versions' predictions lie from their trainings'. */
export interface RolloutEvidence extends RolloutStatistics {
  readonly predictionShift?: PredictionShift | undefined
}

export interface CanaryPhase {
  readonly policy: CanaryPolicy
  readonly elapsedMs: number
  readonly lastStep: boolean
}

export function canaryEvidence(
  statistics: RolloutEvidence,
  { policy, elapsedMs, lastStep }: CanaryPhase,
): CanaryStatistics {
  const errors = emptySplitProcess()
  const slow = emptySplitProcess({ nullRatio: policy.slowRatioMargin })
  const split = emptyMismatchProcess()
  for (const { weight, canary, champion } of statistics.splits) {
    addSplitEvents(errors, { weight, canary: canary.errors, baseline: champion.errors })
    addSplitEvents(slow, { weight, canary: canary.slow, baseline: champion.slow })
    addSplitEvents(split, { weight, canary: canary.requests, baseline: champion.requests })
  }
  const { canary, champion, predictionShift } = statistics
  const beyondObjective = policy.objective ? { n: canary.logLatency.n, hits: canary.beyondObjective } : undefined
  return { canary, champion, errors, slow, split, beyondObjective, predictionShift, elapsedMs, lastStep }
}
