// What the evidence says about a challenger: verdicts that may be asked for at any moment, as often as one likes. Pure.
import {
  differenceSequence,
  meanSequence,
  meanStatistics,
  rateDifferenceSequence,
  type SequenceInterval,
} from '../statistics/confidence-sequence.ts'
import type { Moments } from '../statistics/moments.ts'
import { exceedanceLogEvidence, splitLogEvidence, type SplitProcess } from '../statistics/sequential.ts'
import type { CanaryPolicy, ShadowPolicy } from './verdict-policy.ts'

/** advance: to the next phase or step; promote: to champion. roll_back and inconclusive end the rollout, and neither promotes. */
export type Verdict = 'continue' | 'advance' | 'promote' | 'roll_back' | 'inconclusive'

export interface Judgement {
  readonly verdict: Verdict
  /** One sentence with its numbers, n and interval. */
  readonly reason: string
  /** The numbers behind it; one that is not finite (a bound that is not known yet) is left out, so that JSON keeps all that is there. */
  readonly statistics: Readonly<Record<string, number>>
}

/** Paired losses of both versions on the same rows, challenger less champion, over rows whose outcome is known. */
export interface ShadowStatistics {
  readonly pairs: number
  readonly meanDifference: number
  /** Sample variance of the differences. */
  readonly varianceDifference: number
  /** Days of event time that the pairs come from. */
  readonly days?: number
  /**
   * Sample variance of the daily mean differences, from three days on: the interval is then as wide as days make it. Pairs of a day share its
   * weather, and thousands of them say less about tomorrow than their number suggests.
   */
  readonly varianceOfDays?: number
  /** Rows that the challenger was asked to score, and those on which it failed. */
  readonly rows?: number
  readonly failures?: number
}

/** One arm of a canary phase, over the whole phase. */
export interface ArmStatistics {
  readonly requests: number
  /** Requests on which the version itself failed or timed out. */
  readonly errors: number
  /** Of ln(milliseconds) a request. */
  readonly logLatency: Moments
  /** Of the loss, over rows whose outcome is known. */
  readonly loss: Moments
}

export interface CanaryStatistics {
  readonly canary: ArmStatistics
  readonly champion: ArmStatistics
  /** Failed requests of both arms by their split weights: `emptySplitProcess()`. */
  readonly errors: SplitProcess
  /**
   * Requests slower than a limit fixed beforehand (the champion's 99th percentile, say), by their split weights:
   * `emptySplitProcess({ nullRatio: policy.slowRatioMargin })`.
   */
  readonly slow: SplitProcess
  /** All requests of both arms by their split weights: `emptyMismatchProcess()`. */
  readonly split: SplitProcess
  /** Requests of the canary that were timed, and those that took longer than the policy's objective. Absent: it has none. */
  readonly beyondObjective?: { readonly n: number; readonly hits: number } | undefined
  /** Population stability index of live predictions against training's, on at least as many rows of either. Absent: not known. */
  readonly predictionShift?: PredictionShift | undefined
  /** Time since the phase began, by the loop's clock. */
  readonly elapsedMs: number
  /** At the last step of the ramp the verdict is to promote, before it to advance. */
  readonly lastStep: boolean
}

export interface PredictionShift {
  readonly canary: number
  readonly champion: number
  readonly rows: number
}

/** Rows below which an asymptotic interval is not read. */
const ASYMPTOTIC_ROWS = 100
/** Guardrails that may roll a canary back and share its alpha: errors, slow requests, latency, loss, and an objective if there is one. */
const guardrailsOf = ({ objective }: CanaryPolicy): number => (objective ? 5 : 4)
/** The e-value that a verdict shows at most: beyond it the digits mean nothing. */
const SHOWN_EVIDENCE = 1e12

const finite = (numbers: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(numbers).filter(([, value]) => Number.isFinite(value)))
const shown = (value: number): string =>
  Number.isFinite(value) ? Number(value.toPrecision(3)).toString() : String(value)
const percent = (rate: number): string => `${shown(rate * 100)} %`
/** An e-value; beyond a million its digits mean nothing. */
const evidenceText = (value: number): string => (value > 1e6 ? 'above a million' : shown(value))
const intervalText = ({ lower, upper }: SequenceInterval, show = shown): string => `[${show(lower)}, ${show(upper)}]`
const evidenceOf = (process: SplitProcess): number => Math.min(SHOWN_EVIDENCE, Math.exp(splitLogEvidence(process)))

