// The gateway's route table: every route has a permission and asks for it, and nothing else answers.
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { permissions } from '../governance/access.ts'
import { smallModel } from '../models/testing.ts'
import { gatewayRoutes, matchRoute } from './gateway-routes.ts'
import { oipBody, smallConfig, startTestWorker, testCaller, testEndpoint } from './testing.ts'

const names: Readonly<Record<string, string>> = {
  endpoint: 'flights',
  version: '1',
  label: 'champion',
  verb: 'explain',
}
const filled = (pattern: string): string => pattern.replaceAll(/\{(\w+)\}/gv, (_, name: string) => names[name] ?? name)

test('every route names a permission that exists, and only health is public', () => {
  expect(gatewayRoutes.length).toBeGreaterThan(8) // An empty walk must not pass.
  for (const route of gatewayRoutes) expect(permissions).toContain(route.permission)
  expect(gatewayRoutes.flatMap((route) => (route.permission === 'public' ? [route.pattern] : []))).toEqual([
    '/ping',
    '/',
    '/v2/health/live',
    '/v2/health/ready',
    '/health',
  ])
})

test('every route refuses a caller without its permission, by every method', async () => {
  const nobody = { ...testCaller, permissions: new Set<(typeof permissions)[number]>() }
  await using gateway = await startTestWorker(smallConfig(), [{ bytes: smallModel() }], { identify: () => nobody })
  for (const route of gatewayRoutes) {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const { status } = await fetch(gateway.url + filled(route.pattern), { method })
      const isAllowed = route.permission === 'public' && (method === 'GET' || method === 'HEAD')
      expect([route.pattern, method, isAllowed ? status : status >= 400]).toEqual([
        route.pattern,
        method,
        isAllowed ? 200 : true,
      ])
    }
  }
})

test('no spelling of a path reaches a route that its plain spelling does not', () => {
  for (const path of [
    '/v2/models/flights/infer/',
    '//v2/models/flights/infer',
    '/v2/models/flights%2Finfer',
    '/v2/models/%66lights/infer',
    '/v2/models/../health/live',
    '/v2/models/flights;a=b/infer',
    '/V2/models/flights/infer',
    '/v2/models/flights/infer\\',
    '/v2/models//infer',
    '/metrics/',
    '/metricsx',
  ]) {
    expect([path, matchRoute('POST', path), matchRoute('GET', path)]).toEqual([path, undefined, undefined])
  }
  expect(matchRoute('POST', '/v2/models/flights/infer?test=1')).toMatchObject({ endpoint: 'flights' })
  expect(matchRoute('POST', '/v1/models/flights%3Apredict')).toMatchObject({ endpoint: 'flights' })
  for (const path of [
    '/v1/models/flights:predict:predict',
    '/v1/models/:predict',
    '/v1/models/flights:',
    '/v1/models/flights:Predict',
    '/v1/models/flights:predict/',
    '/v1/models/a%2Fb:predict',
    '/v1/models/flights/labels/:predict',
    '/v2/models/flights%3A/infer',
  ]) {
    expect([path, matchRoute('POST', path)]).toEqual([path, undefined])
  }
})

/** One raw exchange; answers what the server wrote until it closed. */
function exchange(url: string, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.end(text))
    socket
      .setEncoding('utf8')
      .on('data', (chunk: string) => (answer += chunk))
      .on('close', () => resolve(answer))
      .on('error', () => resolve(answer))
  })
}

test('foreign hosts and origins are refused before anything runs', async () => {
  await using gateway = await startTestWorker(smallConfig(), [{ bytes: smallModel() }])
  expect(
    await exchange(gateway.url, 'GET /v2 HTTP/1.1\r\nhost: 127.evil.example\r\nconnection: close\r\n\r\n'),
  ).toContain('"host_refused"')
  expect(await exchange(gateway.url, 'GET /v2 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')).toContain(
    '200 OK',
  )
  const headers = { origin: 'https://evil.example' }
  const response = await gateway.infer([1], { headers })
  expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([403, 'origin_refused'])
  // A host that was seen with a good request is remembered, and a foreign page on it is not let in by that.
  expect((await gateway.infer([1])).status).toBe(200)
  expect((await gateway.infer([1], { headers })).status).toBe(403)
})

