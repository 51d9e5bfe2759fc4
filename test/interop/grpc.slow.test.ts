// Stock gRPC clients against a gateway of two workers: Triton's (calls, callbacks, streams, asyncio), KServe's and gRPC's health.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { smallModel } from '../../src/models/testing.ts'
import { oipBody } from '../../src/serving/testing.ts'
import {
  startTestControlPlane,
  startTestGateway,
  type TestControlPlane,
  type TestGateway,
} from '../../src/serving/testing/gateway.ts'
import { grpcPackages, kservePackages } from './grpc-packages.ts'
import { ensureVenv } from './venv.ts'

let control: TestControlPlane
let gateway: TestGateway
let address: string
/** Of the rows that all scripts send, over REST. */
let expected: number[]

beforeAll(async () => {
  control = await startTestControlPlane()
  const version = await control.addModel({ bytes: smallModel() })
  await control.setVariants([{ version, role: 'champion', weight: 1 }])
  gateway = await startTestGateway(control.url)
  const runtime = readFileSync(join(gateway.home, 'run', 'gateway.json'), 'utf8')
  address = (JSON.parse(runtime) as { grpc: string }).grpc
  const infer = (): Promise<Response> =>
    fetch(`${gateway.url}/v2/models/flights/infer`, { method: 'POST', body: oipBody([1, -3, 0.25]) })
  await gateway.until(async () => (await infer()).status === 200)
  const { outputs } = (await (await infer()).json()) as { outputs: { data: number[] }[] }
  expected = outputs[0]!.data.filter((_, at) => at % 2 === 1)
})
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]()
  await control?.[Symbol.asyncDispose]()
})

async function ask(script: string, packages: readonly string[], venv: string): Promise<Record<string, unknown>> {
  const { python } = await ensureVenv(packages, venv)
  const { stdout } = await promisify(execFile)(python, [join(import.meta.dirname, script), address])
  return JSON.parse(stdout.slice(stdout.lastIndexOf('\n', stdout.length - 2) + 1)) as Record<string, unknown>
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at)

test("Triton's clients and gRPC's health client find everything that they ask for", async () => {
  const found = await ask('grpc_triton.py', grpcPackages, 'triton-grpc')
  expect(found['live']).toEqual([true, true, true, true])
  expect(found['server']).toMatchObject({
    name: 'trueloop',
    extensions: expect.arrayContaining(['statistics', 'model_repository']),
  })
  expect(found['model']).toMatchObject({ name: 'flights', versions: ['1'], platform: 'onnx_onnxv1' })
  expect(found['config']).toMatchObject({ name: 'flights', backend: 'onnxruntime', max_batch_size: 10_000 })
  expect(found['index']).toEqual({ models: [{ name: 'flights', version: '1', state: 'READY' }] })
  for (const how of ['plain', 'gzip', 'deflate', 'scheduled', 'after', 'aio', 'again'])
    expect([how, found[how]]).toEqual([how, expected])
  expect(found['labels']).toEqual(['yes', 'no', 'yes'])
  expect(found['id']).toBe('mine')
  expect(found['prediction_id']).toMatch(/^prd_/v)
  expect(found['classes']).toEqual([
    expect.stringMatching(/:1:yes$/v),
    expect.stringMatching(/:0:no$/v),
    expect.stringMatching(/:1:yes$/v),
  ])
  expect([found['empty'], found['many']]).toEqual([[0, 2], 10_000])
  const { name, inference_count: rows } = found['statistics'] as { name: string; inference_count: string }
  expect([name, Number(rows) > 10_000]).toEqual(['flights', true])
  expect(found['callbacks']).toEqual(upTo(20))
  expect(found['streamed']).toEqual(upTo(500))
  expect(found['final']).toBe(true)
  expect(found['stream_error']).toContain('Request for unknown model')
  expect(found['aio_stream']).toEqual(upTo(20))
  const text = expect.any(String) as string
  expect(found['errors']).toEqual({
    model: ['StatusCode.NOT_FOUND', expect.stringContaining('Request for unknown model')],
    version: ['StatusCode.NOT_FOUND', text],
    output: ['StatusCode.INVALID_ARGUMENT', expect.stringContaining('"nothing"')],
    missing: ['StatusCode.INVALID_ARGUMENT', expect.stringContaining('"carrier"')],
    rows: ['StatusCode.RESOURCE_EXHAUSTED', text],
    large: ['StatusCode.RESOURCE_EXHAUSTED', text],
    shared: ['StatusCode.UNIMPLEMENTED', text],
    cuda: ['StatusCode.UNIMPLEMENTED', text],
    trace: ['StatusCode.UNIMPLEMENTED', text],
    log: ['StatusCode.UNIMPLEMENTED', text],
    config: ['StatusCode.UNIMPLEMENTED', expect.stringContaining('failed to load')],
    load: ['StatusCode.NOT_FOUND', expect.stringContaining('failed to load')],
  })
  expect([found['health'], found['watch'], found['health_unknown'], found['reflection']]).toEqual([
    1,
    1,
    'NOT_FOUND',
    'UNIMPLEMENTED',
  ])
  expect(found['unloaded']).toEqual([false, ['StatusCode.UNAVAILABLE', text]])
  expect(found['loaded']).toBe(true)
})

test("KServe's client reads and writes raw bytes and typed contents", async () => {
  const found = await ask('grpc_kserve.py', kservePackages, 'kserve')
  expect(found['live']).toEqual([true, true, true])
  expect(found['raw']).toEqual(expected)
  expect(found['typed']).toEqual(expected)
  expect(found['id']).toBe('mine')
  expect(found['error']).toContain('Request for unknown model')
  expect(found['inputs']).toEqual([
    ['x', 'FP64', [-1, 1]],
    ['carrier', 'BYTES', [-1, 1]],
    ['date', 'BYTES', [-1, 1]],
  ])
  expect(found['contents']).toEqual([0, 6])
})