function shadowInterval(statistics: ShadowStatistics, policy: ShadowPolicy): SequenceInterval {
  const { pairs, meanDifference, varianceDifference, days = 0, varianceOfDays = 0 } = statistics
  // The variance that makes variance / pairs that of a mean of days, where days differ by more than their pairs explain.
  const clustered = days >= 3 ? (varianceOfDays * pairs) / days : 0
  return meanSequence(
    { n: pairs, mean: meanDifference, variance: Math.max(varianceDifference, clustered) },
    { alpha: policy.alpha, optimalAt: policy.minimumPairs * 4 },
  )
}

/**
 * Shadow phase: is the challenger's loss on the same rows low enough? Passing is *advance* (to the canary), never promotion.
 * The interval holds at every moment at once, so that asking after each batch of outcomes does not weaken it.
 */
export function judgeShadow(statistics: ShadowStatistics, policy: ShadowPolicy): Judgement {
  const { pairs, meanDifference, days = 0, rows = 0, failures = 0 } = statistics
  const interval = shadowInterval(statistics, policy)
  const judged = (verdict: Verdict, reason: string): Judgement => ({
    verdict,
    reason,
    statistics: finite({ pairs, days, rows, failures, meanDifference, lower: interval.lower, upper: interval.upper }),
  })
  if (rows >= policy.hardLimitRows && failures / rows > policy.hardFailureRate) {
    return judged(
      'roll_back',
      `the challenger failed on ${failures} of ${rows} rows, more than ${percent(policy.hardFailureRate)}`,
    )
  }
  const share = Number.isFinite(interval.upper)
    ? `loss difference ${shown(meanDifference)} ${intervalText(interval)} on ${pairs} paired rows`
    : `${pairs} so far`
  const spent = pairs >= policy.maximumPairs || days >= policy.maximumDays
  const giveUp = (what: string): Judgement =>
    spent
      ? judged(
          'inconclusive',
          `${what} after ${pairs} pairs and ${shown(days)} days, the most that the policy allows: ${share}`,
        )
      : judged('continue', `${what} yet: ${share}`)
  if (pairs < policy.minimumPairs) return giveUp(`fewer than ${policy.minimumPairs} pairs`)
  const harm = policy.requirement === 'better' ? 0 : policy.nonInferiorityMargin
  if (interval.lower > harm) return judged('roll_back', `the challenger is worse: ${share}, all above ${shown(harm)}`)
  if (interval.upper < harm) {
    if (days < policy.minimumDays) return giveUp(`fewer than ${shown(policy.minimumDays)} days`)
    const better = interval.upper < 0 ? 'better' : `no worse than the margin of ${shown(harm)}`
    return judged('advance', `the challenger is ${better}: ${share}`)
  }
  return giveUp('neither better nor worse for sure')
}

/** Everything that a canary verdict looks at, computed once. */
interface CanaryEvidence {
  readonly errorEvidence: number
  readonly slowEvidence: number
  readonly splitEvidence: number
  /** That the objective is missed; 0 without one. */
  readonly objectiveEvidence: number
  readonly slowDifference: SequenceInterval
  readonly errorDifference: SequenceInterval
  /** ln of the ratio of latencies: for harm at the rollback's alpha, for promotion at its own. */
  readonly latencyHarm: SequenceInterval
  readonly latencyPromotion: SequenceInterval
  readonly lossHarm: SequenceInterval
}

function armDifference(
  arms: { canary: Moments; champion: Moments },
  alpha: number,
  optimalAt: number,
): SequenceInterval {
  const { canary, champion } = arms
  if (canary.n < ASYMPTOTIC_ROWS || champion.n < ASYMPTOTIC_ROWS) {
    return { estimate: canary.mean - champion.mean, lower: -Infinity, upper: Infinity }
  }
  return differenceSequence(meanStatistics(canary), meanStatistics(champion), { alpha, optimalAt })
}

function objectiveEvidence(beyond: CanaryStatistics['beyondObjective'], { objective }: CanaryPolicy): number {
  if (!beyond || !objective) return 0
  return Math.min(SHOWN_EVIDENCE, Math.exp(exceedanceLogEvidence(beyond, 1 - objective.quantile)))
}

