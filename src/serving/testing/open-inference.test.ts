// Open Inference Protocol with Triton's extensions over real HTTP: raw tensors, compression, classification, repository, configuration, statistics.
import { deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib'
import { request as httpRequest } from 'node:http'
import { expect, test } from 'vitest'
import { regressionModel, smallModel } from '../../models/testing.ts'
import { oipBody, smallConfig, startTestWorker, testEndpoint, testVariant, type TestWorker } from '../testing.ts'

type Json = Record<string, unknown>

const post = (gateway: TestWorker, path: string, how: Pick<RequestInit, 'body' | 'headers'> = {}) =>
  fetch(gateway.url + path, { method: 'POST', ...how })
const inferPath = '/v2/models/flights/infer'

/** Three rows as raw tensors, with what else the request says. */
function rawBody(more: Json = {}): { body: Buffer<ArrayBuffer>; headers: Record<string, string> } {
  const x = Buffer.from(Float64Array.of(1, -3, Number.NaN).buffer)
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value)
    const length = Buffer.alloc(4)
    length.writeUInt32LE(bytes.length)
    return Buffer.concat([length, bytes])
  }
  const carrier = Buffer.concat(['AA', 'BB', 'Zürich'].map(text))
  const json = Buffer.from(
    JSON.stringify({
      inputs: [
        { name: 'x', datatype: 'FP64', shape: [3, 1], parameters: { binary_data_size: x.length } },
        { name: 'carrier', datatype: 'BYTES', shape: [3], parameters: { binary_data_size: carrier.length } },
        { name: 'date', datatype: 'INT64', shape: [3], data: [981_000_000_000, null, 0] },
      ],
      ...more,
    }),
  )
  const headers = { 'inference-header-content-length': String(json.length) }
  return { body: Buffer.concat([json, x, carrier]), headers }
}

const jsonBody = JSON.stringify({
  inputs: [
    { name: 'x', datatype: 'FP64', shape: [3], data: [1, -3, null] },
    { name: 'carrier', datatype: 'BYTES', shape: [3], data: ['AA', 'BB', 'Zürich'] },
    { name: 'date', datatype: 'INT64', shape: [3], data: [981_000_000_000, null, 0] },
  ],
})

test('raw tensors get the answer that JSON gets, in the form that was asked for', async () => {
  const model = regressionModel()
  await using gateway = await startTestWorker(smallConfig(), [{ bytes: smallModel() }, model])
  const x = [1, -3]
  const plain = (await (await gateway.infer(x)).json()) as { outputs: { data: unknown[] }[] }
  const body = JSON.parse(oipBody(x)) as Json
  const asked = { ...body, parameters: { binary_data_output: true } }
  const response = await post(gateway, inferPath, { body: JSON.stringify(asked) })
  expect(response.headers.get('content-type')).toBe('application/octet-stream')
  const bytes = Buffer.from(await response.arrayBuffer())
  const length = Number(response.headers.get('inference-header-content-length'))
  const head = JSON.parse(bytes.toString('utf8', 0, length)) as { outputs: Json[] }
  expect(head.outputs).toEqual([
    { name: 'probabilities', shape: [2, 2], datatype: 'FP32', parameters: { binary_data_size: 16 } },
    { name: 'label', shape: [2], datatype: 'BYTES', parameters: { binary_data_size: 13 } },
  ])
  const raw = bytes.subarray(length)
  expect(raw.length).toBe(29)
  expect(Array.from(new Float32Array(new Uint8Array(raw.subarray(0, 16)).buffer))).toEqual(plain.outputs[0]!.data)
})

test('tensors as raw bytes and in JSON may be mixed both ways', async () => {
  await using gateway = await startTestWorker(smallConfig(), [{ bytes: smallModel() }])
  const inOne = rawBody({ outputs: [{ name: 'label' }] })
  // A missing number would be no answer: the model hands it on.
  const failed = await post(gateway, inferPath, inOne)
  expect([failed.status, ((await failed.json()) as Json)['code']]).toEqual([500, 'model_failed'])
  const whole = inOne.body
  whole.writeDoubleLE(2, Number(inOne.headers['inference-header-content-length']) + 16)
  const answer = (await (await post(gateway, inferPath, inOne)).json()) as Json
  expect(answer['outputs']).toEqual([{ name: 'label', shape: [3], datatype: 'BYTES', data: ['yes', 'no', 'yes'] }])
  const same = (await (
    await post(gateway, inferPath, { body: jsonBody.replace('[1,-3,null]', '[1,-3,2]') })
  ).json()) as {
    outputs: Json[]
  }
  expect(same.outputs[1]).toEqual((answer['outputs'] as Json[])[0])
})

