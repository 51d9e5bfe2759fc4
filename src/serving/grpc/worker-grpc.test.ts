// A worker over real gRPC: the same answers as over HTTP, statuses of what goes wrong, streams, health, and callers that mean harm.
import { WireType, type BinaryWriter } from '@bufbuild/protobuf/wire'
import { connect, constants } from 'node:http2'
import { connect as connectSocket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { smallModel } from '../../models/testing.ts'
import { sleep } from '../../platform/clock.ts'
import { bodyBytesMax } from '../contract/gateway-limits.ts'
import { oipBody, smallConfig, testCaller, testEndpoint, testVariant } from '../testing.ts'
import { statusCodes } from './status.ts'
import {
  callRaw,
  framed,
  grpcCaller,
  inferRequest,
  nothing,
  openStream,
  readAnswer,
  smallInputs,
  startTestGrpc,
  streamPath,
  type CallResult,
  type TestGrpc,
  type TestTensor,
} from './testing.ts'

const rawFloats = ({ messages }: CallResult): number[] => {
  const [raw] = readAnswer(messages[0]!).raw
  return Array.from({ length: raw!.length / 4 }, (_, at) => raw!.readFloatLE(at * 4))
}

/** What every bad call must leave behind. */
async function expectUp(grpc: TestGrpc): Promise<void> {
  expect((await grpc.infer([1])).status).toBe(statusCodes.OK)
}

const path = (method: string): string => `/inference.GRPCInferenceService/${method}`

test('an answer is the same to the bit as over REST, with its prediction id, version and timing', async () => {
  await using grpc = await startTestGrpc()
  for (let count = 0; count < 40; count++) {
    const x = Array.from({ length: count }, (_, at) => (at - count / 2) / 7)
    const [called, rest] = await Promise.all([
      grpc.infer(x),
      fetch(`${grpc.gateway.url}/v2/models/flights/infer`, { method: 'POST', body: oipBody(x) }),
    ])
    const { outputs } = (await rest.json()) as { outputs: { data: (number | string)[]; datatype: string }[] }
    expect(called.status).toBe(statusCodes.OK)
    expect(rawFloats(called)).toEqual(outputs[0]!.data)
    const answer = readAnswer(called.messages[0]!)
    expect(answer.datatypes).toEqual(outputs.map(({ datatype }) => datatype))
    expect(answer.version).toBe('1')
    expect(answer.id).toBe(called.headers['trueloop-prediction-id'])
    expect(called.headers['trueloop-model-version']).toBe('small/1')
    expect(called.headers['server-timing']).toContain('infer;dur=')
  }
})

test('typed contents are answered with typed contents, and only the outputs that were asked for', async () => {
  await using grpc = await startTestGrpc()
  const texts = (values: readonly string[]) => (writer: BinaryWriter) => {
    for (const value of values) writer.tag(8, WireType.LengthDelimited).string(value)
  }
  const shape = [2]
  const inputs: TestTensor[] = [
    {
      name: 'x',
      datatype: 'FP64',
      shape,
      contents: (writer) => void writer.tag(7, WireType.LengthDelimited).fork().double(1).double(-3).join(),
    },
    { name: 'carrier', datatype: 'BYTES', shape, contents: texts(['AA', 'AA']) },
    { name: 'date', datatype: 'BYTES', shape, contents: texts(['2001-01-31T07:45:00Z', '2001-01-31T07:45:00Z']) },
  ]
  const typed = await grpc.caller.call(framed(inferRequest({ id: 'mine', inputs, outputs: ['probabilities'] })))
  const answer = readAnswer(typed.messages[0]!)
  expect([answer.id, answer.names, answer.raw.length]).toEqual(['mine', ['probabilities'], 0])
  const packed = answer.contents[0]!
  expect([packed[0], packed[1]]).toEqual([(6 << 3) | 2, 16])
  const found = [0, 1, 2, 3].map((at) => packed.readFloatLE(2 + at * 4))
  expect(found).toEqual(rawFloats(await grpc.infer([1, -3])))
})

test('a request that comes while its endpoint is being loaded waits for it', async () => {
  await using grpc = await startTestGrpc()
  const fresh = testEndpoint([testVariant(2, { bytes: smallModel() })], { name: 'fresh' })
  const ask = () => grpc.caller.call(framed(inferRequest({ model: 'fresh', inputs: smallInputs([1]) })))
  const applied = grpc.gateway.worker.apply({ generation: 2, endpoints: [...smallConfig().endpoints, fresh] })
  expect(await ask()).toMatchObject({ status: statusCodes.OK })
  await applied
})

test('statuses say what is wrong, with the text and the code of HTTP', async () => {
  await using grpc = await startTestGrpc()
  const ask = (how: Parameters<typeof inferRequest>[0]) =>
    grpc.caller.call(framed(inferRequest({ inputs: smallInputs([1]), ...how })))
  const told = async (answer: Promise<CallResult>) => {
    const { status, code } = await answer
    return [status, code]
  }
  expect(await told(ask({ model: 'nobody' }))).toEqual([statusCodes.NOT_FOUND, 'endpoint_not_served'])
  expect(await told(ask({ version: '9' }))).toEqual([statusCodes.NOT_FOUND, 'version_not_served'])
  expect(await told(ask({ outputs: ['no'] }))).toEqual([statusCodes.INVALID_ARGUMENT, 'output_unknown'])
  expect(await told(ask({ parameters: { priority: -1n } }))).toEqual([statusCodes.INVALID_ARGUMENT, 'request_invalid'])
  expect(await told(grpc.infer(Array.from({ length: 10_001 }, () => 1)))).toEqual([
    statusCodes.RESOURCE_EXHAUSTED,
    'rows_too_many',
  ])
  expect(await told(grpc.caller.call(nothing, { path: '/inference.GRPCInferenceService/Nope' }))).toEqual([
    statusCodes.UNIMPLEMENTED,
    'route_not_found',
  ])
  expect(
    await told(grpc.caller.call(nothing, { path: '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo' })),
  ).toEqual([statusCodes.UNIMPLEMENTED, 'route_not_found'])
  expect(await told(grpc.caller.call(nothing, { path: path('SystemSharedMemoryStatus') }))).toEqual([
    statusCodes.UNIMPLEMENTED,
    'extension_unsupported',
  ])
  expect(await told(grpc.infer([1], { headers: { 'grpc-encoding': 'br' } }))).toEqual([
    statusCodes.UNIMPLEMENTED,
    'media_type_unsupported',
  ])
  expect(await told(grpc.infer([1], { headers: { 'grpc-timeout': '1n' } }))).toEqual([
    statusCodes.DEADLINE_EXCEEDED,
    'deadline_passed',
  ])
  expect((await grpc.infer([1], { headers: { 'grpc-timeout': '30S' } })).status).toBe(statusCodes.OK)
  expect(await told(grpc.infer([1], { headers: { 'grpc-timeout': '5 s' } }))).toEqual([
    statusCodes.INVALID_ARGUMENT,
    'request_invalid',
  ])
  expect(await told(grpc.infer([1], { headers: { 'trueloop-event-time': '2001-01-01' } }))).toEqual([
    statusCodes.INVALID_ARGUMENT,
    'event_time_refused',
  ])
  expect(await told(grpc.infer([1], { headers: { ':authority': 'evil.example' } }))).toEqual([
    statusCodes.PERMISSION_DENIED,
    'host_refused',
  ])
  const broken = await ask({
    inputs: [...smallInputs([1]).slice(1), { name: 'ü%', datatype: 'FP64', shape: [1], raw: new Uint8Array(8) }],
  })
  expect([broken.status, broken.message.includes('"ü%"')]).toEqual([statusCodes.INVALID_ARGUMENT, true])
  await expectUp(grpc)
})

test('a caller without the permission is refused, and health is for everybody', async () => {
  await using grpc = await startTestGrpc({ ...testCaller, permissions: new Set(['endpoint.read']) })
  expect((await grpc.infer([1])).status).toBe(statusCodes.PERMISSION_DENIED)
  expect((await grpc.caller.call(nothing, { path: path('ServerMetadata') })).status).toBe(statusCodes.OK)
  expect((await grpc.caller.call(nothing, { path: path('RepositoryModelLoad') })).status).toBe(
    statusCodes.PERMISSION_DENIED,
  )
  expect((await grpc.caller.call(nothing, { path: '/grpc.health.v1.Health/Check' })).messages[0]).toEqual(
    Buffer.of(8, 1),
  )
})

test('the sticky key and the event time of a call are those of HTTP, and its predictions are logged', async () => {
  const bytes = smallModel()
  const variants = [
    testVariant(1, { bytes }, { weight: 0.5 }),
    testVariant(2, { bytes }, { role: 'canary', weight: 0.5 }),
  ]
  await using grpc = await startTestGrpc(testCaller, {
    generation: 1,
    endpoints: [testEndpoint(variants, { clock: 'event' })],
  })
  for (let caller = 0; caller < 20; caller++) {
    const headers = { 'trueloop-key': `c${caller}`, 'trueloop-event-time': '2001-02-03T00:00:00Z' }
    const [called, rest] = await Promise.all([grpc.infer([1], { headers }), grpc.gateway.infer([1], { headers })])
    expect(called.headers['trueloop-model-version']).toBe(rest.headers.get('trueloop-model-version'))
  }
  const predictions = (await grpc.gateway.reports()).flatMap((report) => report.predictions)
  expect(predictions).toHaveLength(40)
  expect(new Set(predictions.map(({ eventTimeMs }) => eventTimeMs))).toEqual(
    new Set([Date.parse('2001-02-03T00:00:00Z')]),
  )
})

test('a stream answers each request in order, tells of a bad one, and goes on', async () => {
  await using grpc = await startTestGrpc()
  const { stream, result } = openStream(grpc)
  const count = 2_000 // Far more than may wait: the caller is held back and then read again.
  for (let at = 0; at < count; at++) {
    const model = at === 7 ? 'nobody' : 'flights'
    stream.write(framed(inferRequest({ model, id: `r${at}`, inputs: smallInputs([at / 100]) })))
  }
  stream.end()
  const { status, messages } = await result
  expect([status, messages.length]).toEqual([statusCodes.OK, count])
  for (const [at, message] of messages.entries()) {
    const isError = message[0] === ((1 << 3) | 2)
    expect([at, isError]).toEqual([at, at === 7])
    expect(message.includes(`r${at}`)).toBe(true)
  }
})

test('a stream whose caller reads nothing is not read on either, and ends with it', async () => {
  await using grpc = await startTestGrpc()
  const headers = { ':method': 'POST', ':path': streamPath, 'content-type': 'application/grpc' }
  using silent = grpcCaller(grpc.port)
  const stream = silent.session.request(headers)
  stream.on('error', () => undefined).pause()
  const message = framed(inferRequest({ inputs: smallInputs(Array.from({ length: 500 }, () => 1)) }))
  const sent = 3_000
  for (let at = 0; at < sent; at++) stream.write(message)
  const answered = (): number => {
    const counts = grpc.gateway.worker.snapshot().trueloop_inference_requests_total ?? {}
    return Object.values(counts).reduce((sum: number, count) => sum + Number(count), 0)
  }
  let before = -1
  while (before !== answered() || before === 0) {
    before = answered()
    await sleep(300)
  }
  expect(before).toBeLessThan(sent / 2)
  stream.close(constants.NGHTTP2_CANCEL)
  await expectUp(grpc)
})

test('compressed messages are read, and one that unpacks to more than a message may have is refused', async () => {
  await using grpc = await startTestGrpc()
  const headers = { 'grpc-encoding': 'gzip' }
  const call = (message: Uint8Array) => grpc.caller.call(framed(gzipSync(message), { flag: 1 }), { headers })
  const answer = await call(inferRequest({ inputs: smallInputs([1]) }))
  expect(rawFloats(answer)).toEqual(rawFloats(await grpc.infer([1])))
  const bomb = await call(Buffer.alloc(64 * 1024 * 1024))
  expect([bomb.status, bomb.code]).toEqual([statusCodes.RESOURCE_EXHAUSTED, 'body_too_large'])
  expect((await grpc.caller.call(framed(Buffer.from('no gzip'), { flag: 1 }), { headers })).status).toBe(
    statusCodes.INVALID_ARGUMENT,
  )
  expect((await grpc.caller.call(framed(gzipSync('x'), { flag: 1 }))).status).toBe(statusCodes.INVALID_ARGUMENT)
  await expectUp(grpc)
})

test('messages that lie about their length get a status, and the connection goes on', async () => {
  await using grpc = await startTestGrpc()
  const whole = inferRequest({ inputs: smallInputs([1]) })
  const statusOf = async (bytes: Uint8Array) => (await grpc.caller.call(bytes)).status
  expect(await statusOf(Buffer.alloc(0))).toBe(statusCodes.INVALID_ARGUMENT)
  expect(await statusOf(Buffer.of(0, 0, 0))).toBe(statusCodes.INVALID_ARGUMENT)
  expect(await statusOf(framed(whole, { length: whole.length + 1 }))).toBe(statusCodes.INVALID_ARGUMENT)
  expect(await statusOf(framed(whole, { length: whole.length - 1 }))).toBe(statusCodes.INVALID_ARGUMENT)
  expect(await statusOf(Buffer.concat([framed(whole), framed(whole)]))).toBe(statusCodes.INVALID_ARGUMENT)
  expect(await statusOf(framed(Buffer.alloc(4096, 0xff)))).toBe(statusCodes.INVALID_ARGUMENT)
  expect(await statusOf(framed(whole, { flag: 7 }))).toBe(statusCodes.INVALID_ARGUMENT)
  // Refused by its prefix alone: nobody waits for gigabytes.
  expect(await statusOf(framed(whole, { length: 0xffff_ffff }))).toBe(statusCodes.RESOURCE_EXHAUSTED)
  const open = await callRaw(grpc.caller.session, framed(whole, { length: bodyBytesMax + 1 }), { open: true })
  expect([open.status, open.code]).toEqual([statusCodes.RESOURCE_EXHAUSTED, 'body_too_large'])
  await expectUp(grpc)
})

test('what is no gRPC is refused by HTTP or cut off, and callers that reset a thousand calls harm nobody', async () => {
  await using grpc = await startTestGrpc()
  expect((await grpc.infer([1], { headers: { 'content-type': 'application/json' } })).httpStatus).toBe(415)
  expect((await grpc.infer([1], { headers: { ':method': 'PUT' } })).httpStatus).toBe(405)
  const socket = connectSocket(grpc.port, '127.0.0.1')
  socket.on('error', () => undefined).write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
  await new Promise((resolve) => socket.once('close', resolve).resume())
  const resets = connect(`http://127.0.0.1:${grpc.port}`)
  resets.on('error', () => undefined)
  for (let at = 0; at < 1_000; at++) {
    const stream = resets.request({
      ':method': 'POST',
      ':path': path('ModelInfer'),
      'content-type': 'application/grpc',
    })
    stream.on('error', () => undefined)
    stream.end(framed(inferRequest({ inputs: smallInputs([1]) })))
    stream.close(constants.NGHTTP2_CANCEL)
  }
  await sleep(100)
  await expectUp(grpc)
  resets.destroy()
  const flood = connect(`http://127.0.0.1:${grpc.port}`)
  flood.on('error', () => undefined)
  const pad = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`x-${at}`, 'y'.repeat(200)]))
  const flooded = await callRaw(flood, nothing, { headers: pad })
  expect(flooded.messages).toEqual([])
  flood.destroy()
  await expectUp(grpc)
})
