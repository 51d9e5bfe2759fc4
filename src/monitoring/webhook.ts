// Alerts by webhook and log: consumers of the outbox. A webhook goes to public https addresses, or to what the settings allow by host and port.
import { lookup } from 'node:dns/promises'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest, type RequestOptions } from 'node:https'
import ipaddr from 'ipaddr.js'
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
  /** `host:port` of what may be reached although it is not public, or not https. */
  readonly allow: readonly string[]
}

/**
 * Posts every opened and closed alert as JSON `{type, seq, atMs, alert}`. At least once: `seq` tells a repetition. Redirects are not
 * followed; an answer other than 2xx is a failure.
 * @throws DomainError webhook_forbidden when the URL could never be reached
 */
export function alertWebhook({ name, url, allow }: WebhookOptions): EventConsumer {
  const target = new URL(url)
  if (!isSecure(target) && !allow.includes(authority(target))) {
    throw forbidden(target, 'it is not https, and its host and port are not allowed in the settings')
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

const authority = ({ hostname, port, protocol }: URL): string =>
  `${hostname}:${port === '' ? (protocol === 'https:' ? 443 : 80) : port}`

const forbidden = (target: URL, why: string): DomainError =>
  new DomainError(
    'forbidden',
    'webhook_forbidden',
    `no webhook goes to ${target.origin}: ${why}; allow ${authority(target)} if it is meant`,
  )

async function deliver(target: URL, allow: readonly string[], event: StoredEvent): Promise<void> {
  const address = await checkedAddress(target, allow)
  const { type, seq, atMs, payload } = event
  const status = await post(target, address, JSON.stringify({ type, seq, atMs, alert: payload }))
  if (status < 200 || status > 299) {
    throw new DomainError('unavailable', 'webhook_failed', `the webhook ${target.origin} answered ${status}`)
  }
}

interface Address {
  readonly address: string
  readonly family: number
}

/** Resolved once, checked, and then connected to: the name cannot mean another machine in between. */
async function checkedAddress(target: URL, allow: readonly string[]): Promise<Address> {
  const host = target.hostname.replace(/^\[(.*)\]$/v, '$1')
  const addresses = await lookup(host, { all: true })
  const inner = addresses.find(({ address }) => ipaddr.process(address).range() !== 'unicast')
  if (inner && !allow.includes(authority(target))) throw forbidden(target, `${inner.address} is not a public address`)
  return addresses[0]!
}

function post(target: URL, pinned: Address, body: string): Promise<number> {
  const options: RequestOptions = {
    method: 'POST',
    signal: AbortSignal.timeout(timeoutMs),
    agent: false,
    headers: {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'user-agent': 'trueloop',
    },
    lookup: (_host, asked, done) => {
      if (asked.all) done(null, [pinned])
      else done(null, pinned.address, pinned.family)
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
