// What an endpoint is: a stable name that clients call, and the model versions that answer behind it. Pure.
import { z } from 'zod'
import { DomainError } from '../platform/errors.ts'
import type { LineageNode } from '../governance/lineage.ts'
import { defaultOptions, EndpointOptions } from './endpoint-options.ts'
import { VariantRole } from './gateway-config.ts'

/** As it stands in URLs: nothing that needs escaping. */
export const EndpointName = z
  .string()
  .regex(/^[A-Za-z0-9][\w.\-]{0,63}$/v, 'letters, digits, "_", "-" and ".", at most 64, not beginning with a sign')

export const EndpointVariant = z.strictObject({
  /** `model/version`, such as `flights/3`. */
  version: z.string().min(3).max(300),
  role: VariantRole,
  /** Share of the traffic that it answers; a shadow has 0. */
  weight: z.number().min(0).max(1),
})
export type EndpointVariant = Readonly<z.infer<typeof EndpointVariant>>

export const EndpointSettings = z.strictObject({
  /** `event`: requests carry their own time (`Trueloop-Event-Time`). */
  clock: z.enum(['wall', 'event']).default('wall'),
  /** Share of predictions that are logged and can be joined with outcomes. */
  logShare: z.number().min(0).max(1).default(1),
  /** Rows that may wait for one version in one worker; more are refused with 503. */
  queueRowsMax: z.int().min(1).max(1_000_000).default(10_000),
  options: EndpointOptions.default(defaultOptions),
})
export type EndpointSettings = Readonly<z.infer<typeof EndpointSettings>>

/** Somebody took the endpoint out of service: every caller is refused until it is started again. */
export const EndpointStop = z.strictObject({ atMs: z.int(), actor: z.string(), reason: z.string() })
export type EndpointStop = Readonly<z.infer<typeof EndpointStop>>

export const Endpoint = EndpointSettings.extend({
  name: EndpointName,
  /** Of the gateways' configuration at its last change; with the name it identifies a deployment. */
  generation: z.int().nonnegative(),
  splitSalt: z.string(),
  /** Champion first. */
  variants: z.array(EndpointVariant.extend({ quarantined: z.boolean() })),
  createdAtMs: z.int(),
  /** Null: it answers. */
  stopped: EndpointStop.nullable(),
})
export type Endpoint = Readonly<z.infer<typeof Endpoint>>

/** One state of an endpoint's variants, from when it was set until the next. */
export const Deployment = z.strictObject({
  endpoint: EndpointName,
  generation: z.int().positive(),
  atMs: z.int(),
  actor: z.string(),
  reason: z.string(),
  variants: z.array(EndpointVariant),
})
export type Deployment = Readonly<z.infer<typeof Deployment>>

export const variantsMax = 16
const weightTolerance = 1e-9

export const deploymentNode = (endpoint: string, generation: number): LineageNode =>
  `deployment:${endpoint}/${generation}`

export const endpointNotFound = (name: string): DomainError =>
  new DomainError('not_found', 'endpoint_not_found', `there is no endpoint "${name}"`)

/**
 * No variants, or exactly one champion, each version once, the weights of champion and canaries together 1, shadows 0.
 * @throws DomainError variants_invalid
 */
export function assertVariants(variants: readonly EndpointVariant[]): void {
  if (variants.length === 0) return
  const invalid = (problem: string): DomainError => new DomainError('invalid', 'variants_invalid', problem)
  if (variants.length > variantsMax)
    throw invalid(`an endpoint has at most ${variantsMax} variants, not ${variants.length}`)
  const champions = variants.filter((variant) => variant.role === 'champion').length
  if (champions !== 1) throw invalid(`an endpoint has exactly one champion, not ${champions}`)
  const twice = variants.find((variant, at) => variants.findIndex(({ version }) => version === variant.version) !== at)
  if (twice) throw invalid(`${twice.version} stands twice among the variants`)
  const shadow = variants.find(({ role, weight }) => role === 'shadow' && weight !== 0)
  if (shadow) throw invalid(`${shadow.version} is a shadow and answers nothing: its weight is 0, not ${shadow.weight}`)
  const sum = variants.reduce((total, { weight }) => total + weight, 0)
  if (Math.abs(sum - 1) > weightTolerance) throw invalid(`the weights of champion and canaries sum to 1, not ${sum}`)
}

const roleRank: Readonly<Record<VariantRole, number>> = { champion: 0, canary: 1, shadow: 2 }

/** Champion, canaries, shadows; within a role by version. */
export const sortVariants = <V extends EndpointVariant>(variants: readonly V[]): V[] =>
  variants.toSorted((a, b) => roleRank[a.role] - roleRank[b.role] || (a.version < b.version ? -1 : 1))
