// How fast traffic moves between two versions that are loaded, in a whole gateway under load: from the commit to the last answer of the old one.
import { Agent, request as httpRequest } from 'node:http'
import { expect, test } from 'vitest'
import { smallModel } from '../../models/testing.ts'
import { monotonicMs, sleep } from '../../platform/clock.ts'
import { quantileOfSorted } from '../../statistics/bootstrap.ts'
import { oipBody } from '../testing.ts'
import { startTestControlPlane, startTestGateway, type TestGateway } from './gateway.ts'

interface Answer {
  /** When the request was sent. */
  readonly sentMs: number
  readonly status: number
  readonly version: string | undefined
}

const body = oipBody([1])

function send(gateway: TestGateway, agent: Agent): Promise<Answer> {
  const sentMs = monotonicMs()
  return new Promise((resolve) => {
    const headers = { 'content-length': Buffer.byteLength(body) }
    const options = { method: 'POST', agent, headers }
    const sent = httpRequest(`${gateway.url}/v2/models/flights/infer`, options, (response) => {
      const version = response.headers['trueloop-model-version'] as string | undefined
      response.resume().once('end', () => resolve({ sentMs, status: response.statusCode ?? 0, version }))
    })
    sent.once('error', () => resolve({ sentMs, status: 0, version: undefined }))
    sent.end(body)
  })
}

const flips = 20
/** After each flip; more than a gateway needs. */
const settleMs = 250
/** Of requests in flight at once: enough that some are sent in every millisecond. */
const connections = 8

test('a rollback to a version that is kept loaded reaches every worker at once, and fails no request', async () => {
  // It never looks for changes by itself: what comes, comes by the wake of the commit.
  await using control = await startTestControlPlane({ pollMs: 600_000 })
  const versions = [
    await control.addModel({ bytes: smallModel() }),
    await control.addModel({ bytes: smallModel({ weight: 2 }) }),
  ]
  const serveBy = (at: number): Promise<void> =>
    control.setVariants([
      { version: versions[at]!, role: 'champion', weight: 1 },
      { version: versions[1 - at]!, role: 'canary', weight: 0 },
    ])
  await serveBy(0)
  await using gateway = await startTestGateway(control.url)
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  await gateway.until(async () => (await send(gateway, agent)).status === 200)
  const pids = gateway.workers()

  const answers: Answer[] = []
  let isStopped = false
  const load = Array.from({ length: connections }, async () => {
    while (!isStopped) answers.push(await send(gateway, agent))
  })
  const lags: number[] = []
  for (let flip = 1; flip <= flips; flip++) {
    const [to, from] = [versions[flip % 2]!, versions[(flip + 1) % 2]!]
    const first = answers.length
    await serveBy(flip % 2)
    const committedMs = monotonicMs()
    await sleep(settleMs)
    await gateway.until(() => answers.slice(-100).every(({ version }) => version === to))
    const since = answers.slice(first)
    // Of requests that were sent after the commit, the last that the old version answered.
    const late = since.filter(({ version, sentMs }) => version === from && sentMs > committedMs)
    lags.push(Math.max(0, ...late.map(({ sentMs }) => sentMs - committedMs)))
  }
  isStopped = true
  await Promise.all(load)
  agent.destroy()

  expect(answers.filter(({ status }) => status !== 200)).toEqual([])
  expect(gateway.workers(), 'both are loaded: nobody is replaced').toEqual(pids)
  const sorted = Float64Array.from(lags).sort()
  const [best, median, worst] = [sorted[0]!, quantileOfSorted(sorted, 0.5), sorted.at(-1)!]
  const measured = `best ${best.toFixed(1)} ms, median ${median.toFixed(1)} ms, worst ${worst.toFixed(1)} ms`
  process.stdout.write(`from the commit to the last request that the old version answered: ${measured}\n`)
  // What a busy machine adds is no fault of the gateway's: the best of many tells what it needs itself.
  expect(best).toBeLessThan(10)
})
