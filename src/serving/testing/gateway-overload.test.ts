// A worker over real HTTP that is asked too much: big models beside small ones, deadlines, callers' limits, remembered answers.
import { expect, test } from 'vitest'
import { smallModel } from '../../models/testing.ts'
import { defaultOptions, type EndpointOptions } from '../endpoint-options.ts'
import { smallConfig, startTestWorker, testEndpoint, testVariant, smallBaseline, type TestModel } from '../testing.ts'
import { slowModel } from './models.ts'

/** About the side of the matrices that the slow model multiplies: a hundred milliseconds or so. */
const slowX = 400

/** `x` in the training data decides what warming measures. */
function slowEndpointOf(trainedX: number): { model: TestModel; endpoint: ReturnType<typeof testEndpoint> } {
  const { bytes, signature } = slowModel()
  const bins = { kind: 'numeric' as const, edges: [trainedX, trainedX + 1, trainedX + 2] }
  const features = [{ name: 'x', derive: 'value' as const, bins, counts: [0, 0, 50, 50, 0] }]
  const model = { bytes, signature, baseline: { ...smallBaseline, features } }
  return { model, endpoint: testEndpoint([testVariant(9, model)], { name: 'slow' }) }
}

const slowBody = (x: number, parameters = {}): string =>
  JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP64', shape: [1], data: [x] }], parameters })

const askSlow = (url: string, x = slowX, parameters = {}): Promise<Response> =>
  fetch(`${url}/v2/models/slow/infer`, { method: 'POST', body: slowBody(x, parameters) })

const withOptions = (options: Partial<EndpointOptions>) => ({ ...defaultOptions, ...options })

test('while a big model runs, a small one goes on answering, and both answer right', async () => {
  const { model, endpoint } = slowEndpointOf(slowX)
  const small = { bytes: smallModel() }
  const endpoints = [...smallConfig().endpoints, endpoint]
  await using gateway = await startTestWorker({ generation: 1, endpoints }, [small, model])
  const expected = await (await gateway.infer([1])).json()
  let slowAnswers = 0
  const isDone = { value: false }
  const load = Promise.all(
    Array.from({ length: 3 }, async () => {
      while (!isDone.value) {
        const response = await askSlow(gateway.url)
        expect(response.status).toBe(200)
        const { outputs } = (await response.json()) as { outputs: { data: number[] }[] }
        expect(outputs[0]!.data[0]).toBeCloseTo(slowX, 0)
        slowAnswers++
      }
    }),
  )
  /** Small answers between one slow answer and the next. */
  const between: number[] = []
  for (let seen = slowAnswers; between.length < 8;) {
    let answers = 0
    while (slowAnswers === seen) {
      const response = await gateway.infer([1])
      expect(response.status).toBe(200)
      expect(await response.json()).toMatchObject({ outputs: (expected as { outputs: unknown }).outputs })
      answers++
    }
    seen = slowAnswers
    between.push(answers)
  }
  isDone.value = true
  await load
  // In one process there would be one at most: what came during the run.
  const median = between.toSorted((a, b) => a - b)[between.length / 2]!
  expect(median, `between two slow answers: ${between.join(', ')}`).toBeGreaterThan(4)
  expect(gateway.worker.snapshot().trueloop_compute_copied_bytes_total?.['']).toBeGreaterThan(0)
})

test('a version that turns out slow on live rows is moved out of the way', async () => {
  const { model, endpoint } = slowEndpointOf(1)
  await using gateway = await startTestWorker({ generation: 1, endpoints: [endpoint] }, [model])
  expect((await askSlow(gateway.url, 1)).status).toBe(200)
  const copied = (): unknown => gateway.worker.snapshot().trueloop_compute_copied_bytes_total?.['']
  expect(copied()).toBeUndefined()
  for (let asked = 0; copied() === undefined && asked < 200; asked++)
    expect((await askSlow(gateway.url)).status).toBe(200)
  expect(copied()).toBeGreaterThan(0)
})

