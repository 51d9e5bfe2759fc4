// An A/B test: versions that share an endpoint's traffic to settle a hypothesis. It measures; it promotes only what it was told to. Pure.
import { z } from 'zod'
import { DomainError } from '../platform/errors.ts'
import { EndpointName } from '../serving/endpoint.ts'

const dayMs = 86_400_000

/** What is compared: `outcome` is the mean of the outcomes themselves, conversions or amounts. */
export const AbMetric = z.enum(['error_rate', 'latency', 'loss', 'outcome'])
export type AbMetric = z.infer<typeof AbMetric>

/** `model/version` with the share of the traffic that it answers while the test runs. */
export const Treatment = z.strictObject({
  version: z.string().regex(/^[^\/]+\/[1-9]\d*$/v, 'model/version, such as flights/3'),
  weight: z.number().gt(0).lt(1),
})
export type Treatment = Readonly<z.infer<typeof Treatment>>

/** Written down before the first request, and never changed. */
export const AbPlan = z.strictObject({
  /** What is believed, in words. */
  hypothesis: z.string().min(1).max(2000),
  /** Compared with the endpoint's champion, the control, which answers the rest. */
  treatments: z
    .array(Treatment)
    .min(1)
    .max(8)
    .refine((all) => new Set(all.map(({ version }) => version)).size === all.length, 'each version stands there once')
    .refine((all) => all.reduce((sum, { weight }) => sum + weight, 0) < 1, 'the control answers a share too'),
  metric: AbMetric,
  /** Which outcomes are good; of the other metrics lower is always better. */
  direction: z.enum(['higher', 'lower']).default('higher'),
  /**
   * A treatment is better only when it is surely better by more than this: in the metric's unit (rate, loss, outcome); of latency as a share of
   * the control's (0.05: surely more than 5 % faster).
   */
  minimumEffect: z.number().nonnegative().default(0),
  /** Chance that any treatment is called better or worse wrongly, all of them together, at whatever moment it is looked at. */
  alpha: z.number().gt(0).lt(0.5).default(0.05),
  /** Chance that a harmless treatment ends the test by its errors. */
  guardAlpha: z.number().gt(0).lt(0.5).default(0.01),
  /** Requests of each side, and for losses and outcomes known rows, before anything is said. */
  minimumRequests: z.int().min(100).default(500),
  /** Policy time after which an open question is inconclusive. */
  maximumMs: z
    .number()
    .positive()
    .default(14 * dayMs),
  /** What a better treatment means: it is told, or it becomes champion. */
  whenBetter: z.enum(['tell', 'promote']).default('tell'),
})
export type AbPlan = Readonly<z.infer<typeof AbPlan>>

/** All but `running` are final. aborted: a treatment did harm; void: the split was not the one asked for; cancelled: somebody moved traffic. */
export const AbState = z.enum(['running', 'concluded', 'inconclusive', 'aborted', 'void', 'stopped', 'cancelled'])
export type AbState = z.infer<typeof AbState>

export const AbTest = z.strictObject({
  id: z.string(),
  endpoint: EndpointName,
  /** `model/version` of the champion when it began. */
  control: z.string(),
  plan: AbPlan,
  /** sha256 of the plan as JSON. */
  planDigest: z.string(),
  state: AbState,
  /** The best of the better treatments. Null: none was better, or nothing is settled. */
  winner: z.string().nullable(),
  /** Policy time. */
  startedMs: z.int(),
  finishedMs: z.int().nullable(),
  sentence: z.string(),
  createdBy: z.string(),
  /** Wall time. */
  createdAtMs: z.int(),
})
export type AbTest = Readonly<z.infer<typeof AbTest>>

/** open: not enough evidence yet; not_better: surely not better by the minimal effect, and not surely worse. */
export const ArmVerdict = z.strictObject({
  version: z.string(),
  verdict: z.enum(['open', 'better', 'worse', 'not_better', 'inconclusive']),
  reason: z.string(),
  statistics: z.record(z.string(), z.number()),
})
export type ArmVerdict = Readonly<z.infer<typeof ArmVerdict>>

/** One look at all treatments. */
export const AbVerdict = z.strictObject({
  test: z.string(),
  /** 1, 2, 3… within the test. */
  sequence: z.int().positive(),
  outcome: z.enum(['continue', 'conclude', 'inconclusive', 'abort', 'void']),
  reason: z.string(),
  arms: z.array(ArmVerdict),
  planDigest: z.string(),
  /** Policy time. */
  judgedMs: z.int(),
  /** Wall time. */
  atMs: z.int(),
})
export type AbVerdict = Readonly<z.infer<typeof AbVerdict>>

/** What of the traffic is left to the control. */
export const controlWeight = ({ treatments }: Pick<AbPlan, 'treatments'>): number =>
  1 - treatments.reduce((sum, { weight }) => sum + weight, 0)

export const abTestNotFound = (id: string): DomainError =>
  new DomainError('not_found', 'ab_test_not_found', `there is no A/B test "${id}"`)

export const abTestActive = (endpoint: string, id: string): DomainError =>
  new DomainError(
    'conflict',
    'ab_test_active',
    `endpoint "${endpoint}" has the A/B test "${id}" under way: wait for its end, or stop it first`,
    { endpoint, test: id },
  )

export const abTestOver = ({ id, state }: AbTest): DomainError =>
  new DomainError('conflict', 'ab_test_over', `the A/B test "${id}" is over: it is ${state}`)

export const treatmentServes = (endpoint: string, version: string): DomainError =>
  new DomainError(
    'conflict',
    'treatment_serves',
    `${version} stands behind endpoint "${endpoint}" already: a treatment is compared with the champion, and comes from outside`,
  )
