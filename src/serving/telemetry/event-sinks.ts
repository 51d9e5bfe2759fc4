// CloudEvents on their way to the sinks of their endpoints: a bounded ring for each sink, a few at a time, tried again, counted when given up.
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { AllowedAddresses } from '../../platform/addresses.ts'
import { sleep } from '../../platform/clock.ts'
import { messageOf } from '../../platform/errors.ts'
import type { Log } from '../../platform/log.ts'
import { postOutbound } from '../../platform/outbound.ts'
import {
  eventRowsBufferedMax,
  eventsBufferedMax,
  eventsInFlightMax,
  eventTimeoutMs,
  eventTriesMax,
} from '../contract/gateway-limits.ts'
import { label, type Metrics } from '../gateway-metrics.ts'
import type { FailedRequest, LoggedAnswer } from '../worker/reports/logged-request.ts'
import { cloudEventOf, type CloudEvent, type EventSubject } from './cloud-event.ts'

export interface EventSinks {
  /** Keeps a reference; encoding and sending wait for a later turn. Does nothing for an endpoint without a sink. */
  answered(answer: LoggedAnswer): void
  failed(failure: FailedRequest): void
  /** Sends what is left, as far as the time goes; the rest is counted as dropped. */
  close(limitMs: number): Promise<void>
}

export interface EventSinksDeps {
  /** What may be reached although it is not public. */
  readonly allow: AllowedAddresses
  readonly metrics: Metrics
  readonly log: Log
}

interface Sink {
  readonly url: URL
  readonly endpoint: string
  readonly agent: HttpAgent
  readonly stopping: AbortController
  waiting: EventSubject[]
  rows: number
  inFlight: number
  isFailing: boolean
}

/** How long what came together waits to be encoded, so that answers go first. */
const turnMs = 20
const retryBaseMs = 250
const retryCapMs = 5_000
const closePollMs = 20

const rowsOf = ({ answer, failure }: EventSubject): number => answer?.rows ?? failure?.rows?.count ?? 1

export function createEventSinks(deps: EventSinksDeps): EventSinks {
  const sinks = new Map<string, Sink>()
  let timer: NodeJS.Timeout | undefined
  const count = (sink: Sink, outcome: 'sent' | 'dropped' | 'failed', by = 1): void =>
    deps.metrics.add('trueloop_events_total', `${label('endpoint', sink.endpoint)},outcome="${outcome}"`, by)

  const pump = (sink: Sink): void => {
    while (sink.inFlight < eventsInFlightMax && sink.waiting.length > 0) {
      const subject = sink.waiting.shift()!
      sink.rows -= rowsOf(subject)
      sink.inFlight++
      void deliver(deps, sink, subject).then((outcome) => {
        count(sink, outcome)
        sink.inFlight--
        pump(sink)
      })
    }
  }
  const turn = (): void => {
    timer = undefined
    for (const sink of sinks.values()) pump(sink)
  }
  const add = (subject: EventSubject): void => {
    const { endpoint } = subject.answer ?? subject.failure
    for (const url of endpoint.config.options.eventSink?.urls ?? []) {
      const sink = sinkOf(sinks, endpoint.name, url)
      sink.waiting.push(subject)
      sink.rows += rowsOf(subject)
      // One that alone is too much goes all the same.
      while (sink.waiting.length > eventsBufferedMax || (sink.rows > eventRowsBufferedMax && sink.waiting.length > 1)) {
        sink.rows -= rowsOf(sink.waiting.shift()!)
        count(sink, 'dropped')
      }
      timer ??= setTimeout(turn, turnMs)
    }
  }
  return {
    answered: (answer) => add({ answer }),
    failed: (failure) => add({ failure }),
    async close(limitMs) {
      clearTimeout(timer)
      turn()
      const isBusy = (): boolean => [...sinks.values()].some(({ inFlight }) => inFlight > 0)
      for (let waited = 0; waited < limitMs && isBusy(); waited += closePollMs) await sleep(closePollMs)
      for (const sink of sinks.values()) {
        if (sink.waiting.length > 0) count(sink, 'dropped', sink.waiting.length)
        sink.waiting = []
        sink.stopping.abort()
        sink.agent.destroy()
      }
    },
  }
}

function sinkOf(sinks: Map<string, Sink>, endpoint: string, text: string): Sink {
  const key = `${endpoint} ${text}`
  const known = sinks.get(key)
  if (known) return known
  const url = new URL(text)
  const how = { keepAlive: true, maxSockets: eventsInFlightMax }
  const agent = url.protocol === 'https:' ? new HttpsAgent(how) : new HttpAgent(how)
  const made = { url, endpoint, agent, stopping: new AbortController(), waiting: [], rows: 0, inFlight: 0 }
  const sink: Sink = { ...made, isFailing: false }
  sinks.set(key, sink)
  return sink
}

/** The request's event, then the answer's: both or neither is what counts as sent. */
async function deliver(deps: EventSinksDeps, sink: Sink, subject: EventSubject): Promise<'sent' | 'failed'> {
  const mode = (subject.answer ?? subject.failure).endpoint.config.options.eventSink?.mode ?? 'all'
  for (const kind of ['request', 'response'] as const) {
    if (mode !== 'all' && mode !== kind) continue
    const event = cloudEventOf(kind, subject)
    if (event && !(await send(deps, sink, event))) return 'failed'
  }
  sink.isFailing = false
  return 'sent'
}

/** @returns whether the sink took it */
async function send({ allow, log }: EventSinksDeps, sink: Sink, event: CloudEvent): Promise<boolean> {
  const { url, endpoint, agent, stopping } = sink
  let reason = ''
  for (let attempt = 1; attempt <= eventTriesMax && !stopping.signal.aborted; attempt++) {
    let waitMs = Math.min(retryCapMs, retryBaseMs * 2 ** (attempt - 1))
    try {
      const post = { target: url, ...event, allow, agent, timeoutMs: eventTimeoutMs, signal: stopping.signal }
      const outcome = await postOutbound(post)
      if (outcome.state === 'answered' && outcome.status < 300) return true
      reason =
        outcome.state === 'answered' ? `status ${outcome.status}` : `the address ${outcome.address} may not be reached`
      const isFinal =
        outcome.state === 'refused' || (outcome.status < 500 && outcome.status !== 408 && outcome.status !== 429)
      if (isFinal) break
      if (outcome.state === 'answered') waitMs = Math.min(retryCapMs, outcome.retryAfterMs ?? waitMs)
    } catch (error) {
      reason = messageOf(error)
    }
    if (attempt < eventTriesMax) await sleep(waitMs, stopping.signal)
  }
  if (!sink.isFailing) log.warn('events are not taken by their sink', { endpoint, sink: url.origin, reason })
  sink.isFailing = true
  return false
}
