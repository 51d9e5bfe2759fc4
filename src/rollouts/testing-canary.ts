// For tests: canaries that answer simulated requests and are judged again after every event that could count against them.
import { emptyMoments } from '../statistics/moments.ts'
import { createGenerator } from '../statistics/random.ts'
import { addSplitEvents, emptyMismatchProcess, emptySplitProcess } from '../statistics/sequential.ts'
import { judgeCanary } from './verdict.ts'
import { CanaryPolicy } from './verdict-policy.ts'

/** It never promotes and never gives up, so that a canary is looked at to the end of the simulation. */
const policy = CanaryPolicy.parse({ minimumRequests: 1_000_000_000, maximumRequests: 1_000_000_000, maximumMs: 1e15 })

export interface Simulation {
  readonly seed: string
  /** Of the canary's requests; the champion fails on 1 %. */
  readonly errorRate: number
  /** Share of slow requests of the canary; 1 % of the champion's are. */
  readonly slowRate?: number
  /** Requests to both, of which the canary answers a tenth. */
  readonly requests: number
}

export interface Simulated {
  /** Requests that the canary had answered when it was rolled back; undefined: it never was. */
  readonly rolledBackAt: number | undefined
  /** A comparison of the two rates by z at 5 %, made as often, would have accused it. */
  readonly isAccusedNaively: boolean
}

const weight = 0.1
const championRate = 0.01
/** Looks of the naive comparison before so many requests do not count: nobody would make them. */
const naiveFrom = 500

export function simulateCanary({ seed, errorRate, slowRate = championRate, requests }: Simulation): Simulated {
  const random = createGenerator(seed)
  const arm = () => ({ requests: 0, errors: 0, logLatency: emptyMoments(), loss: emptyMoments() })
  const statistics = {
    canary: arm(),
    champion: arm(),
    errors: emptySplitProcess(),
    slow: emptySplitProcess({ nullRatio: policy.slowRatioMargin }),
    split: emptyMismatchProcess(),
    elapsedMs: 0,
    lastStep: true,
  }
  let isAccusedNaively = false
  for (let request = 0; request < requests; request++) {
    const isCanary = random.uniform() < weight
    const to = isCanary ? statistics.canary : statistics.champion
    const one = { weight, canary: isCanary ? 1 : 0, baseline: isCanary ? 0 : 1 }
    to.requests++
    const isFailed = random.uniform() < (isCanary ? errorRate : championRate)
    const isSlow = random.uniform() < (isCanary ? slowRate : championRate)
    if (isFailed) {
      to.errors++
      addSplitEvents(statistics.errors, one)
    }
    if (isSlow) addSplitEvents(statistics.slow, one)
    // Only an event changes what speaks against the canary: looking in between would see the same.
    if (!isFailed && !isSlow) continue
    isAccusedNaively ||= request >= naiveFrom && zOf(statistics) > 1.96
    if (judgeCanary(statistics, policy).verdict === 'roll_back') {
      return { rolledBackAt: statistics.canary.requests, isAccusedNaively }
    }
  }
  return { rolledBackAt: undefined, isAccusedNaively }
}

interface Counts {
  readonly canary: { readonly requests: number; readonly errors: number }
  readonly champion: { readonly requests: number; readonly errors: number }
}

/** Of two proportions, pooled. */
function zOf({ canary, champion }: Counts): number {
  const pooled = (canary.errors + champion.errors) / (canary.requests + champion.requests)
  const spread = Math.sqrt(pooled * (1 - pooled) * (1 / canary.requests + 1 / champion.requests))
  return Math.abs(canary.errors / canary.requests - champion.errors / champion.requests) / spread
}

export interface Detection {
  /** Of all canaries. */
  readonly found: number
  /** Requests of the canary until it was rolled back; one that never was counts as infinitely many. */
  readonly median: number
  readonly ninetieth: number
}

export function detection(simulated: readonly Simulated[]): Detection {
  const at = simulated.map(({ rolledBackAt }) => rolledBackAt ?? Infinity).toSorted((a, b) => a - b)
  return {
    found: at.filter(Number.isFinite).length / at.length,
    median: at[Math.floor(at.length / 2)]!,
    ninetieth: at[Math.floor(at.length * 0.9)]!,
  }
}
