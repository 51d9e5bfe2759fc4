// Telling webhooks: a consumer of the outbox that makes a job of each delivery, and the work of such a job.
import { createHash, createHmac } from 'node:crypto'
import { z } from 'zod'
import { getWebhook, listListening, type WebhookTables } from '../governance/webhook-store.ts'
import { readSecret } from '../governance/webhooks.ts'
import type { Clock } from '../platform/clock.ts'
import { transact, type Connection, type Db } from '../platform/database.ts'
import type { EventConsumer } from '../platform/dispatcher.ts'
import { DomainError } from '../platform/errors.ts'
import type { StoredEvent } from '../platform/events.ts'
import { enqueueJob, type Job, type JobTables } from '../platform/jobs.ts'
import type { JobOutcome, JobWork } from '../platform/job-worker.ts'
import { postOutbound, type Outcome } from '../platform/outbound.ts'
import type { WebhookDeps, WebhookRules } from './webhooks/deps.ts'
import { messageOfEvent, toldEventTypes, type WebhookMessage } from './webhooks/events.ts'

const queue = 'webhooks'
/** As many at a time as MLflow's server has threads for it. */
const concurrency = 10
/** Beyond an attempt's own time, for the name's resolution and the database. */
const leaseGraceMs = 60_000
/** Of the answer to a test that is shown. */
const answerBytesMax = 65_536

const Delivery = z.strictObject({ webhook: z.string(), deliveryId: z.string(), body: z.string() })
type Delivery = Readonly<z.infer<typeof Delivery>>

export interface DeliveryDeps {
  readonly db: Connection<WebhookTables & JobTables>
  readonly clock: Clock
  readonly rules: WebhookRules
  readonly key: WebhookDeps['key']
}

/** Idempotent: each event and webhook is one job. `wake` is called when there is one. */
export function webhookConsumer({ db, clock, rules }: DeliveryDeps, wake: () => void): EventConsumer {
  return {
    name: 'mlflow-webhooks',
    types: toldEventTypes,
    begins: 'next',
    async handle(event) {
      const message = messageOfEvent(event)
      if (!message) return
      const listening = await listListening(db, message.event)
      if (listening.length === 0) return
      const body = bodyOf(message, event.atMs)
      await transact(db, async (trx) => {
        for (const webhook of listening) {
          const payload: Delivery = { webhook, deliveryId: deliveryIdOf(event, webhook), body }
          const id = `webhook/${event.seq}/${webhook}`
          const maxAttempts = rules.retriesMax + 1
          await enqueueJob(trx, { id, queue, kind: 'webhook.deliver', payload, nowMs: clock(), maxAttempts })
        }
      })
      wake()
    },
  }
}

/** The same however often the event is handled: a receiver tells a repetition by it. */
function deliveryIdOf({ seq, atMs }: StoredEvent, webhook: string): string {
  const hex = createHash('sha256').update(`${seq}/${atMs}/${webhook}`).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-')
}

/** The work of a job that the consumer has made. */
export const webhookWork = (deps: DeliveryDeps): JobWork => ({
  queue,
  concurrency,
  leaseMs: deps.rules.timeoutMs + leaseGraceMs,
  isAlone: true, // A home has one control plane.
  work: (job, signal) => deliver(deps, job, signal),
})

async function deliver(deps: DeliveryDeps, job: Job, signal: AbortSignal): Promise<JobOutcome> {
  const { webhook: id, deliveryId, body } = Delivery.parse(job.payload)
  try {
    const { url, isActive } = await getWebhook(deps.db, id)
    if (!isActive) return { done: false, error: 'the webhook is disabled', retryable: false }
    const secret = await readSecret(deps.db, { id, key: deps.key })
    return outcomeOf(await post(deps, { url, secret, deliveryId, body, signal }))
  } catch (error) {
    // Deleted meanwhile, or sealed with another key: no later attempt would be better.
    if (error instanceof DomainError) return { done: false, error: error.message, retryable: false }
    throw error
  }
}

/** MLflow's server tries these again, and nothing else that was answered. */
const retriedStatuses = new Set([429, 500, 502, 503, 504])

function outcomeOf(outcome: Outcome): JobOutcome {
  if (outcome.state === 'refused') {
    return { done: false, error: `${outcome.address} is not a public address`, retryable: false }
  }
  const { status, retryAfterMs: delayMs } = outcome
  if (status < 400) return { done: true }
  return { done: false, error: `answered ${status}`, retryable: retriedStatuses.has(status), delayMs }
}

interface Sent {
  readonly url: string
  /** Empty: it is not signed. */
  readonly secret: string
  readonly deliveryId: string
  readonly body: string
  readonly signal?: AbortSignal
}

function post({ clock, rules }: Pick<DeliveryDeps, 'clock' | 'rules'>, sent: Sent): Promise<Outcome> {
  const { url, secret, deliveryId, body, signal } = sent
  const timestamp = String(Math.floor(clock() / 1000))
  const signature = createHmac('sha256', secret).update(`${deliveryId}.${timestamp}.${body}`).digest('base64')
  return postOutbound({
    target: new URL(url),
    body,
    headers: {
      'X-MLflow-Delivery-Id': deliveryId,
      'X-MLflow-Timestamp': timestamp,
      ...(secret === '' ? {} : { 'X-MLflow-Signature': `v1,${signature}` }),
    },
    allow: rules.allow,
    timeoutMs: rules.timeoutMs,
    answerBytesMax,
    ...(signal ? { signal } : {}),
  })
}

function bodyOf({ event, data }: WebhookMessage, atMs: number): string {
  const [entity, action] = event.split('.')
  const timestamp = new Date(atMs).toISOString().replace('Z', '000+00:00') // As Python writes it.
  return JSON.stringify({ entity, action, timestamp, data })
}

/** Sends one message now, and answers what came of it. @throws as `postOutbound`; DomainError webhook_not_found, webhook_secret_unreadable */
export async function sendNow(
  deps: Pick<DeliveryDeps, 'clock' | 'rules' | 'key'> & { readonly db: Db<WebhookTables> },
  { id, message, deliveryId }: { id: string; message: WebhookMessage; deliveryId: string },
): Promise<Outcome> {
  const { url } = await getWebhook(deps.db, id)
  const secret = await readSecret(deps.db, { id, key: deps.key })
  return post(deps, { url, secret, deliveryId, body: bodyOf(message, deps.clock()) })
}