function evidenceIn({ canary, champion, ...processes }: CanaryStatistics, policy: CanaryPolicy): CanaryEvidence {
  const rollbackAlpha = policy.alpha / guardrailsOf(policy)
  const latency = { canary: canary.logLatency, champion: champion.logLatency }
  const optimalAt = policy.minimumRequests
  return {
    errorEvidence: evidenceOf(processes.errors),
    slowEvidence: evidenceOf(processes.slow),
    splitEvidence: evidenceOf(processes.split),
    objectiveEvidence: objectiveEvidence(processes.beyondObjective, policy),
    slowDifference: rateDifferenceSequence(
      { n: canary.requests, hits: Math.min(processes.slow.canary, canary.requests) },
      { n: champion.requests, hits: Math.min(processes.slow.baseline, champion.requests) },
      policy.promotionAlpha,
    ),
    errorDifference: rateDifferenceSequence(
      { n: canary.requests, hits: canary.errors },
      { n: champion.requests, hits: champion.errors },
      policy.promotionAlpha,
    ),
    latencyHarm: armDifference(latency, rollbackAlpha, optimalAt),
    latencyPromotion: armDifference(latency, policy.promotionAlpha, optimalAt),
    lossHarm: armDifference({ canary: canary.loss, champion: champion.loss }, rollbackAlpha, optimalAt),
  }
}

/** Why it must be rolled back, if it must. */
function harmOf(statistics: CanaryStatistics, evidence: CanaryEvidence, policy: CanaryPolicy): string | undefined {
  const { canary, champion, slow } = statistics
  const limit = guardrailsOf(policy) / policy.alpha
  const rates = `${canary.errors} of ${canary.requests} requests failed, the champion's ${champion.errors} of ${champion.requests}`
  if (canary.requests >= policy.hardLimitRequests && canary.errors / canary.requests > policy.hardErrorRate) {
    return `${rates}: more than ${percent(policy.hardErrorRate)}`
  }
  if (evidence.errorEvidence >= limit)
    return `${rates}: evidence ${evidenceText(evidence.errorEvidence)} of more errors, ${shown(limit)} is enough`
  if (evidence.slowEvidence >= limit) {
    const counts = `${slow.canary} slow requests of ${canary.requests}, the champion's ${slow.baseline} of ${champion.requests}`
    return `${counts}: evidence ${evidenceText(evidence.slowEvidence)} of more than ${shown(policy.slowRatioMargin)} times as many, ${shown(limit)} is enough`
  }
  if (evidence.objectiveEvidence >= limit) {
    const { n, hits } = statistics.beyondObjective!
    const { latencyMs, quantile } = policy.objective!
    return `${hits} of ${n} requests took over ${shown(latencyMs)} ms, where ${percent(1 - quantile)} may: evidence ${evidenceText(evidence.objectiveEvidence)}, ${shown(limit)} is enough`
  }
  const { latencyHarm, lossHarm } = evidence
  if (latencyHarm.lower > Math.log(policy.latencyRatioMargin)) {
    const ratio = `latency is ${shown(Math.exp(latencyHarm.estimate))} ${intervalText(latencyHarm, (log) => shown(Math.exp(log)))} times the champion's`
    return `${ratio} on ${canary.logLatency.n} requests, all above ${shown(policy.latencyRatioMargin)}`
  }
  if (lossHarm.lower > policy.lossMargin) {
    return `loss is ${shown(lossHarm.estimate)} ${intervalText(lossHarm)} above the champion's on ${canary.loss.n} rows, all above ${shown(policy.lossMargin)}`
  }
  return undefined
}

/** What still stands between the canary and its promotion, if anything does. */
function lackOf(statistics: CanaryStatistics, evidence: CanaryEvidence, policy: CanaryPolicy): string | undefined {
  const { canary, elapsedMs, lastStep } = statistics
  if (canary.requests < policy.minimumRequests)
    return `${canary.requests} of at least ${policy.minimumRequests} requests`
  if (elapsedMs < policy.minimumMs)
    return `${shown(elapsedMs / 1000)} of at least ${shown(policy.minimumMs / 1000)} seconds`
  if (!lastStep) return undefined
  const { errorDifference, latencyPromotion, slowDifference } = evidence
  if (errorDifference.upper >= policy.errorMargin) {
    return `error rate difference ${intervalText(errorDifference, percent)} on ${canary.requests} requests, not surely under ${percent(policy.errorMargin)}`
  }
  if (latencyPromotion.upper >= Math.log(policy.latencyRatioMargin)) {
    return `latency ratio ${intervalText(latencyPromotion, (log) => shown(Math.exp(log)))} on ${canary.requests} requests, not surely under ${shown(policy.latencyRatioMargin)}`
  }
  if (slowDifference.upper >= policy.slowMargin) {
    return `share of slow requests, difference ${intervalText(slowDifference, percent)} on ${canary.requests} requests, not surely under ${percent(policy.slowMargin)}`
  }
  return shiftLack(statistics.predictionShift, policy)
}

