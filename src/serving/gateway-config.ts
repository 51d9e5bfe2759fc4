// What the gateway must serve: one document with a generation, made by the control plane, kept on the gateway's disk. Pure.
import { z } from 'zod'
import { Baseline } from '../models/baseline.ts'
import { Signature } from '../models/signature.ts'
import { defaultOptions, EndpointOptions } from './endpoint-options.ts'
import { firstFleet, GatewayFleet } from './gateway-fleet.ts'

/** champion: answers; canary: answers its share; shadow: scores the same rows, its answers are only logged. */
export const VariantRole = z.enum(['champion', 'canary', 'shadow'])
export type VariantRole = z.infer<typeof VariantRole>

export const Variant = z.strictObject({
  /** `model/version`, such as `flights/3`. */
  version: z.string(),
  role: VariantRole,
  /** Share of the traffic that it answers; champion and canary sum to 1, a shadow has 0. */
  weight: z.number().min(0).max(1),
  /** sha256 of the ONNX bytes. */
  digest: z.string(),
  signature: Signature,
  baseline: Baseline,
  /** Taken out after hanging its worker twice: 503 for it alone. */
  quarantined: z.boolean(),
})
export type Variant = Readonly<z.infer<typeof Variant>>

export const EndpointConfig = z.strictObject({
  name: z.string(),
  /** Salt of the sticky split; changes with each rollout, so that the same callers are not always the guinea pigs. */
  splitSalt: z.string(),
  variants: z.array(Variant),
  /** Share of predictions that are logged and can be joined with outcomes. */
  logShare: z.number().min(0).max(1),
  queueRowsMax: z.int().positive(),
  /** `event`: a request may carry its own time (`Trueloop-Event-Time`); `wall`: its time is when it was answered. */
  clock: z.enum(['wall', 'event']).default('wall'),
  options: EndpointOptions.default(defaultOptions),
  /** Why every caller is refused; absent: they are answered. */
  stopped: z.string().optional(),
})
export type EndpointConfig = Readonly<z.infer<typeof EndpointConfig>>

export const GatewayConfig = z.strictObject({
  generation: z.int().nonnegative(),
  endpoints: z.array(EndpointConfig),
  fleet: GatewayFleet.optional(),
})
export type GatewayConfig = Readonly<z.infer<typeof GatewayConfig>>

export const fleetOf = ({ fleet }: GatewayConfig): GatewayFleet => fleet ?? firstFleet
