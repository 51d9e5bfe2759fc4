// The control plane killed with SIGKILL while four clients of MLflow's API log as fast as they can: batches are whole or absent, and none that was acknowledged is absent.
import { expect, test } from 'vitest'
import { monotonicMs, sleep } from '../../src/platform/clock.ts'
import { createGenerator } from '../../src/statistics/random.ts'
import { startCrashHome, waitUntilUp, type CrashHome } from './home.ts'

const clients = 4
const kills = 12
const pointsPerBatch = 200
const keys = ['loss', 'accuracy']
/** Kills come between these, after the control plane has answered again. */
const [delayMsMin, delayMsMax] = [150, 1_200]
const retryPauseMs = 250
const pageSize = 25_000

interface Client {
  readonly run: string
  /** Numbers of the batches: acknowledged, or sent without hearing what became of them. */
  readonly acknowledged: number[]
  readonly unknown: number[]
  readonly refused: string[]
}

/** Answers nothing when the connection failed. @throws Error for any answer that is no 200 and no 5xx */
async function call<T>(home: CrashHome, path: string, body?: object): Promise<T | undefined> {
  const request = body && {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }
  const response = await fetch(`${home.url}/api/2.0/mlflow/${path}`, request).catch(() => undefined)
  const text = await response?.text().catch(() => undefined)
  if (!response || text === undefined || response.status >= 500) return undefined
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`)
  return JSON.parse(text) as T
}

const batchOf = (run: string, number: number): object => ({
  run_id: run,
  metrics: Array.from({ length: pointsPerBatch }, (_, i) => ({
    key: keys[i % keys.length],
    value: number,
    timestamp: number,
    step: number * pointsPerBatch + i,
  })),
  params: [{ key: `batch ${number}`, value: 'logged' }],
  tags: [{ key: `batch ${number}`, value: 'logged' }],
})

async function logUntil(home: CrashHome, client: Client, isOver: () => boolean): Promise<void> {
  for (let number = 0; !isOver(); number++) {
    try {
      const answer = await call(home, 'runs/log-batch', batchOf(client.run, number))
      if (answer) client.acknowledged.push(number)
      else {
        client.unknown.push(number)
        await sleep(retryPauseMs)
      }
    } catch (error) {
      client.refused.push(String(error))
    }
  }
}

interface Stored {
  /** Points of each batch. */
  readonly points: ReadonlyMap<number, number>
  readonly params: ReadonlySet<string>
  readonly tags: ReadonlySet<string>
}

async function readStored(home: CrashHome, run: string): Promise<Stored> {
  const points = new Map<number, number>()
  for (const key of keys) {
    let token: string | undefined = ''
    while (token !== undefined) {
      type Page = { metrics?: { value: number }[]; next_page_token?: string }
      const path = `metrics/get-history?run_id=${run}&metric_key=${key}&max_results=${pageSize}&page_token=${token}`
      const page: Page = (await call<Page>(home, path))!
      for (const { value } of page.metrics ?? []) points.set(value, (points.get(value) ?? 0) + 1)
      token = page.next_page_token
    }
  }
  type Pairs = { key: string }[]
  const found = await call<{ run: { data: { params?: Pairs; tags?: Pairs } } }>(home, `runs/get?run_id=${run}`)
  const { params = [], tags = [] } = found!.run.data
  return { points, params: new Set(params.map(({ key }) => key)), tags: new Set(tags.map(({ key }) => key)) }
}

function complaintsOf(client: Client, stored: Stored): string[] {
  const complaints = [...client.refused]
  for (const number of [...client.acknowledged, ...client.unknown]) {
    const points = stored.points.get(number) ?? 0
    const parts = [points === pointsPerBatch, stored.params.has(`batch ${number}`), stored.tags.has(`batch ${number}`)]
    const isAbsent = points === 0 && !parts[1] && !parts[2]
    const isAcknowledged = client.acknowledged.includes(number)
    if (isAcknowledged && isAbsent) complaints.push(`batch ${number} of ${client.run} is lost`)
    else if (!isAbsent && !parts.every(Boolean)) complaints.push(`batch ${number} of ${client.run} is torn: ${points}`)
  }
  return complaints
}

test('batches of metrics are whole after each kill, and those that were acknowledged are all there', async () => {
  await using home = await startCrashHome({ supervised: false })
  const random = createGenerator('metric batches')
  const made: Client[] = []
  for (let at = 0; at < clients; at++) {
    const answer = await call<{ run: { info: { run_id: string } } }>(home, 'runs/create', { experiment_id: '0' })
    made.push({ run: answer!.run.info.run_id, acknowledged: [], unknown: [], refused: [] })
  }
  let isOver = false
  const logging = made.map((client) => logUntil(home, client, () => isOver))
  for (let kill = 0; kill < kills; kill++) {
    await sleep(delayMsMin + random.integer(delayMsMax - delayMsMin))
    for (const { pid } of home.processes('server')) process.kill(pid, 'SIGKILL')
    const killedAtMs = monotonicMs()
    await waitUntilUp(`${home.url}/api/health`)
    expect(monotonicMs() - killedAtMs).toBeLessThan(30_000)
  }
  isOver = true
  await Promise.all(logging)
  const complaints = []
  for (const client of made) complaints.push(...complaintsOf(client, await readStored(home, client.run)))
  expect(complaints, home.logTail(20)).toEqual([])
  const acknowledged = made.reduce((sum, client) => sum + client.acknowledged.length, 0)
  const unknown = made.reduce((sum, client) => sum + client.unknown.length, 0)
  process.stderr.write(`${acknowledged} batches acknowledged, ${unknown} cut off by ${kills} kills\n`)
  expect(acknowledged).toBeGreaterThan(kills)
  expect(unknown).toBeGreaterThan(0)
})