function shiftLack(shift: PredictionShift | undefined, policy: CanaryPolicy): string | undefined {
  const { predictionShiftMax: most, predictionShiftRows } = policy
  if (!shift || most === null || shift.rows < predictionShiftRows || shift.canary - shift.champion <= most)
    return undefined
  return `its predictions lie ${shown(shift.canary)} (population stability index) from its training's, the champion's ${shown(shift.champion)}, on ${shift.rows} rows: more than ${shown(most)} apart`
}

/** Statistics of guardrails that a policy or a version may be without. */
function shownExtras(
  { beyondObjective, predictionShift }: CanaryStatistics,
  { objectiveEvidence: ofObjective }: CanaryEvidence,
): Record<string, number> {
  return {
    ...(beyondObjective ? { beyondObjective: beyondObjective.hits, objectiveEvidence: ofObjective } : {}),
    ...(predictionShift
      ? {
          predictionShift: predictionShift.canary,
          championPredictionShift: predictionShift.champion,
          predictionShiftRows: predictionShift.rows,
        }
      : {}),
  }
}

/**
 * Canary phase: rolled back when any guardrail is surely broken (false alarms together at most alpha, at whatever moments it is asked) or a
 * hard limit is; advanced after the minimum exposure without that; promoted, at the last step, only when errors, latency and slow requests are surely
 * within their margins and its predictions lie where its training's do. A split that is not as asked for makes the comparison void: inconclusive, as is running out of requests or time.
 */
export function judgeCanary(statistics: CanaryStatistics, policy: CanaryPolicy): Judgement {
  const { canary, champion, elapsedMs, lastStep } = statistics
  const evidence = evidenceIn(statistics, policy)
  const judged = (verdict: Verdict, reason: string): Judgement => ({
    verdict,
    reason,
    statistics: finite({
      canaryRequests: canary.requests,
      canaryErrors: canary.errors,
      championRequests: champion.requests,
      championErrors: champion.errors,
      elapsedMs,
      errorEvidence: evidence.errorEvidence,
      slowEvidence: evidence.slowEvidence,
      splitEvidence: evidence.splitEvidence,
      errorDifferenceLower: evidence.errorDifference.lower,
      errorDifferenceUpper: evidence.errorDifference.upper,
      latencyRatioLower: Math.exp(evidence.latencyPromotion.lower),
      latencyRatioUpper: Math.exp(evidence.latencyPromotion.upper),
      lossDifferenceLower: evidence.lossHarm.lower,
      lossDifferenceUpper: evidence.lossHarm.upper,
      lossRows: canary.loss.n,
      slowDifferenceLower: evidence.slowDifference.lower,
      slowDifferenceUpper: evidence.slowDifference.upper,
      ...shownExtras(statistics, evidence),
    }),
  })
  const harm = harmOf(statistics, evidence, policy)
  if (harm) return judged('roll_back', `the canary is rolled back: ${harm}`)
  if (evidence.splitEvidence >= 1 / policy.splitAlpha) {
    const { canary: got, baseline } = statistics.split
    const sentence = `the split is not the one asked for (${got} of ${got + baseline} requests went to the canary, evidence ${evidenceText(evidence.splitEvidence)})`
    return judged('inconclusive', `${sentence}: its arms cannot be compared`)
  }
  const lack = lackOf(statistics, evidence, policy)
  if (!lack) {
    const errors = `error rate difference ${intervalText(evidence.errorDifference, percent)}`
    const latency = `latency ratio ${intervalText(evidence.latencyPromotion, (log) => shown(Math.exp(log)))}`
    const sentence = `no guardrail was broken in ${canary.requests} requests: ${errors}, ${latency}`
    return judged(lastStep ? 'promote' : 'advance', sentence)
  }
  if (canary.requests >= policy.maximumRequests || elapsedMs >= policy.maximumMs) {
    return judged('inconclusive', `the most that the policy allows is spent (${canary.requests} requests): ${lack}`)
  }
  return judged('continue', `not enough evidence yet: ${lack}`)
}
