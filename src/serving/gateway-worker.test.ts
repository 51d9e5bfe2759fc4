// A worker over real HTTP with real ONNX models: answers, batches, splits, shadows, and what it reports.
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { fragileModel, regressionModel, smallModel } from '../models/testing.ts'
import type { GatewayReport, TrafficCounter } from './gateway-report.ts'
import { oipBody, smallConfig, startTestWorker, testEndpoint, testVariant } from './testing.ts'

interface OipAnswer {
  id: string
  model_version: string
  outputs: { name: string; shape: number[]; data: (number | string)[] }[]
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
const positives = async (response: Response): Promise<number[]> => {
  const { outputs } = (await response.json()) as OipAnswer
  return outputs[0]!.data.flatMap((value, at) => (at % 2 === 1 ? [Number(value)] : []))
}
const countersOf = (reports: readonly GatewayReport[]) => reports.flatMap((report) => report.counters)
/** Sums over counters, since a test may last longer than one report. */
const total = (counters: readonly TrafficCounter[], field: 'requests' | 'rows' | 'errors'): number =>
  counters.reduce((sum, counter) => sum + counter[field], 0)

/** Writes bytes to the server and reads until so many responses began. */
function exchange(url: string, request: string, responses: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(request))
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (text.split('HTTP/1.1 ').length <= responses || !text.endsWith('}')) return
      socket.destroy()
      resolve(text)
    })
    socket.on('error', reject)
  })
}
const predictionsOf = (reports: readonly GatewayReport[]) => reports.flatMap((report) => report.predictions)

test('an answer carries probabilities, labels, a prediction id, the version and its timing', async () => {
  await using gateway = await startTestWorker(smallConfig(), [{ bytes: smallModel() }])
  const response = await gateway.infer([1, -3])
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('application/json')
  expect(response.headers.get('trueloop-model-version')).toBe('small/1')
  expect(response.headers.get('server-timing')).toMatch(/^queue;dur=[\d.]+, infer;dur=[\d.]+, total;dur=[\d.]+$/v)
  const answer = (await response.json()) as OipAnswer
  expect(answer.id).toBe(response.headers.get('trueloop-prediction-id'))
  expect(answer.model_version).toBe('1')
  expect(answer.outputs.map((output) => [output.name, output.shape])).toEqual([
    ['probabilities', [2, 2]],
    ['label', [2]],
  ])
  expect(answer.outputs[0]!.data[1]).toBeCloseTo(sigmoid(1.5), 5)
  expect(answer.outputs[1]!.data).toEqual(['yes', 'no'])
})

test('what is answered in one batch is what each request is answered alone', async () => {
  await using gateway = await startTestWorker(smallConfig(), [{ bytes: smallModel() }])
  const values = Array.from({ length: 60 }, (_, at) => (at - 30) / 7)
  const together = await Promise.all(values.map(async (x) => (await positives(await gateway.infer([x])))[0]!))
  const alone: number[] = []
  for (const x of values) alone.push((await positives(await gateway.infer([x])))[0]!)
  expect(together).toEqual(alone)
  expect(await positives(await gateway.infer(values))).toEqual(alone)
})

test('a request with many more rows than one run may have is answered whole', async () => {
  await using gateway = await startTestWorker(smallConfig(), [{ bytes: smallModel() }])
  const values = Array.from({ length: 9_999 }, (_, at) => (at - 5_000) / 1_000)
  const found = await positives(await gateway.infer(values))
  expect(found).toHaveLength(9_999)
  for (const at of [0, 4_095, 4_096, 8_192, 9_998]) expect(found[at]).toBeCloseTo(sigmoid(values[at]! + 0.5), 5)
})

test('a poison request fails alone and its neighbours are answered', async () => {
  const model = { bytes: fragileModel() }
  await using gateway = await startTestWorker({ generation: 1, endpoints: [testEndpoint([testVariant(1, model)])] }, [
    model,
  ])
  const responses = await Promise.all(
    Array.from({ length: 20 }, (_, at) => gateway.infer([at], { carrier: at === 7 ? 'ZZ' : 'AA' })),
  )
  expect(responses.map((response) => response.status)).toEqual(
    Array.from({ length: 20 }, (_, at) => (at === 7 ? 500 : 200)),
  )
  expect(await responses[7]!.json()).toMatchObject({ code: 'model_failed' })
  const counters = countersOf(await gateway.reports())
  expect([total(counters, 'requests'), total(counters, 'rows'), total(counters, 'errors')]).toEqual([20, 20, 1])
})

