// What the evidence of an A/B test says, at any moment, as often as one likes: each treatment against the control, corrected for their number. Pure.
import {
  differenceSequence,
  meanStatistics,
  rateDifferenceSequence,
  type SequenceInterval,
} from '../../statistics/confidence-sequence.ts'
import {
  addSplitEvents,
  emptyMismatchProcess,
  emptySplitProcess,
  splitLogEvidence,
} from '../../statistics/sequential.ts'
import type { SharedArmStatistics } from '../../monitoring/arm-statistics.ts'
import { controlWeight, type AbMetric, type AbPlan, type AbVerdict, type ArmVerdict } from '../ab-test.ts'

export type AbJudgement = Pick<AbVerdict, 'outcome' | 'reason' | 'arms'> & {
  /** The best of the better ones, when it concludes. */
  readonly winner: string | null
}

export interface AbEvidence {
  readonly control: SharedArmStatistics
  /** In the plan's order. */
  readonly treatments: readonly SharedArmStatistics[]
  readonly elapsedMs: number
}

/** Chance that a right split is taken for a wrong one, all treatments together. */
const splitAlpha = 0.001
/** More errors than this among at least so many requests end the test at once. */
const hardErrorRate = 0.5
const hardRequests = 20

const shown = (value: number): string =>
  Number.isFinite(value) ? Number(value.toPrecision(3)).toString() : String(value)
const unitOf: Readonly<Record<AbMetric, string>> = {
  error_rate: 'error rate',
  latency: 'ln of latency',
  loss: 'loss',
  outcome: 'mean outcome',
}

/** Rows that the metric is measured on. */
function rowsOf(arm: SharedArmStatistics, metric: AbMetric): number {
  switch (metric) {
    case 'error_rate':
      return arm.requests
    case 'latency':
      return arm.logLatency.n
    case 'loss':
      return arm.loss.n
    case 'outcome':
      return arm.outcome.n
  }
}

/** Treatment less control, in the metric's own direction. */
function differenceOf(
  arm: SharedArmStatistics,
  control: SharedArmStatistics,
  { metric, alpha, optimalAt }: { metric: AbMetric; alpha: number; optimalAt: number },
): SequenceInterval {
  if (metric === 'error_rate') {
    const rate = ({ requests, errors }: SharedArmStatistics) => ({ n: requests, hits: errors })
    return rateDifferenceSequence(rate(arm), rate(control), alpha)
  }
  const moments = metric === 'latency' ? 'logLatency' : metric
  return differenceSequence(meanStatistics(arm[moments]), meanStatistics(control[moments]), { alpha, optimalAt })
}

/** How much better the treatment is: above 0 is good, whatever the metric. */
function improvementOf(
  arm: SharedArmStatistics,
  control: SharedArmStatistics,
  plan: AbPlan,
): SequenceInterval & { readonly difference: number } {
  const { metric, alpha, treatments, direction, minimumRequests } = plan
  const found = differenceOf(arm, control, { metric, alpha: alpha / treatments.length, optimalAt: minimumRequests * 4 })
  const isGoodAbove = metric === 'outcome' && direction === 'higher'
  const { estimate: difference, lower, upper } = found
  return isGoodAbove
    ? { difference, estimate: difference, lower, upper }
    : { difference, estimate: -difference, lower: -upper, upper: -lower }
}

const effectOf = ({ metric, minimumEffect }: AbPlan): number =>
  metric === 'latency' ? -Math.log(Math.max(1e-9, 1 - minimumEffect)) : minimumEffect

function judgeArm(plan: AbPlan, at: number, { control, treatments }: AbEvidence): ArmVerdict {
  const arm = treatments[at]!
  const { version } = plan.treatments[at]!
  const improvement = improvementOf(arm, control, plan)
  const rows = rowsOf(arm, plan.metric)
  const controlRows = rowsOf(control, plan.metric)
  const numbers = {
    requests: arm.requests,
    errors: arm.errors,
    rows,
    controlRows,
    difference: improvement.difference,
    improvementLower: improvement.lower,
    improvementUpper: improvement.upper,
    ...guardsOf(plan, at, { control, arm }),
  }
  const statistics = Object.fromEntries(Object.entries(numbers).filter(([, value]) => Number.isFinite(value)))
  const said = (verdict: ArmVerdict['verdict'], reason: string): ArmVerdict => ({
    version,
    verdict,
    reason,
    statistics,
  })
  const few = Math.min(rows, controlRows)
  if (few < plan.minimumRequests) return said('open', `${few} of at least ${plan.minimumRequests} rows of either side`)
  const effect = effectOf(plan)
  const interval = `${unitOf[plan.metric]} is better by ${shown(improvement.estimate)} [${shown(improvement.lower)}, ${shown(improvement.upper)}] on ${rows} rows beside the control's ${controlRows}`
  if (improvement.lower > effect) return said('better', `${interval}, all above ${shown(effect)}`)
  if (improvement.upper < 0) return said('worse', `${interval}, all below 0`)
  if (improvement.upper < effect)
    return said('not_better', `${interval}, all below the minimal effect of ${shown(effect)}`)
  return said('open', interval)
}

