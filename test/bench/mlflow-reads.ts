// What clients read: searches of many runs, a whole long series and what a chart wants of it, a large file up and down.
import { once } from 'node:events'
import { request } from 'node:http'
import { z } from 'zod'
import { median } from './bench.ts'
import { call, createRun, ownConnection, residentBytes, type Contender } from './mlflow-contenders.ts'

export interface Search {
  readonly title: string
  readonly body: Readonly<Record<string, unknown>>
}

export const searches: readonly Search[] = [
  {
    title: 'a metric and a param, ordered by a metric',
    body: { filter: "metrics.m0 > 0.5 and params.p0 = 'v3'", order_by: ['metrics.m1 DESC'] },
  },
  { title: 'two metrics', body: { filter: 'metrics.m0 > 0.9 and metrics.m1 < 0.1' } },
  { title: 'a text within a tag', body: { filter: "tags.note LIKE '%77%'" } },
  { title: 'newest first', body: { order_by: ['attributes.start_time DESC'] } },
  { title: 'a tag', body: { filter: "tags.team = 'team-3'" } },
]
const pageSize = 100

export interface SearchTimes {
  readonly ms: readonly number[]
  /** Runs that the first page has. */
  readonly runs: readonly string[]
  readonly peakBytes: number
}

/** The same search again and again. */
export async function timeSearch(
  { server, experiments }: Contender,
  { body }: Search,
  times: number,
): Promise<SearchTimes> {
  const answer = z.object({ runs: z.array(z.object({ info: z.object({ run_id: z.string() }) })).default([]) })
  const ms: number[] = []
  let runs: readonly string[] = []
  let peakBytes = 0
  for (let round = 0; round < times; round++) {
    const start = performance.now()
    const found = await call(server, 'runs/search', { experiment_ids: experiments, max_results: pageSize, ...body })
    ms.push(performance.now() - start)
    runs = answer.parse(found).runs.map(({ info }) => info.run_id)
    peakBytes = Math.max(peakBytes, residentBytes(server))
  }
  return { ms, runs, peakBytes }
}

export const p95 = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.95) - 1]!

const HistoryPage = z.object({ metrics: z.array(z.unknown()).default([]), next_page_token: z.string().optional() })

/** Every point, by the pages that MLflow's client asks for. Milliseconds. @throws Error when the number of points is another */
export async function timeHistory({ server, series }: Contender, points: number): Promise<number> {
  const start = performance.now()
  let count = 0
  let token: string | undefined
  do {
    const query = new URLSearchParams({ run_id: series!, metric_key: 'curve', max_results: '25000' })
    if (token) query.set('page_token', token)
    const response = await fetch(`${server.url}/api/2.0/mlflow/metrics/get-history?${query.toString()}`, {
      headers: ownConnection,
    })
    const page = HistoryPage.parse(await response.json())
    count += page.metrics.length
    token = page.next_page_token
  } while (token)
  if (count !== points) throw new Error(`the history has ${count} points, not ${points}`)
  return performance.now() - start
}

/** What the console asks for to draw a curve. Milliseconds, of the median of some. */
export async function timeChart({ server, series }: Contender, times: number): Promise<number> {
  const query = new URLSearchParams({ run_ids: series!, metric_key: 'curve', max_results: '320' })
  const ms: number[] = []
  for (let round = 0; round < times; round++) {
    const start = performance.now()
    const path = '/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval'
    const response = await fetch(`${server.url}${path}?${query.toString()}`, { headers: ownConnection })
    const { metrics } = HistoryPage.parse(await response.json())
    if (metrics.length < 100) throw new Error(`a chart has ${metrics.length} points`)
    ms.push(performance.now() - start)
  }
  return median(ms)
}

const chunk = Buffer.alloc(1024 * 1024, 7)

export interface Transfer {
  /** Megabytes a second. */
  readonly up: number
  readonly down: number
}

/** A file of so many megabytes, through the artifact proxy, each way. */
export async function timeArtifact({ server, experiment }: Contender, megabytes: number): Promise<Transfer> {
  const run = await createRun(server, experiment)
  const url = `${server.url}/api/2.0/mlflow-artifacts/artifacts/${experiment}/${run}/artifacts/large.bin`
  const start = performance.now()
  await upload(url, megabytes)
  const uploaded = performance.now()
  const response = await fetch(url, { headers: ownConnection })
  let bytes = 0
  for await (const part of response.body!) bytes += (part as Uint8Array).byteLength
  if (bytes !== megabytes * chunk.byteLength) throw new Error(`${bytes} bytes came back`)
  const perSecond = (ms: number): number => (megabytes * 1000) / ms
  return { up: perSecond(uploaded - start), down: perSecond(performance.now() - uploaded) }
}

async function upload(url: string, megabytes: number): Promise<void> {
  const length = String(megabytes * chunk.byteLength)
  const headers = { 'content-type': 'application/octet-stream', 'content-length': length }
  const outgoing = request(url, { method: 'PUT', headers, agent: false })
  const answered = new Promise<number>((resolve, reject) => {
    outgoing.once('error', reject)
    outgoing.once('response', (answer) => {
      answer.resume()
      answer.once('end', () => resolve(answer.statusCode!))
    })
  })
  for (let at = 0; at < megabytes; at++) if (!outgoing.write(chunk)) await once(outgoing, 'drain')
  outgoing.end()
  const status = await answered
  if (status !== 200) throw new Error(`the upload was answered with ${status}`)
}
