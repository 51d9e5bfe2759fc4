// Live traffic: flights one by one to the gateway over HTTP, as callers would send them, and their outcomes later.
import { Agent, request } from 'node:http'
import { z } from 'zod'
import { monotonicMs, sleep } from '../../platform/clock.ts'
import type { Client } from '../../client/http-client.ts'
import { addToSketch, type QuantileSketch } from '../../statistics/quantile-sketch.ts'
import type { Flight } from './flight-days.ts'

export interface Answer {
  readonly predictionId: string
  /** `model/version` that answered. */
  readonly version: string
  /** Of arriving late. */
  readonly probability: number
}

export interface Traffic {
  /** Answers in the order of the flights; undefined where the gateway gave none. Latencies in milliseconds go into the sketch. */
  send(flights: readonly Flight[], latencies: QuantileSketch): Promise<(Answer | undefined)[]>
  close(): void
}

const connections = 24
/** What one worker logs in the long run: so every prediction is on record, even if all connections should meet the same worker. */
const requestsPerSecondMax = 5_000
const answerTimeoutMs = 10_000

const Reply = z.object({
  parameters: z.object({ prediction_id: z.string(), version: z.string() }),
  outputs: z.array(z.object({ name: z.string(), data: z.array(z.number()) })),
})

export function openTraffic(gatewayUrl: string, endpoint: string): Traffic {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const url = new URL(`/v2/models/${encodeURIComponent(endpoint)}/infer`, gatewayUrl)
  return {
    async send(flights, latencies) {
      const endMs = monotonicMs() + (flights.length * 1000) / requestsPerSecondMax
      const answers: (Answer | undefined)[] = Array.from({ length: flights.length })
      let next = 0
      const caller = async (): Promise<void> => {
        while (next < flights.length) {
          const at = next++
          const startedMs = performance.now()
          answers[at] = await ask({ agent, url }, flights[at]!)
          addToSketch(latencies, performance.now() - startedMs)
        }
      }
      await Promise.all(Array.from({ length: connections }, caller))
      await sleep(Math.max(0, endMs - monotonicMs()))
      return answers
    },
    close: () => agent.destroy(),
  }
}

const tensor = (name: string, datatype: string, value: string | number): string =>
  `{"name":"${name}","shape":[1],"datatype":"${datatype}","data":[${JSON.stringify(value)}]}`

function ask({ agent, url }: { agent: Agent; url: URL }, flight: Flight): Promise<Answer | undefined> {
  const body = `{"inputs":[${tensor('date', 'BYTES', flight.date)},${tensor('distance', 'INT64', flight.distance)},${tensor('origin', 'BYTES', flight.origin)},${tensor('destination', 'BYTES', flight.destination)}],"outputs":[{"name":"probabilities"}]}`
  return new Promise((resolve) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'trueloop-event-time': flight.date,
    }
    const call = request(url, { agent, method: 'POST', headers, timeout: answerTimeoutMs }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('error', () => resolve(undefined))
      response.on('end', () => resolve(response.statusCode === 200 ? readAnswer(text) : undefined))
    })
    call.on('timeout', () => call.destroy())
    call.on('error', () => resolve(undefined))
    call.end(body)
  })
}

function readAnswer(text: string): Answer | undefined {
  const { parameters, outputs } = Reply.parse(JSON.parse(text))
  const probability = outputs[0]?.data[1]
  return probability === undefined
    ? undefined
    : { predictionId: parameters.prediction_id, version: parameters.version, probability }
}

const outcomesPerCall = 5_000

export async function sendOutcomes(
  client: Client,
  outcomes: readonly { predictionId: string; value: number }[],
): Promise<void> {
  for (let at = 0; at < outcomes.length; at += outcomesPerCall) {
    const body = { outcomes: outcomes.slice(at, at + outcomesPerCall) }
    await client.call({ method: 'POST', path: '/outcomes', body, answer: z.unknown() })
  }
}