/** e-values of more errors than the control's, and of a split other than asked for. */
function guardsOf(
  plan: AbPlan,
  at: number,
  { control, arm }: { control: SharedArmStatistics; arm: SharedArmStatistics },
): { errorEvidence: number; splitEvidence: number } {
  const { weight: own } = plan.treatments[at]!
  // Of the requests of this treatment and the control together.
  const weight = own / (own + controlWeight(plan))
  const errors = emptySplitProcess()
  const split = emptyMismatchProcess()
  addSplitEvents(errors, { weight, canary: arm.errors, baseline: control.errors })
  addSplitEvents(split, { weight, canary: arm.requests, baseline: control.requests })
  const capped = (log: number): number => Math.min(1e12, Math.exp(log))
  return { errorEvidence: capped(splitLogEvidence(errors)), splitEvidence: capped(splitLogEvidence(split)) }
}

/** A treatment that does harm, whatever the metric says. */
function harmOf(plan: AbPlan, arms: readonly ArmVerdict[]): string | undefined {
  const limit = plan.treatments.length / plan.guardAlpha
  for (const { version, statistics } of arms) {
    const { requests = 0, errors = 0, errorEvidence = 0 } = statistics
    const counts = `${errors} of ${requests} requests to ${version} failed`
    if (requests >= hardRequests && errors / requests > hardErrorRate) return `${counts}: more than half`
    if (errorEvidence >= limit) {
      return `${counts}: evidence ${shown(errorEvidence)} of more errors than the control's, ${shown(limit)} is enough`
    }
  }
  return undefined
}

/**
 * Each treatment's difference from the control as an interval that holds at every moment, at `alpha` over their number. The test ends when all
 * are settled, when one does harm, when the split is not as asked for, or when its time is over; open questions are then inconclusive.
 */
export function judgeAbTest(plan: AbPlan, evidence: AbEvidence): AbJudgement {
  const arms = plan.treatments.map((_, at) => judgeArm(plan, at, evidence))
  const harm = harmOf(plan, arms)
  if (harm) return { outcome: 'abort', reason: harm, arms, winner: null }
  const skewed = arms.find(({ statistics }) => (statistics['splitEvidence'] ?? 0) >= arms.length / splitAlpha)
  if (skewed) {
    const reason = `the split is not the one asked for (${skewed.statistics['requests']} requests went to ${skewed.version}): its arms cannot be compared`
    return { outcome: 'void', reason, arms, winner: null }
  }
  const isOver = evidence.elapsedMs >= plan.maximumMs
  const open = arms.filter(({ verdict }) => verdict === 'open')
  if (open.length > 0 && !isOver) {
    return { outcome: 'continue', reason: `not settled yet: ${sentences(open)}`, arms, winner: null }
  }
  const settled = arms.map((arm): ArmVerdict => (arm.verdict === 'open' ? { ...arm, verdict: 'inconclusive' } : arm))
  const winner = bestOf(settled)
  const isSettled = open.length === 0 || winner !== null
  const reason = `${isOver ? 'its time is over; ' : ''}${sentences(settled)}`
  return { outcome: isSettled ? 'conclude' : 'inconclusive', reason, arms: settled, winner }
}

const sentences = (arms: readonly ArmVerdict[]): string =>
  arms.map(({ version, verdict, reason }) => `${version} is ${verdict.replace('_', ' ')}: ${reason}`).join('; ')

/** Of the better ones that with the highest lower bound. */
function bestOf(arms: readonly ArmVerdict[]): string | null {
  const lower = ({ statistics }: ArmVerdict): number => statistics['improvementLower'] ?? -Infinity
  const better = arms.filter(({ verdict }) => verdict === 'better').toSorted((a, b) => lower(b) - lower(a))
  return better[0]?.version ?? null
}
