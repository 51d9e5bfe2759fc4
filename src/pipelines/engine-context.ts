// What the parts of the engine share: its database, kinds, clock, and what `app` gave it.
import type { Connection } from '../platform/database.ts'
import type { Clock } from '../platform/clock.ts'
import type { IdSource } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import type { EngineKinds } from './engine-kind.ts'
import type { Labels } from './pipeline-run.ts'
import type { SpawnStep } from './step-spawn.ts'
import type { EngineTables, EngineTransaction } from './step-transitions.ts'

/** An attempt of a step is about to begin. */
export interface StepBeginning {
  readonly pipelineRunId: string
  readonly stepRunId: string
  readonly step: string
  readonly kind: string
  readonly labels: Labels
}

export interface StepMetrics {
  readonly pipelineRunId: string
  readonly stepRunId: string
  readonly step: string
  readonly labels: Labels
  /** In the order they were reported; `value` may be NaN or infinite. */
  readonly points: readonly {
    readonly key: string
    readonly value: number
    readonly step: number
    readonly atMs: number
  }[]
}

export interface EngineContext {
  readonly db: Connection<EngineTables>
  readonly kinds: EngineKinds<EngineTables>
  readonly clock: Clock
  readonly ids: IdSource
  readonly log: Log
  readonly attemptsDirectory: string
  /** Names this control plane in leases; the same after a restart. */
  readonly owner: string
  readonly spawn: SpawnStep
  readonly environmentDigest: string
  readonly leaseMs: number
  readonly onBegin: ((trx: EngineTransaction, beginning: StepBeginning) => Promise<void>) | undefined
  readonly onMetrics: ((trx: EngineTransaction, metrics: StepMetrics) => Promise<void>) | undefined
  readonly wakeEvents: () => void
}
