// Anytime-valid tests by e-processes: look as often as you like, reject when the e-value reaches 1/alpha, and the chance of ever rejecting a
// true null stays below alpha (Ville's inequality). All work on counts and merge by addition.
import { z } from 'zod'
import { incompleteBeta, logBeta } from './distributions.ts'

/** Rate ratios that a harm is looked for at. */
export const HARM_RATIOS: readonly number[] = [1.25, 1.5, 2, 3, 5, 10]
/** Ratios, either way, at which requests may be split otherwise than asked for. */
export const MISMATCH_RATIOS: readonly number[] = [0.5, 0.8, 0.9, 0.97, 1.03, 1.1, 1.25, 2]

/**
 * Who do events come from? Under the null, an event (an error, a slow answer) is the canary's with the probability that a request is, its
 * split weight, times `nullRatio` as odds. Weights may change from event to event. After Lindon and Malek (2022).
 */
export const SplitProcess = z.strictObject({
  ratios: z.array(z.number().positive()).min(1).max(32),
  /** The canary's rate over the baseline's that is still no harm. */
  nullRatio: z.number().positive(),
  canary: z.number().nonnegative(),
  baseline: z.number().nonnegative(),
  /** Log-likelihood ratio of each alternative. */
  logs: z.array(z.number()).min(1).max(32),
})
export type SplitProcess = z.infer<typeof SplitProcess>

/** A test that the canary's rate of events is at most `nullRatio` (1) times the baseline's. */
export function emptySplitProcess(options: { ratios?: readonly number[]; nullRatio?: number } = {}): SplitProcess {
  const ratios = [...(options.ratios ?? HARM_RATIOS)]
  return { ratios, nullRatio: options.nullRatio ?? 1, canary: 0, baseline: 0, logs: ratios.map(() => 0) }
}

/** A test that requests are split as asked for: give it all requests, not only events. */
export function emptyMismatchProcess(): SplitProcess {
  return emptySplitProcess({ ratios: MISMATCH_RATIOS })
}

/**
 * Counts events in place, those of one split weight (the canary's share of requests) at a time. With a weight of 0 or 1 there is nothing
 * to compare, and they are not counted.
 */
export function addSplitEvents(
  process: SplitProcess,
  events: { weight: number; canary: number; baseline: number },
): void {
  const { weight, canary, baseline } = events
  if (!(weight > 0 && weight < 1)) return
  const odds = weight * process.nullRatio
  const share = odds / (odds + 1 - weight)
  process.canary += canary
  process.baseline += baseline
  for (let at = 0; at < process.ratios.length; at++) {
    const ratio = process.ratios[at]!
    process.logs[at]! += canary * Math.log(ratio) - (canary + baseline) * Math.log(share * ratio + 1 - share)
  }
}

/** Adds `more` (of disjoint events) into `process`, which it returns. Both must test the same. */
export function mergeSplitProcess(process: SplitProcess, more: SplitProcess): SplitProcess {
  if (process.ratios.join() !== more.ratios.join() || process.nullRatio !== more.nullRatio) {
    throw new RangeError('only processes with the same ratios can be merged')
  }
  process.canary += more.canary
  process.baseline += more.baseline
  for (let at = 0; at < process.logs.length; at++) process.logs[at]! += more.logs[at]!
  return process
}

/** ln of the mean of exp(logs). */
function logMeanExp(logs: readonly number[]): number {
  const largest = Math.max(...logs)
  if (largest === -Infinity) return -Infinity
  return largest + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - largest), 0) / logs.length)
}

/** ln of the e-value: the alternatives' likelihood ratios, averaged. Reject when it reaches ln(1/alpha). */
export function splitLogEvidence(process: SplitProcess): number {
  return logMeanExp(process.logs)
}

/**
 * ln of the e-value that the rate of hits is above `nullRate` (known beforehand: an objective, not an estimate), from counts. For "is the 99th
 * percentile above its objective?": hits are the answers slower than the objective, `nullRate` 0.01.
 */
export function exceedanceLogEvidence(counts: { n: number; hits: number }, nullRate: number): number {
  const { n, hits } = counts
  const logs = HARM_RATIOS.map((ratio) => {
    // The ratio is one of odds, so that every alternative is a probability.
    const rate = (nullRate * ratio) / (nullRate * ratio + 1 - nullRate)
    return hits * Math.log(rate / nullRate) + (n - hits) * Math.log((1 - rate) / (1 - nullRate))
  })
  return logMeanExp(logs)
}

/**
 * ln of the e-value that discordant pairs are no fair coin (McNemar's question, at any time): on how many pairs was each of the two right
 * while the other was wrong? Uniform mixture over the chance of a `for`; `greater` looks only for chances above one half.
 */
export function signLogEvidence(
  pairs: { for: number; against: number },
  side: 'two-sided' | 'greater' = 'two-sided',
): number {
  const { for: wins, against } = pairs
  const whole = (wins + against) * Math.LN2 + logBeta(wins + 1, against + 1)
  if (side === 'two-sided') return whole
  // I_{1/2}(against + 1, wins + 1) is the mixture's weight above one half; written so that it keeps its digits when small.
  return whole + Math.log(2) + Math.log(incompleteBeta(0.5, against + 1, wins + 1))
}

/** ln of the mean of several e-values: an e-value again, however they depend on each other. */
export function averageLogEvidence(logEvidence: readonly number[]): number {
  return logMeanExp(logEvidence)
}