test('what cannot be answered in its time is refused at once or when the time is over, and counted', async () => {
  const { model, endpoint } = slowEndpointOf(slowX)
  const limited = { ...endpoint, options: withOptions({ timeoutMs: 60_000 }) }
  await using gateway = await startTestWorker({ generation: 1, endpoints: [limited] }, [model])
  const timeout = 40_000
  const all = await Promise.all(
    Array.from({ length: 12 }, (_, at) => askSlow(gateway.url, slowX, at % 2 === 0 ? { timeout } : {})),
  )
  const codes = await Promise.all(
    all.map(async (response) => (response.ok ? 'answered' : ((await response.json()) as { code: string }).code)),
  )
  expect(codes.filter((_, at) => at % 2 === 1)).toEqual(Array.from({ length: 6 }, () => 'answered'))
  const refused = codes.filter((code) => code !== 'answered')
  expect(refused.length).toBeGreaterThan(0)
  expect(new Set([...refused, 'deadline_passed', 'deadline_unreachable']).size).toBe(2)
  for (const [at, response] of all.entries()) {
    if (codes[at] === 'deadline_unreachable') expect(response.headers.get('retry-after')).toBe('1')
    expect(response.status).toBe(
      { answered: 200, deadline_passed: 504, deadline_unreachable: 503 }[codes[at]!] ?? codes[at],
    )
  }
  const counted = Object.values(gateway.worker.snapshot().trueloop_inference_refusals_total ?? {}) as number[]
  expect(counted.reduce((sum, count) => sum + count, 0)).toBe(refused.length)
})

test('a caller that asks too often is told when to come back', async () => {
  const model = { bytes: smallModel() }
  const options = withOptions({ rateLimit: { requestsPerSecond: 0.01, burst: 3 } })
  const endpoints = [testEndpoint([testVariant(1, model)], { options })]
  await using gateway = await startTestWorker({ generation: 1, endpoints }, [model])
  const statuses: number[] = []
  for (let asked = 0; asked < 5; asked++) statuses.push((await gateway.infer([1])).status)
  expect(statuses).toEqual([200, 200, 200, 429, 429])
  const response = await gateway.infer([1])
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(50)
  expect(await response.json()).toMatchObject({ code: 'rate_limited' })
  // A configuration that does not change the limit does not let everybody begin anew; one that does, does.
  await gateway.worker.apply({ generation: 2, endpoints })
  expect((await gateway.infer([1])).status).toBe(429)
  await gateway.worker.apply({ generation: 3, endpoints: [{ ...endpoints[0]!, options: defaultOptions }] })
  expect((await gateway.infer([1])).status).toBe(200)
})

test('remembered answers are logged as predictions of their own, counted, scored by shadows, and never another version’s', async () => {
  const [first, second] = [{ bytes: smallModel() }, { bytes: smallModel({ weight: 2 }) }]
  const options = withOptions({ cache: { entries: 100, ttlMs: 60_000 } })
  const shadow = testVariant(2, second, { role: 'shadow', weight: 0 })
  const config = (champion: number, model: TestModel, variants = [testVariant(champion, model)]) => ({
    generation: champion,
    endpoints: [testEndpoint(variants, { options })],
  })
  await using gateway = await startTestWorker(config(1, first, [testVariant(1, first), shadow]), [first, second])
  const dataOf = async (response: Response): Promise<unknown> =>
    ((await response.json()) as { outputs: unknown }).outputs
  const fresh = await dataOf(await gateway.infer([1, 2]))
  const again = await gateway.infer([1, 2])
  expect(again.headers.get('trueloop-prediction-id')).toMatch(/^prd_/v)
  expect(await dataOf(again)).toEqual(fresh)
  expect(gateway.worker.snapshot().trueloop_inference_cache_total).toEqual({
    'endpoint="flights",found="false"': 1,
    'endpoint="flights",found="true"': 1,
  })
  expect(await dataOf(await gateway.infer([2, 1]))).not.toEqual(fresh)
  const logged = async () => (await gateway.reports()).flatMap((report) => report.predictions)
  await expect.poll(async () => (await logged()).length, { timeout: 60_000 }).toBe(6)
  const predictions = await logged()
  expect(new Set(predictions.map(({ id }) => id)).size).toBe(6)
  expect(predictions.every(({ shadows }) => shadows[0]?.output !== null && shadows.length === 1)).toBe(true)
  expect(predictions.slice(2, 4).map(({ output }) => output)).toEqual(
    predictions.slice(0, 2).map(({ output }) => output),
  )
  const { trueloop_inference_requests_total: counted } = gateway.worker.snapshot()
  expect(counted?.['endpoint="flights",version="small/1",role="champion",outcome="answered"']).toBe(3)
  await gateway.worker.apply(config(2, second))
  expect(await dataOf(await gateway.infer([1, 2]))).not.toEqual(fresh)
})
