// The control plane's resources, opened in order and closed in reverse.
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Connection } from '../platform/database.ts'
import { readEnvironment } from '../experiments/environment.ts'
import { ensureDefaultExperiment } from '../experiments/experiments.ts'
import { createRunWriter, type RunWriter } from '../experiments/run-writer.ts'
import { createLoopEngine } from '../loop/loop-engine.ts'
import { registryVersions, type VersionLookup } from '../monitoring/version-facts.ts'
import { watermarkMs } from '../monitoring/watermark.ts'
import { alertLog, alertWebhook } from '../monitoring/webhook.ts'
import type { PipelineEngine } from '../pipelines/engine.ts'
import type { BlobStore } from '../platform/blobs.ts'
import { systemClock, type Clock } from '../platform/clock.ts'
import { startDispatcher, type EventConsumer } from '../platform/dispatcher.ts'
import { createIds, type IdSource } from '../platform/ids.ts'
import { createLog, standardErrorWriter, type Log } from '../platform/log.ts'
import { openReader } from '../platform/reader-threads.ts'
import type { Reader } from '../platform/reader.ts'
import type { Rehearse } from '../rollouts/rehearsal.ts'
import { createGatewayConfigs, type GatewayConfigs } from '../serving/gateway-configs.ts'
import { openBlobs } from './blobs.ts'
import { createCollections, type Collections } from './collections.ts'
import type { Config } from './config.ts'
import { startEngine } from './engine.ts'
import { packageFile } from './entries.ts'
import { loadSecrets, type Secrets } from './home.ts'
import { startHousekeeping } from './housekeeping.ts'
import { createLoopActions } from './loop-actions.ts'
import { openMetadata } from './metadata.ts'
import { artifactPlaces, uploadsFolder } from './artifact-places.ts'
import { startPolicyPump } from './policy-pump.ts'
import { createRehearsal } from './rehearse.ts'
import type { Tables } from './tables.ts'
import { unfinishedRuns } from './tracking.ts'
import { startWebhooks } from './webhooks.ts'

export interface Context extends AsyncDisposable {
  readonly db: Connection<Tables>
  /** For reads that may take over 20 ms. */
  readonly reader: Reader
  /** Writes of runs, in turns. */
  readonly writer: RunWriter<Tables>
  readonly blobs: BlobStore
  readonly engine: PipelineEngine
  readonly collections: Collections
  readonly configs: GatewayConfigs
  readonly versions: VersionLookup
  readonly rehearse: Rehearse
  readonly clock: Clock
  readonly ids: IdSource
  readonly log: Log
  readonly secrets: Secrets
  readonly attemptsDirectory: string
  readonly startedAtMs: number
  /** Something was written that policies and event consumers should look at soon. */
  readonly wake: () => void
  /** Tells the steps that start from now on where the API is, and begins to look after policies. */
  listening(url: string): Promise<void>
}

/** Set once the API has an address; before that nothing can have happened that somebody should look at. */
interface Wakers {
  events: () => void
  policies: () => void
}

/** @throws DomainError webhook_forbidden */
function alertConsumers({ alertWebhooks, allowedAddresses }: Config, log: Log): EventConsumer[] {
  const hooks = alertWebhooks.map((url, at) =>
    alertWebhook({ title: `URL ${at + 1} of TRUELOOP_ALERT_WEBHOOKS`, url, allow: allowedAddresses }),
  )
  return [alertLog(log), ...hooks]
}

/** @throws DomainError webhook_forbidden, and what opening the resources throws */
export async function openContext(config: Config): Promise<Context> {
  await using stack = new AsyncDisposableStack()
  const clock = systemClock
  const ids = createIds(clock)
  const write = standardErrorWriter()
  const log = createLog({ level: config.logLevel, format: config.logFormat, clock, write })
  const alerts = alertConsumers(config, log)
  const secrets = loadSecrets(config.home)
  const { db } = stack.use(await openMetadata(config, { log, clock }))
  const reader = stack.use(openReader(db, config.database))
  const writer = createRunWriter(db)
  const blobs = openBlobs(config)
  const attemptsDirectory = join(config.home, 'attempts')
  mkdirSync(attemptsDirectory, { recursive: true, mode: 0o700 })
  const environment = await readEnvironment(dirname(packageFile), config.stepThreads)
  const address: { url?: string } = {}
  const tracking = { actor: { name: 'steps', clock, ids }, environment }
  await ensureDefaultExperiment(db, tracking.actor, { artifactRoot: config.mlflow.defaultArtifactRoot })
  const wakers: Wakers = { events: () => undefined, policies: () => undefined }
  const engine = stack.use(
    await startEngine(
      { db, blobs, clock, ids, log, secrets, tracking, attemptsDirectory },
      { config, address, wakeEvents: () => wakers.events() },
    ),
  )
  const versions = registryVersions()
  const loops = createLoopEngine({
    db,
    clock,
    log,
    actions: createLoopActions({ db, engine, clock, ids }),
    watermarkMs: (endpoint) => watermarkMs(db, endpoint),
  })
  const configs = createGatewayConfigs(db)
  const collections = stack.use(createCollections({ db, reader, blobs, log, places: artifactPlaces(config) }))
  const own = { clock, ids, log, secrets, attemptsDirectory }
  const rehearse = createRehearsal({ db, blobs, clock })
  const opened = { ...own, db, reader, writer, blobs, engine, configs, versions, rehearse, collections }
  const resources = stack.move()
  return {
    ...opened,
    startedAtMs: clock(),
    wake: () => {
      configs.wake()
      wakers.events()
      wakers.policies()
    },
    async listening(url) {
      address.url = url
      const webhooks = startWebhooks(config, opened)
      resources.use(webhooks.worker)
      const consumers = [loops.consumer, unfinishedRuns(db, tracking.actor), webhooks.consumer, ...alerts]
      const dispatcher = resources.use(startDispatcher({ db, log }, consumers))
      wakers.events = dispatcher.wake
      const retention = { ageMsMax: config.predictionAgeMs, rowsMax: config.predictionRows }
      const deletion = { collections, actor: { name: 'retention', clock, ids }, ageMs: config.deletedAgeMs }
      const uploads = { db, blobs, clock, uploads: uploadsFolder(config) }
      resources.use(startHousekeeping({ db, clock, log, dispatcher, retention, deletion, uploads }))
      const wake = { wakeEvents: dispatcher.wake, wakeGateways: configs.wake }
      const pump = resources.use(startPolicyPump({ db, clock, ids, log, versions, loops, rehearse, ...wake }))
      wakers.policies = pump.wake
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}
