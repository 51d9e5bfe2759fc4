// Builders of the rollout policy: how a candidate that passed the gate meets real traffic.
import type { z } from 'zod'
import type { CanaryPolicy, ShadowPolicy } from '../../rollouts/verdict-policy.ts'

type ShadowInput = z.input<typeof ShadowPolicy>
type CanaryInput = z.input<typeof CanaryPolicy>

/** Null: that phase is left out. */
export interface RolloutInput {
  readonly shadow: ShadowInput | null
  readonly canary: (CanaryInput & { readonly share?: number }) | null
}

export const rollout = {
  /** Both score the same rows first, which decides quality; then the candidate answers a share of callers, which decides errors and latency. */
  shadowThenCanary: (
    options: { shadow?: ShadowInput; canary?: CanaryInput & { share?: number } } = {},
  ): RolloutInput => ({
    shadow: options.shadow ?? {},
    canary: options.canary ?? {},
  }),
} as const
