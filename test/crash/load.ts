// For crash tests: callers that keep writing while processes are killed, and remember every write that was acknowledged.
import { Agent, request } from 'node:http'
import { createClient, pathOf, type Client } from '../../src/client/http-client.ts'
import { z } from 'zod'
import { monotonicMs, sleep } from '../../src/platform/clock.ts'
import { createGenerator, type Generator } from '../../src/statistics/random.ts'
import { loopName, rowOf, type CrashRows } from './loop-rows.ts'

export interface Answered {
  readonly id: string
  readonly version: string
  /** 1 when the row is large: the outcome that will be sent. */
  readonly label: number
  /** Wall time of the answer. */
  readonly atMs: number
}

/** What callers were told. */
export interface Ledger {
  readonly answered: Answered[]
  /** Requests without an answer, and answers that were no 200, by status (0: the connection failed). */
  readonly unanswered: { status: number; atMs: number }[]
  /** Requests that waited for their whole time limit. */
  hung: number
  /** Outcomes that were acknowledged, by prediction. */
  readonly outcomes: Map<string, number>
  /** First points of batches of metrics: acknowledged, or sent without hearing what became of them. */
  readonly batches: { readonly acknowledged: number[]; readonly unknown: number[] }
  /** Names of experiments. */
  readonly experiments: { readonly acknowledged: string[]; readonly unknown: string[] }
  /** Reasons of retrains that were asked for. */
  readonly triggers: { readonly acknowledged: string[]; readonly unknown: string[] }
  /** 4xx to a write, which no kill explains. */
  readonly refused: string[]
  /** Ms between two answers of the gateway, and of two writes of the control plane. */
  longestGapMs: { gateway: number; server: number }
  runId: string
}

export interface Load {
  readonly ledger: Ledger
  /** Ends the callers; the outcomes of all that was answered are sent before. */
  stop(): Promise<Ledger>
}

export interface LoadPlan {
  readonly url: string
  readonly gatewayUrl: string
  readonly rows: CrashRows
  readonly seed: string
  /** Between the end of one retrain and the next one that is asked for. */
  readonly retrainEveryMs: number
}

export const callers = 4
const callerPauseMs = 30
const writePauseMs = 120
const outcomesPerBatch = 40
export const pointsPerBatch = 10
const answerTimeoutMs = 10_000
const writeTimeoutMs = 10_000
const retryPauseMs = 100
/** Before a retrain is asked for, the gateway has told the control plane of the new day. */
const dayPauseMs = 800
const attemptPollMs = 300

type Fate = 'acknowledged' | 'refused' | 'unknown'

interface Caller {
  readonly plan: LoadPlan
  readonly client: Client
  readonly ledger: Ledger
  readonly isStopped: () => boolean
}

export async function startLoad(plan: LoadPlan): Promise<Load> {
  const client = createClient({ url: plan.url })
  const ledger = emptyLedger()
  ledger.runId = await createRun(client)
  const stop = new AbortController()
  const caller: Caller = { plan, client, ledger, isStopped: () => stop.signal.aborted }
  const agent = new Agent({ keepAlive: true, maxSockets: callers })
  const random = createGenerator(plan.seed).fork('load')
  const asking = Array.from({ length: callers }, (_, at) => askForEver(caller, agent, random.fork(`caller ${at}`)))
  const writing = [logForEver(caller), nameForEver(caller), retrainForEver(caller)]
  let isAllSaid = false
  const telling = tellForEver({ ...caller, isStopped: () => isAllSaid })
  return {
    ledger,
    async stop() {
      stop.abort()
      await Promise.all([...asking, ...writing])
      isAllSaid = true
      await telling
      agent.destroy()
      return ledger
    },
  }
}

const emptyLedger = (): Ledger => ({
  answered: [],
  unanswered: [],
  hung: 0,
  outcomes: new Map(),
  batches: { acknowledged: [], unknown: [] },
  experiments: { acknowledged: [], unknown: [] },
  triggers: { acknowledged: [], unknown: [] },
  refused: [],
  longestGapMs: { gateway: 0, server: 0 },
  runId: '',
})

async function createRun(client: Client): Promise<string> {
  const body = { experiment: 'Default', name: 'crash' }
  return (await client.call({ method: 'POST', path: '/runs', body, answer: z.object({ id: z.string() }) })).id
}

/** Inferences, one by one on a kept connection. */
async function askForEver({ plan, ledger, isStopped }: Caller, agent: Agent, random: Generator): Promise<void> {
  const url = new URL(`/v2/models/${loopName}/infer`, plan.gatewayUrl)
  let lastMs = monotonicMs()
  while (!isStopped()) {
    const row = rowOf(random, plan.rows.today)
    const reply = await ask({ url, agent }, row)
    if (reply.hasHung) ledger.hung++
    if (reply.id === undefined) ledger.unanswered.push({ status: reply.status, atMs: Date.now() })
    else {
      const nowMs = monotonicMs()
      ledger.longestGapMs.gateway = Math.max(ledger.longestGapMs.gateway, nowMs - lastMs)
      lastMs = nowMs
      ledger.answered.push({ id: reply.id, version: reply.version, label: row.isLarge ? 1 : 0, atMs: Date.now() })
    }
    await sleep(callerPauseMs)
  }
}

type Reply = { status: number; hasHung?: boolean } & ({ id?: undefined } | { id: string; version: string })

