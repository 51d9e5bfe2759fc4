// Alerts by webhook and log: consumers of the outbox. A webhook goes to public https addresses, or to what the settings allow.
import { request as httpRequest } from 'node:http'
import { request as httpsRequest, type RequestOptions } from 'node:https'
import {
  authority,
  isAllowedHost,
  resolveDestination,
  type AllowedAddresses,
  type Destination,
} from '../platform/addresses.ts'
import { DomainError } from '../platform/errors.ts'
import type { EventConsumer, StoredEvent } from '../platform/events.ts'
import type { Log } from '../platform/log.ts'
import { AlertEvidence } from './alert.ts'

export const alertEventTypes = ['monitor.alert_opened', 'monitor.alert_closed'] as const

/** A delivery that takes longer has failed, and is tried again by the dispatcher, with backoff, a bounded number of times. */
const timeoutMs = 10_000

export interface WebhookOptions {
  /** Names the consumer: events are delivered once for each name. */
  readonly name: string
  readonly url: string
  /** What may be reached although it is not public, or (by its own name or address) not https. */
  readonly allow: AllowedAddresses
}

/**
 * Posts every opened and closed alert as JSON `{type, seq, atMs, alert}`. At least once: `seq` tells a repetition. Redirects are not
 * followed; an answer other than 2xx is a failure.
 * @throws DomainError webhook_forbidden when the URL could never be reached
 */
export function alertWebhook({ name, url, allow }: WebhookOptions): EventConsumer {
  const target = new URL(url)
  if (!isSecure(target) && !isAllowedHost(target, allow)) {
    throw forbidden(target, 'it is not https, and not allowed in the settings')
  }
  return {
    name: `alert-webhook:${name}`,
    types: alertEventTypes,
    handle: (event) => deliver(target, allow, event),
  }
}

/** Says every opened and closed alert in the log. */
export function alertLog(log: Log): EventConsumer {
  return {
    name: 'alert-log',
    types: alertEventTypes,
    async handle({ type, payload }) {
      const { sentence, alertId, endpoint, monitor } = AlertEvidence.loose().parse(payload)
      const state = type === 'monitor.alert_opened' ? 'opened' : 'closed'
      log.warn(`alert ${state}: ${sentence}`, { alertId, endpoint, monitor })
    },
  }
}

const isSecure = ({ protocol }: URL): boolean => protocol === 'https:'

const forbidden = (target: URL, why: string): DomainError =>
  new DomainError(
    'forbidden',
    'webhook_forbidden',
    `no webhook goes to ${target.origin}: ${why}; allow ${authority(target)} if it is meant`,
  )

async function deliver(target: URL, allow: AllowedAddresses, event: StoredEvent): Promise<void> {
  const destination = await resolveDestination(target, allow)
  if (destination.state === 'refused') throw forbidden(target, `${destination.address} is not a public address`)
  const { type, seq, atMs, payload } = event
  const status = await post(target, destination, JSON.stringify({ type, seq, atMs, alert: payload }))
  if (status < 200 || status > 299) {
    throw new DomainError('unavailable', 'webhook_failed', `the webhook ${target.origin} answered ${status}`)
  }
}

function post(
  target: URL,
  { options: pinned }: Extract<Destination, { state: 'open' }>,
  body: string,
): Promise<number> {
  const options: RequestOptions = {
    ...pinned,
    method: 'POST',
    signal: AbortSignal.timeout(timeoutMs),
    agent: false,
    headers: {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'user-agent': 'trueloop',
    },
  }
  return new Promise((resolve, reject) => {
    const request = (isSecure(target) ? httpsRequest : httpRequest)(target, options, (response) => {
      response.destroy() // What it says does not matter, and could be endless.
      resolve(response.statusCode ?? 0)
    })
    request.on('error', reject)
    request.end(body)
  })
}
