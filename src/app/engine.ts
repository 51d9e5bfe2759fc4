// The pipeline engine of the control plane: every kind of step, and processes with the environment and token of their run.
import { createHash } from 'node:crypto'
import { commandStep } from '../pipelines/command-step.ts'
import { processKind, type EngineKind } from '../pipelines/engine-kind.ts'
import { startPipelineEngine, type PipelineEngine } from '../pipelines/engine.ts'
import { spawnDetached, type SpawnStep } from '../pipelines/step-spawn.ts'
import type { BlobStore } from '../platform/blobs.ts'
import type { Clock } from '../platform/clock.ts'
import type { Connection } from '../platform/database.ts'
import type { IdSource } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import { childEnvironment, type Config } from './config.ts'
import { entryFile, packageVersion } from './entries.ts'
import { mintStepToken, type Secrets } from './home.ts'
import { dataKinds } from './kinds/data-kinds.ts'
import { modelKinds } from './kinds/model-kinds.ts'
import type { Tables } from './tables.ts'
import { beginStepRun, recordStepMetrics, runIdOf, trackingVariables, type Tracking } from './tracking.ts'

export interface EngineDeps {
  readonly db: Connection<Tables>
  readonly blobs: BlobStore
  readonly clock: Clock
  readonly ids: IdSource
  readonly log: Log
  readonly secrets: Secrets
  readonly tracking: Tracking
  readonly attemptsDirectory: string
}

export interface EngineSettings {
  readonly config: Config
  /** Where steps find the API; set once it listens. */
  readonly address: { readonly url?: string }
  readonly wakeEvents: () => void
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex')

export function startEngine(deps: EngineDeps, settings: EngineSettings): Promise<PipelineEngine & AsyncDisposable> {
  const { db, blobs, clock, ids, log, tracking, attemptsDirectory } = deps
  const { config, wakeEvents } = settings
  const { environment } = tracking
  const kinds = [
    ...dataKinds({ blobs }),
    ...modelKinds({ blobs, environment }),
    processKind(commandStep({ path: '', variables: {} })),
  ]
  return startPipelineEngine<Tables>({
    db,
    kinds: new Map(kinds.map((kind) => [kind.kind, kind as EngineKind<Tables>])),
    clock,
    ids,
    log,
    attemptsDirectory,
    owner: digestOf(config.home).slice(0, 16),
    spawn: stepSpawner(deps, settings),
    environmentDigest: digestOf(`${packageVersion} ${process.version} ${environment.lockDigest}`),
    concurrency: config.stepConcurrency,
    onBegin: (trx, beginning) => beginStepRun(trx, tracking, beginning),
    onMetrics: (trx, metrics) => recordStepMetrics(trx, tracking, metrics),
    wakeEvents,
  })
}

/** What a step may take longer than its limit to be ended; its token is refused as soon as it has. */
const stepGraceMs = 60_000

/** Starts a step's process with a token that is good for its own run only. */
function stepSpawner({ db, secrets, clock }: EngineDeps, { config, address }: EngineSettings): SpawnStep {
  return async ({ directory, stepRunId, timeoutMs }) => {
    const runId = runIdOf(stepRunId)
    const token = mintStepToken(secrets, { runId, expiresAtMs: clock() + timeoutMs + stepGraceMs })
    const env = childEnvironment(config, await trackingVariables(db, { runId, url: address.url, token }))
    return spawnDetached({ argv: [process.execPath, entryFile('step'), directory], directory, env })
  }
}
