// Webhooks of this home: who may be told, the key of their secrets, and the worker that tells them.
import type { WebhookDeps } from '../mlflow/api.ts'
import { anyAddress } from '../platform/addresses.ts'
import { webhookConsumer, webhookWork } from '../mlflow/webhook-delivery.ts'
import type { Clock } from '../platform/clock.ts'
import type { Connection } from '../platform/database.ts'
import type { EventConsumer } from '../platform/dispatcher.ts'
import type { IdSource } from '../platform/ids.ts'
import { startJobWorker, type JobWorker } from '../platform/job-worker.ts'
import type { Log } from '../platform/log.ts'
import { sealingKey, type SealingKey } from '../platform/sealing.ts'
import type { Config } from './config.ts'
import type { Secrets } from './home.ts'
import type { Tables } from './tables.ts'

interface Opened {
  readonly db: Connection<Tables>
  readonly clock: Clock
  readonly secrets: Secrets
}

export function webhookDeps({ mlflow, allowedAddresses }: Config, { db, clock, secrets }: Opened): WebhookDeps {
  const { schemes, allowsPrivateAddresses, timeoutMs, retriesMax } = mlflow.webhooks
  const allow = allowsPrivateAddresses ? anyAddress : allowedAddresses
  return { db, clock, rules: { schemes, allow, timeoutMs, retriesMax }, key: webhookKey(mlflow, secrets) }
}

/** What this home seals the secrets of webhooks with. */
export const webhookKey = ({ webhooks }: Config['mlflow'], secrets: Secrets): SealingKey =>
  sealingKey(webhooks.encryptionKey ?? secrets.stepKey, 'webhook secrets')

/** Deliveries that wait are made from now on. The consumer is for the dispatcher, which is to end first. */
export function startWebhooks(
  config: Config,
  opened: Opened & { readonly log: Log; readonly ids: IdSource },
): { readonly worker: JobWorker; readonly consumer: EventConsumer } {
  const { db, clock, log, ids } = opened
  const deps = { ...webhookDeps(config, opened), db }
  const worker = startJobWorker({ db, clock, log, owner: ids('wrk') }, webhookWork(deps))
  return { worker, consumer: webhookConsumer(deps, worker.wake) }
}
