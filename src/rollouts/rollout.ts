// A rollout: how traffic moves from a champion to its challenger, and back if it must. Pure.
import { z } from 'zod'
import { DomainError } from '../platform/errors.ts'
import { Rehearsal } from './rehearsal.ts'
import { CanaryPolicy, ShadowPolicy } from './verdict-policy.ts'

const dayMs = 86_400_000

export const RolloutPolicy = z.strictObject({
  /** Both versions score the same rows, the champion answers; decides quality. Null: no such phase; without both it is promoted at once. */
  shadow: ShadowPolicy.nullable().default(() => ShadowPolicy.parse({})),
  /** The challenger answers a share; decides errors and latency. Null: no such phase. */
  canary: CanaryPolicy.nullable().default(() => CanaryPolicy.parse({})),
  /** Shares of the canary, step by step; at each it has to answer the policy's minimum of requests. */
  ramp: z
    .array(z.number().gt(0).lt(1))
    .min(1)
    .max(20)
    .default([0.1, 0.5])
    .refine((ramp) => ramp.every((weight, at) => at === 0 || weight > ramp[at - 1]!), 'a ramp rises'),
  /** How long after a promotion the former champion stays loaded, and a failing version is taken back by itself. Policy time. */
  watchMs: z.int().nonnegative().default(dayMs),
  /** What an open question at the end of its budget means: take the challenger away, or leave all as it is and go on looking. */
  onInconclusive: z.enum(['roll_back', 'hold']).default('roll_back'),
})
export type RolloutPolicy = Readonly<z.infer<typeof RolloutPolicy>>

/** pending (has no phase to begin with), shadow and canary are under way; all others are final, though a promotion is watched for a while. */
export const RolloutState = z.enum([
  'pending',
  'shadow',
  'canary',
  'promoted',
  'rolled_back',
  'inconclusive',
  'cancelled',
])
export type RolloutState = z.infer<typeof RolloutState>

export const Rollout = z.strictObject({
  id: z.string(),
  endpoint: z.string(),
  model: z.string(),
  /** Version numbers of the model. */
  champion: z.int().positive(),
  challenger: z.int().positive(),
  /** Idempotency: what was started under a key once is answered again. Null: none was given. */
  key: z.string().nullable(),
  state: RolloutState,
  /** Place in the ramp; 0 also before it. */
  step: z.int().nonnegative(),
  policy: RolloutPolicy,
  /** Policy time. */
  startedMs: z.int(),
  phaseStartedMs: z.int(),
  finishedMs: z.int().nullable(),
  /** A promotion is watched until then. */
  watchUntilMs: z.int().nullable(),
  /** Requests above this are slow: the champion's 99th percentile when the canary began. Null: not known. */
  slowLimitMs: z.number().nullable(),
  /** The former champion was asked its examples before the promotion: whether the way back works. Null: not yet, or nobody could. */
  rehearsal: Rehearsal.nullable(),
  /** An open question was held at its end instead of being decided. */
  held: z.boolean(),
  /** Why it stands where it stands, with its numbers. */
  sentence: z.string(),
  createdBy: z.string(),
  /** Wall time. */
  createdAtMs: z.int(),
})
export type Rollout = Readonly<z.infer<typeof Rollout>>

export const RolloutVerdict = z.strictObject({
  rollout: z.string(),
  /** 1, 2, 3… within the rollout. */
  sequence: z.int().positive(),
  phase: RolloutState,
  step: z.int(),
  verdict: z.enum(['continue', 'advance', 'promote', 'roll_back', 'inconclusive']),
  reason: z.string(),
  statistics: z.record(z.string(), z.number()),
  /** sha256 of the policy that it was judged by, as JSON. Null: not noted. */
  policyDigest: z.string().nullable(),
  /** Policy time. */
  judgedMs: z.int(),
  /** Wall time. */
  atMs: z.int(),
})
export type RolloutVerdict = Readonly<z.infer<typeof RolloutVerdict>>

/** Payload of the event `rollout.finished`. */
export interface RolloutFinished {
  readonly id: string
  readonly endpoint: string
  readonly model: string
  /** `model/version`. */
  readonly champion: string
  readonly challenger: string
  /** A cancelled rollout (somebody else moved the champion) is inconclusive. */
  readonly outcome: 'promoted' | 'rolled_back' | 'inconclusive'
  readonly sentence: string
}

export const isActive = ({ state }: Pick<Rollout, 'state'>): boolean =>
  state === 'pending' || state === 'shadow' || state === 'canary'

export const championText = ({ model, champion }: Pick<Rollout, 'model' | 'champion'>): string => `${model}/${champion}`
export const challengerText = ({ model, challenger }: Pick<Rollout, 'model' | 'challenger'>): string =>
  `${model}/${challenger}`

export const rolloutNotFound = (id: string): DomainError =>
  new DomainError('not_found', 'rollout_not_found', `there is no rollout "${id}"`)

export const rolloutActive = (endpoint: string, id: string): DomainError =>
  new DomainError(
    'conflict',
    'rollout_active',
    `endpoint "${endpoint}" has the rollout "${id}" under way: wait for its end, or roll it back first`,
    { endpoint, rollout: id },
  )

export const rolloutWithoutChampion = (endpoint: string, model: string): DomainError =>
  new DomainError(
    'conflict',
    'rollout_without_champion',
    `model "${model}" has no champion behind endpoint "${endpoint}" to compare with: deploy a first version instead of rolling one out`,
  )

export const challengerServes = (endpoint: string, version: string): DomainError =>
  new DomainError('conflict', 'challenger_serves', `${version} is the champion of endpoint "${endpoint}" already`)

export const rollbackUnrehearsed = ({ version, sentence }: Rehearsal): DomainError =>
  new DomainError(
    'conflict',
    'rollback_unrehearsed',
    `nothing was moved, for ${version} does not answer as it did: ${sentence}. Ask with "force" (--force) to go back to it all the same`,
    { version },
  )

export const nothingToRollBack = (endpoint: string): DomainError =>
  new DomainError(
    'conflict',
    'nothing_to_roll_back',
    `endpoint "${endpoint}" has no rollout under way, and none that was promoted and could be taken back`,
  )
