// What the gateway's primary and its workers say to each other over IPC. Pure.
import type { GatewayConfig } from './gateway-config.ts'
import type { MetricSnapshot } from './gateway-metrics.ts'

export type ToWorker =
  /** The first message: who you are, what to serve, where to listen. */
  | {
      readonly kind: 'start'
      readonly worker: string
      readonly config: GatewayConfig
      readonly host: string
      readonly port: number
    }
  /** Load what is new and switch. */
  | { readonly kind: 'config'; readonly config: GatewayConfig }
  /** Take no new connections, answer on those there are for so long, then end. */
  | { readonly kind: 'leave'; readonly idleLimitMs: number }
  /** Be not ready, with everything still answered. */
  | { readonly kind: 'announce_leaving' }
  | { readonly kind: 'metrics'; readonly id: number; readonly text: string }

export type FromWorker =
  /** Ready for `start`. */
  | { readonly kind: 'born' }
  | { readonly kind: 'beat'; readonly metrics: MetricSnapshot }
  | {
      readonly kind: 'applied'
      readonly generation: number
      /** By digest. */
      readonly loadTimesMs: Readonly<Record<string, number>>
      readonly failures: readonly { readonly version: string; readonly digest: string; readonly message: string }[]
    }
  | { readonly kind: 'serving'; readonly port: number }
  | { readonly kind: 'metrics_wanted'; readonly id: number }
