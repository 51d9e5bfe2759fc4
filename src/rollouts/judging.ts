// The verdict on a rollout where it stands: the evidence of its phase, and the budget that no evidence may outlive. Pure.
import { canaryEvidence, shadowEvidence, type RolloutEvidence } from './evidence.ts'
import type { Rollout } from './rollout.ts'
import { judgeCanary, judgeShadow, type Judgement } from './verdict.ts'

const dayMs = 86_400_000

/** `statistics` are since the phase began; undefined only for a rollout without phases. */
export function judge(rollout: Rollout, statistics: RolloutEvidence, nowMs: number): Judgement {
  const { state, policy } = rollout
  if (state === 'shadow' && policy.shadow) return judgeShadowPhase(rollout, statistics, nowMs)
  if (state === 'canary' && policy.canary) return judgeCanaryPhase(rollout, statistics, nowMs)
  return { verdict: 'promote', reason: 'the policy asks for no shadow and no canary phase', statistics: {} }
}

function judgeShadowPhase(rollout: Rollout, statistics: RolloutEvidence, nowMs: number): Judgement {
  const { shadow, canary } = rollout.policy
  const judged = judgeShadow(shadowEvidence(statistics), shadow!)
  if (judged.verdict === 'advance' && !canary) return { ...judged, verdict: 'promote' }
  const elapsedDays = (nowMs - rollout.phaseStartedMs) / dayMs
  // Without outcomes no day of pairs is ever counted: the budget of days must end all the same.
  if (judged.verdict === 'continue' && elapsedDays >= shadow!.maximumDays + 1) {
    const reason = `${Math.floor(elapsedDays)} days have passed, the most that the policy allows: ${judged.reason}`
    return { ...judged, verdict: 'inconclusive', reason }
  }
  return judged
}

function judgeCanaryPhase(rollout: Rollout, statistics: RolloutEvidence, nowMs: number): Judgement {
  const { canary: policy, ramp } = rollout.policy
  const lastStep = rollout.step === ramp.length - 1
  const elapsedMs = nowMs - rollout.phaseStartedMs
  const judged = judgeCanary(canaryEvidence(statistics, { policy: policy!, elapsedMs, lastStep }), policy!)
  if (judged.verdict !== 'advance' && judged.verdict !== 'promote') return judged
  const weight = ramp[rollout.step]!
  const here = statistics.splits.find((split) => Math.abs(split.weight - weight) < 1e-6)?.canary.requests ?? 0
  if (here >= policy!.minimumRequests) return judged
  const reason = `${here} of at least ${policy!.minimumRequests} requests at a share of ${weight}`
  return { ...judged, verdict: 'continue', reason: `not enough evidence yet: ${reason}` }
}
