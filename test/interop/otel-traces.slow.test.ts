// Traces of the gateway as OpenTelemetry's own messages read them, and as Trueloop's control plane keeps them.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { smallModel } from '../../src/models/testing.ts'
import { sleep } from '../../src/platform/clock.ts'
import { smallConfig, startTestWorker } from '../../src/serving/testing.ts'
import { freePort } from '../free-port.ts'
import { ensureVenv } from './venv.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const parent = 'b7ad6b7169203331'
const hex = (base64: string): string => Buffer.from(base64, 'base64').toString('hex')

interface WireSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes?: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[]
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[]
  readonly status?: { readonly code: string }
}

interface WireRequest {
  readonly port?: number
  readonly path: string
  readonly unknown: boolean
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly { key: string; value: { stringValue: string } }[] }
    readonly scopeSpans: readonly { readonly scope: { readonly name: string }; readonly spans: readonly WireSpan[] }[]
  }[]
}

test('OpenTelemetry’s own messages read the spans of a request and find nothing unknown in them', async () => {
  const { python } = await ensureVenv(['opentelemetry-proto==1.45.2'])
  const collector = spawn(python, [join(import.meta.dirname, 'otel_traces.py')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const requests: WireRequest[] = []
  const port = await new Promise<number>((resolve) => {
    createInterface({ input: collector.stdout }).on('line', (line) => {
      const said = JSON.parse(line) as WireRequest
      if (said.port) resolve(said.port)
      else requests.push(said)
    })
  })
  try {
    const url = new URL(`http://127.0.0.1:${port}/v1/traces`)
    const tracing = { url, headers: {}, share: 0, serviceName: 'trueloop-gateway' }
    await using gateway = await startTestWorker(smallConfig(), [{ bytes: smallModel() }], { tracing })
    const headers = { traceparent: `00-${traceId}-${parent}-01` }
    const before = Date.now()
    await gateway.infer([1, 2, 3], { headers })
    await gateway.infer([1], { headers, path: '/v2/models/flights/versions/9/infer' })
    const all = (): WireSpan[] =>
      requests.flatMap(({ resourceSpans }) => resourceSpans).flatMap(({ scopeSpans }) => scopeSpans[0]!.spans)
    for (let waited = 0; all().length < 5 && waited < 60_000; waited += 20) await sleep(20)
    await gateway.worker.close()
    // One request, or two where a second went by between the callers'.
    for (const { path, unknown } of requests) expect([path, unknown]).toEqual(['/v1/traces', false])
    const { resource, scopeSpans } = requests[0]!.resourceSpans[0]!
    const attributes = Object.fromEntries(resource.attributes.map(({ key, value }) => [key, value.stringValue]))
    expect(attributes['service.name']).toBe('trueloop-gateway')
    expect(scopeSpans[0]!.scope.name).toBe('trueloop.gateway')
    const spans = all()
    const named = (name: string): WireSpan[] => spans.filter((span) => span.name === name)
    const [request, refused] = named('infer flights')
    expect([hex(request!.traceId), hex(request!.parentSpanId!), request!.kind]).toEqual([
      traceId,
      parent,
      'SPAN_KIND_SERVER',
    ])
    expect(refused!.status?.code).toBe('STATUS_CODE_ERROR')
    const rows = request!.attributes!.find(({ key }) => key === 'trueloop.rows')
    expect(rows?.value).toEqual({ intValue: '3' })
    const [queue, ran, batch] = [named('queue')[0]!, named('run')[0]!, named('batch')[0]!]
    expect([queue.parentSpanId, ran.parentSpanId]).toEqual([request!.spanId, request!.spanId])
    expect(ran.links).toEqual([{ traceId: batch.traceId, spanId: batch.spanId }])
    for (const { startTimeUnixNano: start, endTimeUnixNano: end } of spans) {
      expect(BigInt(end) >= BigInt(start)).toBe(true)
      expect(Number(BigInt(start) / 1_000_000n)).toBeGreaterThan(before - 1_000)
    }
  } finally {
    collector.kill('SIGKILL')
  }
})

test('Trueloop’s own control plane keeps them as a trace of an experiment', async () => {
  const home = mkdtempSync(join(tmpdir(), 'trueloop-traces-'))
  const port = await freePort()
  const env = { ...process.env, TRUELOOP_HOME: home, TRUELOOP_PORT: String(port) }
  const server = spawn(process.execPath, [join(import.meta.dirname, '../../src/app/server.ts')], {
    env,
    stdio: 'ignore',
  })
  const ended = new Promise((resolve) => server.once('exit', resolve))
  try {
    const base = `http://127.0.0.1:${port}`
    const isUp = (): Promise<boolean> =>
      fetch(`${base}/api/health`).then(
        ({ ok }) => ok,
        () => false,
      )
    for (let waited = 0; !(await isUp()) && waited < 60_000; waited += 100) await sleep(100)
    const url = new URL(`${base}/v1/traces`)
    const tracing = { url, headers: { 'x-mlflow-experiment-id': '0' }, share: 1, serviceName: 'trueloop-gateway' }
    await using gateway = await startTestWorker(smallConfig(), [{ bytes: smallModel() }], { tracing })
    await gateway.infer([1], { headers: { traceparent: `00-${traceId}-${parent}-01` } })
    // At its end a worker has a second for what is left, which a control plane that has just started may not take it in.
    const told = (): unknown => gateway.worker.snapshot().trueloop_spans_total
    await expect.poll(told, { timeout: 60_000 }).toEqual({ 'outcome="sent"': 4 })
    const kept = (await (await fetch(`${base}/api/traces/tr-${traceId}`)).json()) as { spans: { name: string }[] }
    expect(kept.spans.map(({ name }) => name).toSorted()).toEqual(['infer flights', 'queue', 'run'])
  } finally {
    server.kill('SIGTERM')
    await ended
    rmSync(home, { recursive: true, force: true })
  }
})
