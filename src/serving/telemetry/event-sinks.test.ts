// CloudEvents of a worker: KServe's form, redaction, errors too; a sink that is slow, away or forbidden costs events, never an answer.
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { smallModel } from '../../models/testing.ts'
import { defaultOptions, type EndpointOptions } from '../endpoint-options.ts'
import type { GatewayConfig } from '../gateway-config.ts'
import { eventsBufferedMax } from '../contract/gateway-limits.ts'
import { smallConfig, startTestWorker } from '../testing.ts'

interface Received {
  readonly headers: IncomingHttpHeaders
  readonly body: unknown
}

async function startSink(statusOf: (turn: number) => number = () => 200) {
  const received: Received[] = []
  let turns = 0
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const status = statusOf(turns++)
      if (status === 0) return // Never answers.
      if (status < 300) received.push({ headers: request.headers, body: JSON.parse(Buffer.concat(chunks).toString()) })
      response.writeHead(status).end('taken')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return {
    url,
    received,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

function configWith(options: Partial<EndpointOptions>): GatewayConfig {
  const [endpoint] = smallConfig().endpoints
  return { generation: 1, endpoints: [{ ...endpoint!, options: { ...defaultOptions, ...options } }] }
}

const models = [{ bytes: smallModel() }]
const allowedAddresses = ['127.0.0.1']
const counted = (worker: { snapshot(): object }): unknown =>
  (worker.snapshot() as Record<string, unknown>)['trueloop_events_total']

test('a request and its answer are two events in KServe’s form, without what is redacted', async () => {
  await using sink = await startSink()
  const config = configWith({ eventSink: { urls: [sink.url], mode: 'all' }, redact: ['carrier'] })
  await using gateway = await startTestWorker(config, models, { allowedAddresses })
  const response = await gateway.infer([1, 2], { carrier: 'SECRET' })
  const id = response.headers.get('trueloop-prediction-id')
  await fetch(`${gateway.url}/v2/models/flights/infer`, { method: 'POST', body: '{' })
  await gateway.worker.close()
  const events = sink.received.map(({ headers, body }) => ({ type: headers['ce-type'], headers, body }))
  const own = events.filter(({ headers }) => headers['ce-id'] === id)
  expect(own.map(({ type }) => type)).toEqual([
    'org.kubeflow.serving.inference.request',
    'org.kubeflow.serving.inference.response',
  ])
  expect(own[0]!.headers).toMatchObject({
    'ce-specversion': '1.0',
    'ce-inferenceservicename': 'flights',
    'ce-component': 'predictor',
    'ce-endpoint': 'default',
    'content-type': 'application/json',
  })
  expect(own[0]!.headers['ce-time']).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/v)
  expect(own[0]!.body).toMatchObject({ inputs: [{ name: 'x', shape: [2, 1], data: [1, 2] }, { name: 'date' }] })
  expect(own[1]!.headers['ce-statuscode']).toBe('200')
  expect(own[1]!.body).toEqual(await response.json())
  const refused = events.filter(({ headers }) => headers['ce-id'] !== id)
  expect(refused.map(({ type, headers, body }) => [type, headers['ce-statuscode'], body])).toEqual([
    ['org.kubeflow.serving.inference.response', '400', { id: expect.any(String), error: 'json_invalid' }],
  ])
  expect(JSON.stringify(sink.received)).not.toContain('SECRET')
  expect(counted(gateway.worker)).toEqual({ 'endpoint="flights",outcome="sent"': 2 })
})

test('a busy sink is tried again, one that refuses is not, and one that may not be reached gets nothing', async () => {
  await using busy = await startSink((turn) => (turn < 2 ? 503 : 200))
  await using gateway = await startTestWorker(
    configWith({ eventSink: { urls: [busy.url], mode: 'response' } }),
    models,
    {
      allowedAddresses,
    },
  )
  await gateway.infer([1])
  await gateway.worker.close()
  expect(busy.received).toHaveLength(1)

  await using forbidden = await startSink()
  const config = configWith({ eventSink: { urls: [forbidden.url], mode: 'all' } })
  await using guarded = await startTestWorker(config, models)
  expect((await guarded.infer([1])).status).toBe(200)
  await guarded.worker.close()
  expect(forbidden.received).toEqual([])
  expect(counted(guarded.worker)).toEqual({ 'endpoint="flights",outcome="failed"': 1 })

  await using refusing = await startSink(() => 400)
  const other = configWith({ eventSink: { urls: [refusing.url], mode: 'all' } })
  await using asked = await startTestWorker(other, models, { allowedAddresses })
  await asked.infer([1])
  await asked.worker.close()
  expect(counted(asked.worker)).toEqual({ 'endpoint="flights",outcome="failed"': 1 })
})

test('a sink that never answers holds up nothing: the oldest events go, counted', async () => {
  await using sink = await startSink(() => 0)
  const config = configWith({ eventSink: { urls: [sink.url], mode: 'response' } })
  await using gateway = await startTestWorker(config, models, { allowedAddresses })
  const more = 300
  for (let sent = 0; sent < eventsBufferedMax + more; sent += 100) {
    const answers = await Promise.all(Array.from({ length: 100 }, () => gateway.infer([1])))
    expect(answers.every(({ status }) => status === 200)).toBe(true)
  }
  const dropped = (counted(gateway.worker) as Record<string, number>)['endpoint="flights",outcome="dropped"']!
  expect(dropped).toBeGreaterThanOrEqual(more - 4)
  expect(dropped).toBeLessThanOrEqual(more)
})
