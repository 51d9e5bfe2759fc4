// How long a plain connection may be silent: hours of waiting, by a clock that the test turns.
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../../platform/clock.ts'
import { headersTimeoutMs, keepAliveTimeoutMs } from '../../contract/gateway-limits.ts'
import { createPlainConnections, type SendReply } from './plain-connections.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }))
afterEach(() => void vi.useRealTimers())

const request = 'GET /v2 HTTP/1.1\r\nhost: here\r\n\r\n'

/** A port whose requests wait for the test to answer them. */
async function start() {
  const asked: SendReply[] = []
  const connections = createPlainConnections({
    answer: (_request, send) => void asked.push(send),
    handOver: () => expect.unreachable('nothing here is Node’s'),
    clock: systemClock,
  })
  const server = createServer({ allowHalfOpen: true }, connections.take).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const lines: Socket[] = []
  return {
    asked,
    async call() {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
      lines.push(socket)
      const line = { socket, text: '', isClosed: false }
      socket.setEncoding('latin1').on('data', (text: string) => (line.text += text))
      socket.on('close', () => (line.isClosed = true))
      await once(socket, 'connect')
      // Until it is accepted.
      await sleep(20)
      return line
    },
    async [Symbol.asyncDispose]() {
      for (const socket of lines) socket.destroy()
      connections.closeAll()
      server.close()
      await once(server, 'close')
    },
  }
}

const answered = { status: 200, body: '{}' }
const pass = async (ms: number): Promise<void> => {
  vi.advanceTimersByTime(ms)
  // What was closed is noticed at the other end.
  await sleep(50)
}

test('whoever never asks is told so, and whoever asked is let go in silence, later', async () => {
  await using port = await start()
  const silent = await port.call()
  const asking = await port.call()
  asking.socket.write(request)
  await expect.poll(() => port.asked.length).toBe(1)
  port.asked[0]!(answered, false)
  await pass(headersTimeoutMs - 1_000)
  expect(silent.text).toBe('')
  await pass(2_000)
  expect(silent.text).toMatch(/^HTTP\/1\.1 408 .*"code":"request_invalid"\}$/sv)
  await pass(keepAliveTimeoutMs - headersTimeoutMs - 1_000)
  expect(asking.isClosed).toBe(false)
  await pass(3_000)
  expect(asking.isClosed).toBe(true)
  expect(asking.text).toMatch(/^HTTP\/1\.1 200 [^\{]*\{\}$/v)
})

test('a request that is being answered is waited for, and each begins the time anew', async () => {
  await using port = await start()
  const line = await port.call()
  for (let at = 0; at < 3; at++) {
    line.socket.write(request)
    await expect.poll(() => port.asked.length).toBe(at + 1)
    await pass(10 * keepAliveTimeoutMs)
    port.asked[at]!(answered, false)
    await pass(keepAliveTimeoutMs)
    expect(line.isClosed).toBe(false)
  }
  expect(line.text.split('HTTP/1.1 200').length - 1).toBe(3)
})
