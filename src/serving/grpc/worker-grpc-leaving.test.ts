// A worker that leaves, over real gRPC: what is under way or on its way is answered, and nobody is waited for for ever.
import { once } from 'node:events'
import { connect as connectSocket } from 'node:net'
import { expect, test } from 'vitest'
import { monotonicMs, sleep } from '../../platform/clock.ts'
import { statusCodes } from './status.ts'
import {
  connectionPreface,
  frameBytes,
  frameFlags,
  frameReader,
  frameTypes,
  headerBlock,
  type Frame,
} from './testing-frames.ts'
import {
  framed,
  inferPath,
  inferRequest,
  nothing,
  openStream,
  resultOf,
  smallInputs,
  startTestGrpc,
} from './testing.ts'

test('a worker that leaves answers what is under way, takes a stream to its end, and tells those who watch', async () => {
  await using grpc = await startTestGrpc()
  const watching = grpc.caller.session
    .request({ ':method': 'POST', ':path': '/grpc.health.v1.Health/Watch', 'content-type': 'application/grpc' })
    .end(nothing)
  const watch = resultOf(watching)
  const { stream, result } = openStream(grpc)
  stream.write(framed(inferRequest({ id: 'first', inputs: smallInputs([1]) })))
  await Promise.all([once(stream, 'data'), once(watching, 'data')])
  grpc.gateway.worker.announceLeaving()
  await sleep(20)
  const left = grpc.gateway.worker.leave({ idleLimitMs: 5_000, activeLimitMs: 5_000 })
  const watched = await watch
  expect([watched.status, watched.messages]).toEqual([statusCodes.UNAVAILABLE, [Buffer.of(8, 1), Buffer.of(8, 2)]])
  await sleep(50)
  stream.end(framed(inferRequest({ id: 'last', inputs: smallInputs([2]) })))
  const { status, messages } = await result
  expect([status, messages.length]).toEqual([statusCodes.OK, 2])
  await left
  expect(grpc.caller.session.closed || grpc.caller.session.destroyed).toBe(true)
})

test('a stream that its caller keeps open is ended when the time to leave is over', async () => {
  await using grpc = await startTestGrpc()
  const { stream, result } = openStream(grpc)
  stream.write(framed(inferRequest({ inputs: smallInputs([1]) })))
  await once(stream, 'data')
  const left = grpc.gateway.worker.leave({ idleLimitMs: 200, activeLimitMs: 5_000 })
  const { status, code, messages } = await result
  expect([status, code, messages.length]).toEqual([statusCodes.UNAVAILABLE, 'worker_leaving', 1])
  await left
})

test('a caller that does not close its side holds up nobody who leaves', async () => {
  await using grpc = await startTestGrpc()
  const socket = connectSocket({ port: grpc.port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => undefined)
  // The preface and an empty SETTINGS; then nothing, not even an answer to a ping.
  socket.write(Buffer.concat([connectionPreface, frameBytes({ type: frameTypes.settings })]))
  await new Promise((resolve) => socket.once('data', resolve))
  const startedMs = monotonicMs()
  await grpc.gateway.worker.leave({ idleLimitMs: 60_000, activeLimitMs: 60_000 })
  expect(monotonicMs() - startedMs).toBeLessThan(30_000)
  socket.destroy()
})

test('a call that was opened before the notice was read, and comes after the answer to the ping, is answered', async () => {
  await using grpc = await startTestGrpc()
  const socket = connectSocket({ port: grpc.port, host: '127.0.0.1' })
  socket.on('error', () => undefined)
  const stream = 1
  const head = headerBlock({
    ':method': 'POST',
    ':scheme': 'http',
    ':path': inferPath,
    ':authority': 'localhost',
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  const message = framed(inferRequest({ inputs: smallInputs([1]) }))
  const call = Buffer.concat([
    frameBytes({ type: frameTypes.headers, flags: frameFlags.endHeaders, stream, payload: head }),
    frameBytes({ type: frameTypes.data, flags: frameFlags.endStream, stream, payload: message }),
  ])
  const ended = Promise.withResolvers<void>()
  const isCalled = Promise.withResolvers<void>()
  let pings = 0
  let answered = 0
  const sendLate = async (): Promise<void> => {
    await sleep(50)
    socket.write(call)
    isCalled.resolve()
  }
  const hear = async ({ type, flags, stream: of, payload }: Frame): Promise<void> => {
    if (type === frameTypes.settings && flags === 0) socket.write(frameBytes({ type, flags: frameFlags.ack }))
    if (type === frameTypes.data && of === stream) answered += payload.length
    if (type !== frameTypes.ping) return
    // As gRPC's own library writes: the answer to a ping first, then what it had opened before.
    const isFirst = ++pings === 1
    if (!isFirst) await isCalled.promise
    socket.write(frameBytes({ type, flags: frameFlags.ack, payload }))
    if (isFirst) await sendLate()
  }
  const frames = frameReader()
  socket.once('close', () => ended.resolve())
  socket.on('data', (chunk: Buffer) => {
    for (const frame of frames(chunk)) void hear(frame)
  })
  socket.write(Buffer.concat([connectionPreface, frameBytes({ type: frameTypes.settings })]))
  await once(socket, 'data')
  await grpc.gateway.worker.leave({ idleLimitMs: 60_000, activeLimitMs: 60_000 })
  await ended.promise
  expect(pings).toBe(2)
  expect(answered).toBeGreaterThan(20)
})