test('a full queue refuses with 503 and Retry-After, and answers again afterwards', async () => {
  const model = { bytes: smallModel() }
  const endpoint = testEndpoint([testVariant(1, model)], { queueRowsMax: 10 })
  await using gateway = await startTestWorker({ generation: 1, endpoints: [endpoint] }, [model])
  const body = oipBody([1, 2, 3, 4, 5, 6])
  const request = `POST /v2/models/flights/infer HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  // Pipelined, so that all of them arrive in one turn of the worker's event loop.
  const answers = await exchange(gateway.url, request.repeat(3), 3)
  expect(answers.match(/HTTP\/1.1 \d+/gv)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 503', 'HTTP/1.1 503'])
  expect(answers).toContain('retry-after: 1')
  expect(answers).toContain('"code":"queue_full"')
  expect((await gateway.infer([1])).status).toBe(200)
})

test('a split is sticky by key and a ramp only adds keys', async () => {
  const [champion, canary] = [{ bytes: smallModel() }, { bytes: smallModel({ weight: 2 }) }]
  const configAt = (generation: number, weight: number) => ({
    generation,
    endpoints: [
      testEndpoint([
        testVariant(1, champion, { weight: 1 - weight }),
        testVariant(2, canary, { role: 'canary', weight }),
      ]),
    ],
  })
  await using gateway = await startTestWorker(configAt(1, 0.1), [champion, canary])
  const assigned = async (): Promise<Set<number>> => {
    const responses = await Promise.all(
      Array.from({ length: 300 }, (_, key) => gateway.infer([1], { headers: { 'trueloop-key': `user-${key}` } })),
    )
    return new Set(
      responses.flatMap((response, key) => (response.headers.get('trueloop-model-version') === 'small/2' ? [key] : [])),
    )
  }
  const first = await assigned()
  expect(await assigned()).toEqual(first)
  expect(first.size).toBeGreaterThan(10)
  expect(first.size).toBeLessThan(60)
  await gateway.worker.apply(configAt(2, 0.4))
  const second = await assigned()
  expect(second.size).toBeGreaterThan(80)
  expect(first.isSubsetOf(second)).toBe(true)
})

test('what a canary fails on the champion answers, and the error is the canary’s', async () => {
  const [champion, canary] = [{ bytes: smallModel() }, { bytes: fragileModel() }]
  const endpoint = testEndpoint([
    testVariant(1, champion, { weight: 0.5 }),
    testVariant(2, canary, { role: 'canary', weight: 0.5 }),
  ])
  await using gateway = await startTestWorker({ generation: 1, endpoints: [endpoint] }, [champion, canary])
  const responses = await Promise.all(Array.from({ length: 100 }, () => gateway.infer([1], { carrier: 'ZZ' })))
  expect(responses.every((response) => response.status === 200)).toBe(true)
  expect(responses.every((response) => response.headers.get('trueloop-model-version') === 'small/1')).toBe(true)
  const reports = await gateway.reports()
  const counters = countersOf(reports)
  const failed = counters.filter((counter) => counter.version === 'small/2')
  expect(total(failed, 'errors')).toBe(total(failed, 'requests'))
  expect(total(failed, 'errors')).toBeGreaterThan(20)
  expect(new Set(failed.map((counter) => counter.assignedWith))).toEqual(new Set([0.5]))
  const answered = counters.filter((counter) => counter.version === 'small/1')
  expect(new Set(answered.map((counter) => counter.assignedWith))).toEqual(new Set([0.5, undefined]))
  expect(total(answered, 'requests')).toBe(100)
  expect(predictionsOf(reports)).toHaveLength(100)
})

test('a quarantined version answers 503 when asked for, and its share goes to the champion', async () => {
  const [champion, canary] = [{ bytes: smallModel() }, { bytes: smallModel({ weight: 2 }) }]
  const endpoint = testEndpoint([
    testVariant(1, champion, { weight: 0.5 }),
    testVariant(2, canary, { role: 'canary', weight: 0.5, quarantined: true }),
  ])
  await using gateway = await startTestWorker({ generation: 1, endpoints: [endpoint] }, [champion, canary])
  const responses = await Promise.all(Array.from({ length: 20 }, () => gateway.infer([1])))
  expect(new Set(responses.map((response) => response.headers.get('trueloop-model-version')))).toEqual(
    new Set(['small/1']),
  )
  const pinned = await gateway.infer([1], { path: '/v2/models/flights/versions/2/infer' })
  expect(pinned.status).toBe(503)
  expect(await pinned.json()).toMatchObject({ code: 'version_quarantined' })
})

test('a shadow scores the same rows, and its failures cost nobody an answer', async () => {
  const [champion, shadow] = [{ bytes: smallModel() }, { bytes: fragileModel() }]
  const endpoint = testEndpoint([testVariant(1, champion), testVariant(2, shadow, { role: 'shadow', weight: 0 })])
  await using gateway = await startTestWorker({ generation: 1, endpoints: [endpoint] }, [champion, shadow])
  expect((await gateway.infer([1, 2])).status).toBe(200)
  expect((await gateway.infer([1], { carrier: 'ZZ' })).status).toBe(200)
  // A prediction is told of when its shadows are.
  await expect.poll(async () => predictionsOf(await gateway.reports()).length, { timeout: 60_000 }).toBe(3)
  const reports = await gateway.reports()
  const records = predictionsOf(reports)
  expect(records.map((record) => record.shadows)).toEqual([
    [{ version: 'small/2', output: records[0]!.output }],
    [{ version: 'small/2', output: records[1]!.output }],
    [{ version: 'small/2', output: null }],
  ])
  const counted = countersOf(reports).filter((counter) => counter.role === 'shadow')
  expect([total(counted, 'requests'), total(counted, 'rows'), total(counted, 'errors')]).toEqual([2, 3, 1])
  expect(new Set(counted.map(({ assignedWith }) => assignedWith))).toEqual(new Set([0]))
})

test('live values are counted into the baseline’s bins, by day of event time', async () => {
  const model = { bytes: smallModel() }
  const endpoint = testEndpoint([testVariant(1, model)], { clock: 'event' })
  await using gateway = await startTestWorker({ generation: 1, endpoints: [endpoint] }, [model])
  await gateway.infer([-1.5, 0.5, 9, 0.5], { headers: { 'trueloop-event-time': '2001-02-03T04:05:06Z' } })
  await gateway.infer([0.5], { headers: { 'trueloop-event-time': String(Date.UTC(2001, 1, 4)) }, carrier: '' })
  const reports = await gateway.reports()
  const counters = countersOf(reports).toSorted((a, b) => a.dayMs - b.dayMs)
  expect(counters.map((counter) => new Date(counter.dayMs).toISOString().slice(0, 10))).toEqual([
    '2001-02-03',
    '2001-02-04',
  ])
  expect(counters[0]!.features).toEqual([
    [0, 0, 1, 0, 2, 0, 1],
    [0, 4, 0, 0],
    [0, 0, 0, 4, 0, 0, 0],
  ])
  expect(counters[0]!.prediction.reduce((sum, rows) => sum + rows, 0)).toBe(4)
  expect(counters[1]!.features[1]).toEqual([1, 0, 0, 0])
  expect(reports.at(-1)!.eventTimes).toEqual({ flights: Date.UTC(2001, 1, 4) })
  expect(predictionsOf(reports)[0]!.id).toMatch(/^prd_[\da-z]+\.0$/v)
})

test('an event time is refused on the wall clock, from the future, and when it is none', async () => {
  const model = { bytes: smallModel() }
  const wall = testEndpoint([testVariant(1, model)])
  const event = testEndpoint([testVariant(1, model)], { name: 'past', clock: 'event' })
  await using gateway = await startTestWorker({ generation: 1, endpoints: [wall, event] }, [model])
  const ask = async (path: string, time: string): Promise<unknown> =>
    (await gateway.infer([1], { path, headers: { 'trueloop-event-time': time } })).json()
  expect(await ask('/v2/models/flights/infer', '2001-01-01')).toMatchObject({ code: 'event_time_refused' })
  expect(await ask('/v2/models/past/infer', '2999-01-01')).toMatchObject({ code: 'event_time_invalid' })
  expect(await ask('/v2/models/past/infer', 'yesterday')).toMatchObject({ code: 'event_time_invalid' })
})

test('a new configuration under load fails no request', async () => {
  const [first, second] = [{ bytes: smallModel() }, { bytes: smallModel({ weight: 2 }) }]
  const configOf = (generation: number, version: number, model: typeof first) => ({
    generation,
    endpoints: [testEndpoint([testVariant(version, model)])],
  })
  await using gateway = await startTestWorker(configOf(1, 1, first), [first, second])
  let isDone = false
  const statuses: number[] = []
  const load = Promise.all(
    Array.from({ length: 8 }, async () => {
      while (!isDone) {
        const response = await gateway.infer([1])
        await response.arrayBuffer()
        statuses.push(response.status)
      }
    }),
  )
  for (let swap = 1; swap <= 10; swap++) {
    await new Promise((resolve) => setTimeout(resolve, 30))
    await gateway.worker.apply(configOf(swap + 1, 1 + (swap % 2), swap % 2 ? second : first))
  }
  await expect.poll(() => statuses.length, { timeout: 60_000 }).toBeGreaterThan(100)
  isDone = true
  await load
  expect(statuses.filter((status) => status !== 200)).toEqual([])
})

test('a request that comes while its endpoint is being loaded waits for it', async () => {
  const model = { bytes: smallModel() }
  const [known, bare] = [testEndpoint([testVariant(1, model)]), testEndpoint([], { name: 'bare' })]
  await using gateway = await startTestWorker({ generation: 1, endpoints: [known, bare] }, [model])
  const ask = async (name: string): Promise<number> =>
    (await gateway.infer([1], { path: `/v2/models/${name}/infer` })).status
  expect([await ask('fresh'), await ask('bare')]).toEqual([404, 503])
  const full = ['fresh', 'bare'].map((name) => testEndpoint([testVariant(2, model)], { name }))
  let isApplied = false
  const applied = gateway.worker.apply({ generation: 2, endpoints: [known, ...full] }).then(() => (isApplied = true))
  const asked = [ask('fresh'), ask('bare'), ask('nobody')]
  expect(isApplied).toBe(false)
  expect(await Promise.all(asked)).toEqual([200, 200, 404])
  await applied
})

test('a worker that leaves does not say of an endpoint that it does not know that there is none', async () => {
  const model = { bytes: smallModel() }
  const endpoint = testEndpoint([testVariant(1, model)])
  await using gateway = await startTestWorker({ generation: 1, endpoints: [endpoint] }, [model])
  gateway.worker.announceLeaving()
  expect((await gateway.infer([1])).status).toBe(200)
  const response = await gateway.infer([1], { path: '/v2/models/fresh/infer' })
  expect([response.status, response.headers.get('retry-after'), response.headers.get('connection')]).toEqual([
    503,
    '1',
    'close',
  ])
  expect(await response.json()).toMatchObject({ code: 'worker_leaving' })
})

test('a model whose bytes are broken is told, and leaves the others alone', async () => {
  const [good, bad] = [{ bytes: smallModel() }, { bytes: new Uint8Array(Buffer.from('no model')) }]
  const endpoints = [testEndpoint([testVariant(1, good)]), testEndpoint([testVariant(2, bad)], { name: 'broken' })]
  await using gateway = await startTestWorker({ generation: 1, endpoints: [endpoints[0]!] }, [good, bad])
  const { failures } = await gateway.worker.apply({ generation: 2, endpoints })
  expect(failures).toMatchObject([{ version: 'small/2' }])
  expect((await gateway.infer([1])).status).toBe(200)
  const response = await gateway.infer([1], { path: '/v2/models/broken/infer' })
  expect(response.status).toBe(503)
  const reason = /does not answer: it could not be loaded: the file is no whole ONNX model/v
  expect(await response.json()).toEqual({ code: 'version_not_loaded', error: expect.stringMatching(reason) as string })
})

test('MLflow’s four ways to write a table get the same predictions', async () => {
  const model = regressionModel()
  const endpoint = testEndpoint([testVariant(1, model)], { name: 'price' })
  await using gateway = await startTestWorker({ generation: 1, endpoints: [endpoint] }, [model])
  const invoke = async (body: unknown): Promise<unknown> => {
    const response = await fetch(`${gateway.url}/endpoints/price/invocations`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    })
    return response.json()
  }
  for (const body of [
    { dataframe_split: { columns: ['x'], data: [[1], [2]] } },
    { dataframe_records: [{ x: 1 }, { x: 2 }] },
    { instances: [[1], [2]] },
    { instances: [{ x: 1 }, { x: 2 }] },
    { inputs: { x: [1, 2] } },
  ]) {
    expect(await invoke(body)).toEqual({ predictions: [3, 5] })
  }
  expect(await invoke({ dataframe_split: [] })).toMatchObject({ error_code: 'BAD_REQUEST' })
})