/** One inference; status 0: the connection failed. */
export function ask(
  { url, agent }: { url: URL; agent: Agent },
  row: { at: string; amount: number; shop: string },
): Promise<Reply> {
  const inputs = [
    { name: 'amount', datatype: 'FP64', shape: [1], data: [row.amount] },
    { name: 'shop', datatype: 'BYTES', shape: [1], data: [row.shop] },
  ]
  const body = JSON.stringify({ inputs })
  return new Promise((resolve) => {
    const headers = { 'content-length': Buffer.byteLength(body), 'trueloop-event-time': row.at }
    const call = request(url, { agent, method: 'POST', headers, timeout: answerTimeoutMs }, (response) => {
      let text = ''
      const status = response.statusCode ?? 0
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      response.once('error', () => resolve({ status: 0 }))
      response.once('end', () => {
        if (status !== 200) return resolve({ status })
        const { parameters } = z
          .object({ parameters: z.object({ prediction_id: z.string(), version: z.string() }) })
          .parse(JSON.parse(text))
        resolve({ status, id: parameters.prediction_id, version: parameters.version })
      })
    })
    call.once('timeout', () => {
      resolve({ status: 0, hasHung: true })
      call.destroy()
    })
    call.once('error', () => resolve({ status: 0 }))
    call.end(body)
  })
}

/** A write to the control plane: what the caller was told of it. */
async function write({ client, ledger }: Caller, path: string, body: unknown): Promise<Fate> {
  const signal = AbortSignal.timeout(writeTimeoutMs)
  const headers = { 'content-type': 'application/json' }
  const sent = { method: 'POST', headers, body: JSON.stringify(body), signal }
  const response = await fetch(new URL(`/api${path}`, client.url), sent).catch(() => undefined)
  if (!response) return 'unknown'
  if (response.ok) return 'acknowledged'
  const text = await response.text().catch(() => '')
  if (response.status >= 500) return 'unknown'
  ledger.refused.push(`${path}: ${response.status} ${text.slice(0, 300)}`)
  return 'refused'
}

/** Metrics: no batch is sent twice, so each point that is there is there once. */
async function logForEver(caller: Caller): Promise<void> {
  const { ledger, isStopped } = caller
  let lastMs = monotonicMs()
  for (let first = 0; !isStopped(); first += pointsPerBatch) {
    const metrics = Array.from({ length: pointsPerBatch }, (_, at) => ({
      key: 'loss',
      step: first + at,
      atMs: Date.now(),
      value: (first + at) / 7,
    }))
    const fate = await write(caller, `/runs/${ledger.runId}/batch`, { metrics })
    if (fate !== 'refused') ledger.batches[fate].push(first)
    if (fate === 'acknowledged') {
      const nowMs = monotonicMs()
      ledger.longestGapMs.server = Math.max(ledger.longestGapMs.server, nowMs - lastMs)
      lastMs = nowMs
    }
    await sleep(fate === 'unknown' ? retryPauseMs : writePauseMs)
  }
}

/** Experiments, each of a name of its own: a state change with its audit event. */
async function nameForEver(caller: Caller): Promise<void> {
  const { ledger, isStopped } = caller
  for (let count = 0; !isStopped(); count++) {
    const name = `experiment ${count}`
    const fate = await write(caller, '/experiments', { name })
    if (fate !== 'refused') ledger.experiments[fate].push(name)
    await sleep(fate === 'unknown' ? retryPauseMs : writePauseMs)
  }
}

/** Outcomes of what was answered, in batches that are sent again until they are acknowledged. */
async function tellForEver(caller: Caller): Promise<void> {
  const { ledger, isStopped } = caller
  for (let at = 0; !isStopped() || at < ledger.answered.length;) {
    const batch = ledger.answered.slice(at, at + outcomesPerBatch)
    if (batch.length === 0) {
      await sleep(writePauseMs)
      continue
    }
    const outcomes = batch.map(({ id, label }) => ({ predictionId: id, value: label }))
    const fate = await write(caller, '/outcomes', { outcomes })
    if (fate !== 'unknown') at += batch.length
    if (fate === 'acknowledged') for (const { id, label } of batch) ledger.outcomes.set(id, label)
    await sleep(fate === 'unknown' ? retryPauseMs : isStopped() ? 0 : writePauseMs)
  }
}

const LoopView = z.object({
  state: z.object({ phase: z.string(), attempt: z.unknown(), requested: z.unknown(), champion: z.string().nullable() }),
})
export type LoopView = z.infer<typeof LoopView>['state']

/** Undefined while nobody answers. */
export const viewLoop = (client: Client): Promise<LoopView | undefined> =>
  client.call({ path: pathOf`/loops/${loopName}`, answer: LoopView, signal: AbortSignal.timeout(writeTimeoutMs) }).then(
    ({ state }) => state,
    () => undefined,
  )

export const isAtRest = (view: LoopView | undefined): boolean =>
  view !== undefined && view.attempt === null && (view.requested ?? null) === null

/** A day passes, its rows come, a retrain is asked for; when it has ended, the next. */
async function retrainForEver(caller: Caller): Promise<void> {
  const { plan, client, ledger, isStopped } = caller
  for (let count = 0; !isStopped(); count++) {
    plan.rows.nextDay()
    await sleep(dayPauseMs)
    const reason = `retrain ${count}`
    const fate = await write(caller, pathOf`/loops/${loopName}/trigger`, { reason })
    if (fate !== 'refused') ledger.triggers[fate].push(reason)
    do await sleep(attemptPollMs)
    while (!isStopped() && !isAtRest(await viewLoop(client)))
    for (let waited = 0; waited < plan.retrainEveryMs && !isStopped(); waited += attemptPollMs)
      await sleep(attemptPollMs)
  }
}