test('a body of raw bytes alone is the one input’s rows', async () => {
  const model = regressionModel()
  const config = { generation: 1, endpoints: [testEndpoint([testVariant(1, model)])] }
  await using gateway = await startTestWorker(config, [model])
  const values = new Uint8Array(Float64Array.of(1, 2).buffer)
  const response = await post(gateway, inferPath, { body: values, headers: { 'inference-header-content-length': '0' } })
  const bytes = Buffer.from(await response.arrayBuffer())
  const length = Number(response.headers.get('inference-header-content-length'))
  expect(Array.from(new Float32Array(new Uint8Array(bytes.subarray(length)).buffer))).toEqual([3, 5])
})

test('classes are told as text, the likeliest first', async () => {
  await using gateway = await startTestWorker(smallConfig(), [{ bytes: smallModel() }])
  const outputs = [{ name: 'probabilities', parameters: { classification: 1 } }]
  const body = JSON.stringify({ ...(JSON.parse(oipBody([1, -3])) as Json), outputs })
  const answer = (await (await post(gateway, inferPath, { body })).json()) as { outputs: { data: string[] }[] }
  expect(answer.outputs[0]!.data.map((text) => text.replace(/^[\d.]+/v, ''))).toEqual([':1:yes', ':0:no'])
})

/** As bytes: fetch would unpack it. */
function exchange(gateway: TestWorker, headers: Record<string, string>, body: Uint8Array) {
  return new Promise<{ status: number; encoding: string | undefined; body: Buffer }>((resolve, reject) => {
    const sent = httpRequest(gateway.url + inferPath, { method: 'POST', headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const encoding = response.headers['content-encoding']
        resolve({ status: response.statusCode ?? 0, encoding, body: Buffer.concat(chunks) })
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

test('bodies come packed and answers go packed where that is asked for and worth it', async () => {
  await using gateway = await startTestWorker(smallConfig(), [{ bytes: smallModel() }])
  const rows = Array.from({ length: 300 }, (_, at) => at / 100)
  const body = Buffer.from(oipBody(rows))
  const plain = await exchange(gateway, {}, body)
  const dataOf = (text: Buffer): unknown => (JSON.parse(text.toString()) as Json)['outputs']
  for (const [encoding, packed, unpack] of [
    ['gzip', gzipSync(body), gunzipSync],
    ['deflate', deflateSync(body), inflateSync],
  ] as const) {
    const headers = { 'content-encoding': encoding, 'accept-encoding': encoding }
    const found = await exchange(gateway, headers, packed)
    expect([found.status, found.encoding]).toEqual([200, encoding])
    expect(found.body.length).toBeLessThan(plain.body.length / 2)
    expect(dataOf(unpack(found.body))).toEqual(dataOf(plain.body))
  }
  const small = await exchange(gateway, { 'accept-encoding': 'gzip' }, Buffer.from(oipBody([1])))
  expect(small.encoding).toBeUndefined()
  const unwanted = await exchange(gateway, { 'accept-encoding': 'gzip;q=0, identity' }, body)
  expect(unwanted.encoding).toBeUndefined()
})

test('a bomb, a broken stream and an unknown encoding are refused, and the worker goes on', async () => {
  await using gateway = await startTestWorker(smallConfig(), [{ bytes: smallModel() }])
  const bomb = gzipSync(Buffer.alloc(256 * 1024 * 1024), { level: 9 })
  expect(bomb.length).toBeLessThan(1024 * 1024)
  const before = process.memoryUsage().rss
  const codes: unknown[] = []
  for (const [encoding, body] of [
    ['gzip', bomb],
    ['deflate', Buffer.from('no zlib at all')],
    ['br', Buffer.from('x')],
    ['gzip, gzip', gzipSync('x')],
    ['constructor', Buffer.from('x')],
  ] as const) {
    const found = await exchange(gateway, { 'content-encoding': encoding }, body)
    codes.push([found.status, (JSON.parse(found.body.toString()) as Json)['code']])
  }
  expect(codes).toEqual([
    [413, 'body_too_large'],
    [400, 'request_invalid'],
    [415, 'media_type_unsupported'],
    [415, 'media_type_unsupported'],
    [415, 'media_type_unsupported'],
  ])
  expect(process.memoryUsage().rss - before).toBeLessThan(128 * 1024 * 1024)
  expect((await gateway.infer([1])).status).toBe(200)
})

test('metadata, configuration and the extensions are told', async () => {
  await using gateway = await startTestWorker(smallConfig(), [{ bytes: smallModel() }])
  const get = async (path: string): Promise<Json> => (await (await fetch(gateway.url + path)).json()) as Json
  expect((await get('/v2'))['extensions']).toContain('binary_tensor_data')
  expect(await get('/v2/models/flights')).toMatchObject({
    outputs: [
      { name: 'probabilities', datatype: 'FP32', shape: [-1, 2] },
      { name: 'label', datatype: 'BYTES', shape: [-1] },
    ],
  })
  expect(await get('/v2/models/flights/versions/1/config')).toMatchObject({
    name: 'flights',
    max_batch_size: 10_000,
    input: [
      { name: 'x', data_type: 'TYPE_FP64', dims: [1] },
      { name: 'carrier', data_type: 'TYPE_STRING', dims: [1] },
      { name: 'date', data_type: 'TYPE_STRING', dims: [1] },
    ],
  })
  for (const path of ['/v2/logging', '/v2/trace/setting', '/v2/systemsharedmemory/region/a/status']) {
    const response = await fetch(gateway.url + path)
    expect([response.status, ((await response.json()) as Json)['code']]).toEqual([501, 'extension_unsupported'])
  }
})

interface Statistics {
  name: string
  version: string
  inference_count: number
  execution_count: number
  inference_stats: Record<string, { count: number; ns: number }>
  batch_stats: { batch_size: number; compute_infer: { count: number } }[]
}

test('statistics count requests, rows and runs', async () => {
  await using gateway = await startTestWorker(smallConfig(), [{ bytes: smallModel() }])
  const ask = async (path: string): Promise<Statistics[]> =>
    ((await (await fetch(gateway.url + path)).json()) as { model_stats: Statistics[] }).model_stats
  expect((await ask('/v2/models/stats'))[0]).toMatchObject({ inference_count: 0, execution_count: 0, batch_stats: [] })
  await gateway.infer([1, 2, 3])
  await gateway.infer([1])
  await Promise.all(Array.from({ length: 20 }, () => gateway.infer([1])))
  expect((await gateway.infer([Number.NaN])).status).toBe(500)
  const [found] = await ask('/v2/models/flights/versions/1/stats')
  expect(found).toMatchObject({ name: 'flights', version: '1', inference_count: 24 })
  expect(found!.inference_stats['success']!.count).toBe(22)
  expect(found!.inference_stats['fail']!.count).toBe(1)
  expect(found!.inference_stats['success']!.ns).toBeGreaterThan(found!.inference_stats['compute_infer']!.ns)
  const runs = found!.batch_stats.reduce((sum, { compute_infer: { count } }) => sum + count, 0)
  expect(found!.execution_count).toBe(runs)
  expect(found!.execution_count).toBeLessThanOrEqual(22)
  const rows = found!.batch_stats.reduce((sum, { batch_size: size, compute_infer: { count } }) => sum + size * count, 0)
  expect(rows).toBe(24)
  expect((await fetch(`${gateway.url}/v2/models/other/stats`)).status).toBe(404)
})

test('an endpoint is unloaded and loaded again, and the index tells of it', async () => {
  const model = { bytes: smallModel() }
  const endpoints = [testEndpoint([testVariant(1, model)]), testEndpoint([], { name: 'empty' })]
  await using gateway = await startTestWorker({ generation: 1, endpoints }, [model])
  const index = async (body: string | null = null): Promise<unknown> =>
    (await post(gateway, '/v2/repository/index', { body })).json()
  const ready = { name: 'flights', version: '1', state: 'READY', reason: '' }
  const empty = { name: 'empty', version: '', state: 'UNAVAILABLE', reason: 'it has no version' }
  expect(await index()).toEqual([ready, empty])
  expect(await index('{"ready": true}')).toEqual([ready])
  const unloaded = await post(gateway, '/v2/repository/models/flights/unload', {
    body: '{"parameters":{"unload_dependents":false}}',
  })
  expect([unloaded.status, await unloaded.text()]).toEqual([200, ''])
  expect((await index()) as Json[]).toMatchObject([{ name: 'flights', state: 'UNAVAILABLE' }, empty])
  expect((await fetch(`${gateway.url}/v2/models/flights/ready`)).status).toBe(503)
  const refused = await gateway.infer([1])
  expect([refused.status, await refused.json()]).toMatchObject([503, { code: 'endpoint_stopped' }])
  // A new configuration does not bring it back.
  await gateway.worker.apply({ generation: 2, endpoints })
  expect((await gateway.infer([1])).status).toBe(503)
  expect((await post(gateway, '/v2/repository/models/flights/load')).status).toBe(200)
  expect((await gateway.infer([1])).status).toBe(200)
  expect((await post(gateway, '/v2/repository/models/flights/load')).status).toBe(200)
  for (const [path, body, status, text] of [
    ['/v2/repository/models/nobody/load', null, 404, 'failed to load "nobody"'],
    ['/v2/repository/models/empty/load', null, 503, 'failed to load "empty": it has no version'],
    ['/v2/repository/models/flights/load', '{"parameters":{"config":"{}"}}', 501, 'failed to load'],
    ['/v2/repository/models/flights/load', '{"parameters":{"file:1/model.onnx":"AA=="}}', 501, 'failed to load'],
    ['/v2/repository/models/flights/load', '[]', 400, 'must be an object'],
    ['/v2/repository/index', '{"ready":1}', 400, 'true or false'],
  ] as const) {
    const response = await post(gateway, path, { body })
    expect([response.status, ((await response.json()) as { error: string }).error]).toEqual([
      status,
      expect.stringContaining(text),
    ])
  }
  expect((await gateway.infer([1])).status).toBe(200)
})
