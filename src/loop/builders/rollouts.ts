// Builders of the rollout policy: how a candidate that passed the gate meets real traffic.
import type { z } from 'zod'
import type { RolloutPolicy } from '../../rollouts/rollout.ts'
import { durationMs, type Duration } from '../duration.ts'

export type RolloutInput = z.input<typeof RolloutPolicy>
type ShadowInput = NonNullable<RolloutInput['shadow']>
type CanaryInput = NonNullable<RolloutInput['canary']>

interface Ending {
  /**
   * How long after a promotion the version before stays loaded and a new one that fails is taken back by itself. By default as long as the
   * slowest monitor of errors or performance takes to open, at least `1d`.
   */
  readonly watch?: Duration
  /** What an open question at the end of its time means: `roll_back` (the default), or `hold`: go on looking. */
  readonly onInconclusive?: 'roll_back' | 'hold'
}

interface Canary {
  /** When it is rolled back or promoted. */
  readonly canary?: CanaryInput
  /** Rising shares of the traffic that it answers; 0.1, then 0.5 by default. */
  readonly ramp?: readonly number[]
}

function policy({
  watch,
  ramp,
  ...options
}: Omit<RolloutInput, 'watchMs' | 'ramp'> & Omit<Canary, 'canary'> & Ending): RolloutInput {
  return {
    ...options,
    ...(ramp ? { ramp: [...ramp] } : {}),
    ...(watch ? { watchMs: durationMs(watch) } : {}),
  }
}

/** Verdicts look at the evidence at any moment without being fooled by looking often. */
export const rollout = {
  /** Both versions score the same rows first, which decides quality; then the candidate answers a share, which decides errors and latency. */
  shadowThenCanary: (options: { readonly shadow?: ShadowInput } & Canary & Ending = {}) =>
    policy({ shadow: {}, canary: {}, ...options }),
  /** Both versions score the same rows; promoted when that shows it is good enough. */
  shadowOnly: (options: { readonly shadow?: ShadowInput } & Ending = {}) =>
    policy({ shadow: {}, ...options, canary: null }),
  /** The candidate answers a share of the traffic from the beginning. */
  canaryOnly: (options: Canary & Ending = {}) => policy({ canary: {}, ...options, shadow: null }),
  /** Promoted as soon as its gate has passed it. */
  atOnce: (): RolloutInput => ({ shadow: null, canary: null }),
} as const