test('bad bodies end in a clear error and a worker that still answers', async () => {
  await using gateway = await startTestWorker(smallConfig(), [{ bytes: smallModel() }])
  const post = async (body: string, path = '/v2/models/flights/infer'): Promise<unknown> => {
    const response = await fetch(gateway.url + path, { method: 'POST', body })
    const answer = (await response.json()) as { code: string }
    return [response.status, answer.code]
  }
  const tensor = (change: object): string => {
    const body = JSON.parse(oipBody([1])) as { inputs: object[] }
    return JSON.stringify({ inputs: [{ ...body.inputs[0], ...change }, ...body.inputs.slice(1)] })
  }
  expect(await post(`${'['.repeat(10_000)}${']'.repeat(10_000)}`)).toEqual([400, 'json_too_deep'])
  expect(await post('{"inputs": [')).toEqual([400, 'json_invalid'])
  expect(await post('')).toEqual([400, 'json_invalid'])
  expect(await post('[]')).toEqual([400, 'request_invalid'])
  expect(await post('{"inputs": [1]}')).toEqual([400, 'request_invalid'])
  expect(await post(tensor({ name: 'y' }))).toEqual([400, 'input_column_unknown'])
  expect(await post(tensor({ shape: [2] }))).toEqual([400, 'tensor_invalid'])
  expect(await post(tensor({ shape: [2 ** 53 + 1] }))).toEqual([400, 'tensor_invalid'])
  expect(await post(tensor({ shape: [1e9] }))).toEqual([413, 'rows_too_many'])
  expect(await post(tensor({ datatype: 'FP16' }))).toEqual([400, 'tensor_invalid'])
  expect(await post(tensor({ datatype: 'INT8', data: [300] }))).toEqual([400, 'tensor_invalid'])
  expect(await post(tensor({ datatype: 'BYTES', data: ['1'] }))).toEqual([400, 'input_value'])
  expect(await post(tensor({ shape: [1, 1], data: [[1]] }))).toEqual([200, undefined])
  expect(await post(tensor({ data: [[1]] }))).toEqual([400, 'tensor_invalid'])
  expect(await post(`{"inputs":[],"outputs":[{"name":"nothing"}]}`)).toEqual([400, 'output_unknown'])
  expect(await post(oipBody([1]), '/v2/models/other/infer')).toEqual([404, 'endpoint_not_served'])
  expect(await post(oipBody([1]), '/v2/models/flights/versions/9/infer')).toEqual([404, 'version_not_served'])
  expect(await post(' '.repeat(9 * 1024 * 1024))).toEqual([413, 'body_too_large'])
  expect((await gateway.infer([1])).status).toBe(200)
})

test('an endpoint that has no version yet is there, but not ready', async () => {
  await using gateway = await startTestWorker({ generation: 1, endpoints: [testEndpoint([])] }, [])
  const ask = async (path: string, body?: string): Promise<unknown> => {
    const response = await fetch(gateway.url + path, body === undefined ? {} : { method: 'POST', body })
    return [response.status, ((await response.json()) as { code?: string }).code]
  }
  for (const path of ['/v2/models/flights/infer', '/v1/models/flights:predict'])
    expect(await ask(path, oipBody([1]))).toEqual([503, 'endpoint_has_no_champion'])
  expect(await ask('/v2/models/flights')).toEqual([503, 'endpoint_has_no_champion'])
  expect(await ask('/v2/models/flights/ready')).toEqual([503, undefined])
  expect(await ask('/v2/models/flights/versions/1/ready')).toEqual([404, 'version_not_served'])
})

test('zero rows are answered with zero rows', async () => {
  await using gateway = await startTestWorker(smallConfig(), [{ bytes: smallModel() }])
  const response = await gateway.infer([])
  expect([response.status, ((await response.json()) as { outputs: unknown[] }).outputs[0]]).toEqual([
    200,
    { name: 'probabilities', shape: [0, 2], datatype: 'FP32', data: [] },
  ])
})

test('the metrics are what Prometheus reads', async () => {
  await using gateway = await startTestWorker(smallConfig(), [{ bytes: smallModel() }])
  await gateway.infer([1, 2])
  const response = await fetch(`${gateway.url}/metrics`)
  const text = await response.text()
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  const lines = text.trimEnd().split('\n')
  const sample = /^[a-z_]+(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*\})? -?[\d.e+\-]+$/v
  expect(lines.filter((line) => !line.startsWith('#') && !sample.test(line))).toEqual([])
  const families = lines.flatMap((line) => (line.startsWith('# TYPE ') ? [line.split(' ')[2]!] : []))
  expect(new Set(families).size).toBe(families.length)
  expect(text).toContain('trueloop_inference_rows_total{endpoint="flights",version="small/1",role="champion"} 2')
  expect(text).toMatch(/trueloop_inference_request_seconds_bucket\{[^\}]*le="\+Inf"\} 1\n/v)
})
