// Callers of an endpoint: one row a request through the gateway over HTTP, and what became of it later. Rows of loans, and any others.
import { Agent, request } from 'node:http'
import { z } from 'zod'
import { pathOf, type Client } from '../../src/client/http-client.ts'
import type { Loan } from './loans.ts'

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

export interface Sent {
  readonly method: string
  readonly url: URL
  readonly headers?: Readonly<Record<string, string | number>>
  readonly body?: string | Uint8Array
  readonly agent?: Agent
}

const answerTimeoutMs = 15_000

/** As it comes over the wire: `fetch` would not send a foreign Host. */
export function send({ method, url, headers = {}, body, agent }: Sent): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
    const options = {
      method,
      headers: { ...length, ...headers },
      timeout: answerTimeoutMs,
      ...(agent ? { agent } : {}),
    }
    const call = request(url, options, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
        }),
      )
    })
    call.on('timeout', () => call.destroy(new Error(`no answer of ${method} ${url.pathname} in time`)))
    call.on('error', reject)
    call.end(body)
  })
}

/** One value of an Open Inference request. */
export const tensor = (name: string, datatype: string, value: string | number): object => ({
  name,
  shape: [1],
  datatype,
  data: [value],
})

/** The body of an Open Inference request for one loan. */
export const inferenceOf = ({ time, amount, country }: Pick<Loan, 'time' | 'amount' | 'country'>): object => ({
  inputs: [tensor('time', 'BYTES', time), tensor('amount', 'FP64', amount), tensor('country', 'BYTES', country)],
})

const Answer = z.object({
  parameters: z.object({ prediction_id: z.string(), version: z.string() }),
  outputs: z.array(z.object({ name: z.string(), data: z.array(z.union([z.number(), z.boolean(), z.string()])) })),
})

/** One row to ask an endpoint about. */
export interface Question {
  /** Of the event, ISO 8601. */
  readonly time: string
  /** The body of an Open Inference request. */
  readonly body: object
}

/** What an endpoint said to one question. */
export interface Said {
  readonly predictionId: string
  /** `model/version` that answered. */
  readonly version: string
  /** Of the positive class. */
  readonly probability: number
}

export interface Answered extends Said {
  readonly loan: Loan
}

const connections = 8

/** Sends all loans and answers what each got; fails unless every one is answered. */
export async function predictAll(gatewayUrl: string, loans: readonly Loan[]): Promise<Answered[]> {
  const questions = loans.map((loan) => ({ time: loan.time, body: inferenceOf(loan) }))
  const said = await askAll({ gatewayUrl, endpoint: 'loans' }, questions)
  return said.map((each, at) => ({ loan: loans[at]!, ...each }))
}

/** Asks all and answers what each got, in their order; fails unless every one is answered. */
export async function askAll(
  { gatewayUrl, endpoint }: { gatewayUrl: string; endpoint: string },
  questions: readonly Question[],
): Promise<Said[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const url = new URL(pathOf`/v2/models/${endpoint}/infer`, gatewayUrl)
  const answered: Said[] = []
  let next = 0
  const caller = async (): Promise<void> => {
    while (next < questions.length) {
      const at = next++
      answered[at] = await ask({ url, agent }, questions[at]!)
    }
  }
  try {
    await Promise.all(Array.from({ length: connections }, caller))
  } finally {
    agent.destroy()
  }
  return answered
}

async function ask({ url, agent }: { url: URL; agent: Agent }, { time, body }: Question): Promise<Said> {
  const reply = await send({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json', 'trueloop-event-time': time },
    body: JSON.stringify(body),
    agent,
  })
  if (reply.status !== 200) throw new Error(`the gateway answered ${reply.status}: ${reply.text}`)
  const { parameters, outputs } = Answer.parse(JSON.parse(reply.text))
  const probability = outputs.find(({ name }) => name === 'probabilities')?.data[1]
  return { predictionId: parameters.prediction_id, version: parameters.version, probability: Number(probability) }
}

export const Receipt = z.object({ accepted: z.int(), duplicates: z.int(), unmatched: z.int(), revised: z.int() })

/** Says what became of the loans. */
export const sendOutcomes = (client: Client, answered: readonly Answered[]): Promise<z.infer<typeof Receipt>> =>
  tellOutcomes(
    client,
    answered.map(({ predictionId, loan }) => ({ predictionId, value: loan.defaulted })),
  )

export interface Outcome {
  readonly predictionId: string
  readonly value: number | boolean
}

/** Says what became of what was asked about. */
export const tellOutcomes = (client: Client, outcomes: readonly Outcome[]): Promise<z.infer<typeof Receipt>> =>
  client.call({ method: 'POST', path: '/outcomes', body: { outcomes }, answer: Receipt })
