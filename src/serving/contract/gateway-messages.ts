// What the gateway's primary and its workers say to each other over IPC. Pure.
import type { GatewayConfig } from '../gateway-config.ts'
import type { MetricSnapshot } from '../gateway-metrics.ts'
import type { RepositoryChange } from './gateway-repository.ts'
import type { VersionStatistics } from './gateway-statistics.ts'
import type { ErrorKind } from '../../platform/errors.ts'

/** An expected failure, as it travels. */
export interface Refusal {
  readonly kind: ErrorKind
  readonly code: string
  readonly message: string
}

export type ToWorker =
  /** The first message: who you are, what to serve, where to listen. */
  | {
      readonly kind: 'start'
      readonly worker: string
      readonly config: GatewayConfig
      readonly host: string
      readonly port: number
      /** Null: no gRPC. */
      readonly grpcPort: number | null
    }
  /** Load what is new and switch. */
  | { readonly kind: 'config'; readonly config: GatewayConfig }
  /** Take no new connections, answer on those there are for so long, then end. */
  | { readonly kind: 'leave'; readonly idleLimitMs: number }
  /** Nothing comes after it: be gone. The answer to `left`. */
  | { readonly kind: 'end' }
  /** Be not ready, with everything still answered. */
  | { readonly kind: 'announce_leaving' }
  | { readonly kind: 'metrics'; readonly id: number; readonly text: string }
  /** Of all workers. */
  | { readonly kind: 'statistics'; readonly id: number; readonly statistics: readonly VersionStatistics[] }
  /** What came of a wish; without a refusal every worker has it. */
  | { readonly kind: 'repository'; readonly id: number; readonly refusal?: Refusal }

export type FromWorker =
  /** Ready for `start`. */
  | { readonly kind: 'born' }
  | { readonly kind: 'beat'; readonly metrics: MetricSnapshot; readonly statistics: readonly VersionStatistics[] }
  | {
      readonly kind: 'applied'
      readonly generation: number
      readonly failures: readonly { readonly version: string; readonly digest: string; readonly message: string }[]
    }
  /** Its connections are gone; those handed to it meanwhile come before the primary's answer, and are declined. */
  | { readonly kind: 'left' }
  /** Its compute process hung or ended while it ran the version. */
  | { readonly kind: 'compute_lost'; readonly how: 'hung' | 'died' | 'killed'; readonly version: string }
  | { readonly kind: 'serving'; readonly port: number }
  | { readonly kind: 'metrics_wanted'; readonly id: number }
  | { readonly kind: 'statistics_wanted'; readonly id: number }
  | { readonly kind: 'repository_wanted'; readonly id: number; readonly change: RepositoryChange }
