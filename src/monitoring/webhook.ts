// Alerts by webhook and log: consumers of the outbox. A webhook goes to public https addresses, or to what the settings allow.
import { createHash } from 'node:crypto'
import { authority, isAllowedHost, type AllowedAddresses } from '../platform/addresses.ts'
import { DomainError } from '../platform/errors.ts'
import type { EventConsumer } from '../platform/dispatcher.ts'
import type { StoredEvent } from '../platform/events.ts'
import type { Log } from '../platform/log.ts'
import { postOutbound } from '../platform/outbound.ts'
import { AlertEvidence } from './alert.ts'

export const alertEventTypes = ['monitor.alert_opened', 'monitor.alert_closed'] as const

/** A delivery that takes longer has failed, and is tried again by the dispatcher. */
const timeoutMs = 10_000
/** With half a minute between two tries, a receiver may be away for a day before it misses an alert. */
const failuresMax = 2_880

export interface WebhookOptions {
  /** How messages call it: the URL may hold a secret, so they have only its origin. */
  readonly title: string
  readonly url: string
  /** What may be reached although it is not public, or (by its own name or address) not https. */
  readonly allow: AllowedAddresses
}

/**
 * Posts every alert that opens or closes from now on, in order, as JSON `{type, seq, atMs, alert}`. At least once: `seq` tells a repetition.
 * Redirects are not followed; an answer other than 2xx is a failure. Each URL is a consumer of its own.
 * @throws DomainError webhook_forbidden when the URL could never be reached
 */
export function alertWebhook({ title, url, allow }: WebhookOptions): EventConsumer {
  const hook: Hook = { title, target: new URL(url), allow }
  if (!isSecure(hook.target) && !isAllowedHost(hook.target, allow)) {
    throw forbidden(hook, 'it is not https, and not allowed in the settings')
  }
  const digest = createHash('sha256').update(url).digest('hex').slice(0, 16)
  return {
    name: `alert-webhook:${hook.target.host}:${digest}`,
    types: alertEventTypes,
    begins: 'next',
    failuresMax,
    handle: (event, signal) => deliver(hook, event, signal),
  }
}

/** Says every alert that opens or closes from now on in the log. */
export function alertLog(log: Log): EventConsumer {
  return {
    name: 'alert-log',
    types: alertEventTypes,
    begins: 'next',
    async handle({ type, payload }) {
      const { sentence, alertId, endpoint, monitor } = AlertEvidence.loose().parse(payload)
      const state = type === 'monitor.alert_opened' ? 'opened' : 'closed'
      log.warn(`alert ${state}: ${sentence}`, { alertId, endpoint, monitor })
    },
  }
}

const isSecure = ({ protocol }: URL): boolean => protocol === 'https:'

interface Hook {
  readonly title: string
  readonly target: URL
  readonly allow: AllowedAddresses
}

const forbidden = ({ title, target }: Hook, why: string): DomainError =>
  new DomainError(
    'forbidden',
    'webhook_forbidden',
    `${title} may not go to ${target.origin}: ${why}; allow ${authority(target)} if it is meant`,
  )

async function deliver(hook: Hook, event: StoredEvent, signal: AbortSignal): Promise<void> {
  const { title, target, allow } = hook
  const { type, seq, atMs, payload } = event
  const body = JSON.stringify({ type, seq, atMs, alert: payload })
  const outcome = await postOutbound({ target, body, allow, timeoutMs, signal })
  if (outcome.state === 'refused') throw forbidden(hook, `${outcome.address} is not a public address`)
  const { status } = outcome
  if (status < 200 || status > 299) {
    throw new DomainError('unavailable', 'webhook_failed', `${title} at ${target.origin} answered ${status}`)
  }
}
