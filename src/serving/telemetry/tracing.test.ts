// Traces of a worker's requests: joined to the caller's, sampled as it says, and sent to a collector as OpenTelemetry's protocol wants it.
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { randomFillSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { systemClock } from '../../platform/clock.ts'
import { decodeOtlp } from '../../tracing/otlp.ts'
import { smallModel } from '../../models/testing.ts'
import { smallConfig, startTestWorker } from '../testing.ts'
import { createRequestTracer } from './request-tracer.ts'
import type { Span } from './span.ts'
import { parseTraceparent } from './traceparent.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const parent = 'b7ad6b7169203331'

interface Collector extends AsyncDisposable {
  readonly url: URL
  readonly bodies: { readonly body: Buffer; readonly headers: Readonly<Record<string, unknown>> }[]
  status: number
}

async function startCollector(): Promise<Collector> {
  const bodies: Collector['bodies'] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      bodies.push({ body: Buffer.concat(chunks), headers: request.headers })
      response.writeHead(collector.status).end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const collector: Collector = {
    url: new URL(`http://127.0.0.1:${port}/v1/traces`),
    bodies,
    status: 200,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
  return collector
}

test('a traceparent is read as the specification says', () => {
  expect(parseTraceparent(`00-${traceId}-${parent}-01`)).toEqual({ traceId, spanId: parent, isSampled: true })
  expect(parseTraceparent(`00-${traceId}-${parent}-00`)).toMatchObject({ isSampled: false })
  expect(parseTraceparent(`01-${traceId}-${parent}-01-more`)).toMatchObject({ traceId })
  for (const wrong of [
    '',
    `00-${traceId}-${parent}`,
    `00-${traceId}-${parent}-01-more`,
    `ff-${traceId}-${parent}-01`,
    `00-${'0'.repeat(32)}-${parent}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId.toUpperCase()}-${parent}-01`,
  ])
    expect(parseTraceparent(wrong)).toBeUndefined()
})

test('requests without a caller’s trace are sampled by their share, and a caller’s decision is followed', () => {
  const spans: Span[] = []
  const randomHex = (bytes: number): string => randomFillSync(Buffer.alloc(bytes)).toString('hex')
  const tracer = createRequestTracer({
    share: 0.1,
    clock: systemClock,
    randomHex,
    add: (span) => void spans.push(span),
  })
  const begun = Array.from({ length: 2_000 }, (_, at) => tracer.begin(undefined, `prd_${at}`)).filter(Boolean)
  expect(begun.length).toBeGreaterThan(120)
  expect(begun.length).toBeLessThan(290)
  expect(tracer.begin(`00-${traceId}-${parent}-00`, 'prd')).toBeUndefined()
  expect(tracer.begin(`00-${traceId}-${parent}-01`, 'prd')).toMatchObject({
    context: { traceId },
    parentSpanId: parent,
  })
})

test('a collector that is away costs no answer, and what it does not get is counted', async () => {
  await using collector = await startCollector()
  collector.status = 503
  const tracing = { url: collector.url, headers: {}, share: 1, serviceName: 'gateway' }
  await using gateway = await startTestWorker(smallConfig(), [{ bytes: smallModel() }], { tracing })
  expect((await gateway.infer([1])).status).toBe(200)
  await gateway.worker.close()
  const counted = gateway.worker.snapshot().trueloop_spans_total
  expect(counted).toEqual({ 'outcome="failed"': 4 })
})

test('a worker sends request, queue and run of a sampled request, with the batch that it was part of', async () => {
  await using collector = await startCollector()
  const tracing = { url: collector.url, headers: { 'x-key': 'k' }, share: 0, serviceName: 'gateway' }
  await using gateway = await startTestWorker(smallConfig(), [{ bytes: smallModel() }], { tracing })
  await gateway.infer([1])
  const headers = { traceparent: `00-${traceId}-${parent}-01` }
  await Promise.all([gateway.infer([1], { headers }), gateway.infer([2], { headers })])
  await gateway.infer([1], { headers, path: '/v2/models/flights/versions/9/infer' })
  await gateway.worker.close()
  expect(collector.bodies.map(({ headers: sent }) => [sent['content-type'], sent['x-key']])).toContainEqual([
    'application/x-protobuf',
    'k',
  ])
  const spans = collector.bodies.flatMap(({ body }) => decodeOtlp(body, 'application/x-protobuf').spans)
  const own = spans.filter((span) => span.traceId === `tr-${traceId}`)
  expect(own.map(({ name }) => name).toSorted()).toEqual([
    'infer flights',
    'infer flights',
    'infer flights',
    'queue',
    'queue',
    'run',
    'run',
  ])
  const batches = spans.filter(({ name }) => name === 'batch')
  expect(batches.length).toBeGreaterThanOrEqual(1)
  expect(spans).toHaveLength(own.length + batches.length)
  const requests = own.filter(({ name }) => name === 'infer flights')
  expect(requests.map(({ parentSpanId, status }) => [parentSpanId, status])).toEqual([
    [parent, 'UNSET'],
    [parent, 'UNSET'],
    [parent, 'ERROR'],
  ])
  for (const run of own.filter(({ name }) => name === 'run')) {
    expect(requests.map(({ spanId }) => spanId)).toContain(run.parentSpanId)
    expect(batches.map(({ spanId }) => spanId)).toContain(run.links[0]?.spanId)
    expect(run.endNs! >= run.startNs).toBe(true)
  }
})
