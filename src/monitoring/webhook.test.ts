// Webhooks against a real server on loopback: what is delivered, and what never is.
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import type { StoredEvent } from '../platform/events.ts'
import { createLog } from '../platform/log.ts'
import { alertLog, alertWebhook } from './webhook.ts'

const evidence = {
  alertId: 'alert_1',
  endpoint: 'flights',
  monitor: 'gap',
  signal: 'calibration_gap',
  version: 'flights/1',
  value: 0.05,
  threshold: 0.03,
  windowDays: 7,
  windowStartMs: 0,
  windowEndMs: 7 * 86_400_000,
  n: 100,
  coverage: 1,
  sentence: 'flights: the gap is 0.05, above 0.03',
}
const opened: StoredEvent = { seq: 3, type: 'monitor.alert_opened', subject: 'flights', payload: evidence, atMs: 9 }

const running = new AbortController().signal

/** An answer without a status never comes. */
type Answer = { readonly status: number | undefined; readonly location?: string }

async function listen(answer: (request: IncomingMessage, body: string) => Answer) {
  const server: Server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      const { status, location } = answer(request, body)
      if (status !== undefined) response.writeHead(status, location ? { location } : {}).end('x'.repeat(10))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const end = (): Promise<void> =>
    new Promise((done) => {
      server.close(() => done())
      server.closeAllConnections()
    })
  return { port, [Symbol.asyncDispose]: end }
}

test('an alert is posted as JSON to an address that the settings allow', async () => {
  const bodies: unknown[] = []
  await using server = await listen((_, body) => (bodies.push(JSON.parse(body)), { status: 204 }))
  const url = `http://localhost:${server.port}/hook`
  const hook = alertWebhook({ title: 'ops', url, allow: [`localhost:${server.port}`] })
  await hook.handle(opened, running)
  expect(bodies).toEqual([{ type: 'monitor.alert_opened', seq: 3, atMs: 9, alert: evidence }])
})

test('a failure and a redirect are errors, so that the dispatcher tries again', async () => {
  let asked = 0
  await using server = await listen((request) => {
    asked++
    return request.url === '/moved' ? { status: 302, location: '/hook' } : { status: 500 }
  })
  const to = (path: string) =>
    alertWebhook({
      title: 'x',
      url: `http://127.0.0.1:${server.port}${path}`,
      allow: ['127.0.0.0/8'],
    }).handle(opened, running)
  await expect(to('/moved')).rejects.toMatchObject({ code: 'webhook_failed' })
  await expect(to('/hook')).rejects.toMatchObject({ code: 'webhook_failed' })
  expect(asked).toBe(2)
})

test('what is neither https and public nor allowed is not reached', async () => {
  let asked = 0
  await using server = await listen(() => (asked++, { status: 204 }))
  const plain = { title: 'x', url: `http://127.0.0.1:${server.port}/`, allow: ['127.0.0.1:1'] }
  expect(() => alertWebhook(plain)).toThrowError(expect.objectContaining({ code: 'webhook_forbidden' }))
  for (const host of ['127.0.0.1', 'localhost', '[::1]', '10.0.0.1', '169.254.169.254', '[::ffff:127.0.0.1]']) {
    const hook = alertWebhook({ title: 'x', url: `https://${host}:${server.port}/`, allow: [] })
    await expect(hook.handle(opened, running)).rejects.toMatchObject({ code: 'webhook_forbidden' })
  }
  expect(asked).toBe(0)
})

test('no message has the path of the URL, and two URLs of one host are two consumers', async () => {
  await using server = await listen(() => ({ status: 500 }))
  const hookTo = (path: string) =>
    alertWebhook({ title: 'x', url: `http://127.0.0.1:${server.port}${path}`, allow: ['127.0.0.1'] })
  const [one, other] = [hookTo('/services/secret'), hookTo('/services/other')]
  const failure = expect.objectContaining({ message: `x at http://127.0.0.1:${server.port} answered 500` })
  await expect(one.handle(opened, running)).rejects.toEqual(failure)
  expect(one.name).not.toBe(other.name)
  expect(`${one.name}${other.name}`).not.toContain('services')
})

test('a receiver that does not answer holds nobody who wants to end', async () => {
  const asked = Promise.withResolvers<void>()
  await using server = await listen(() => (asked.resolve(), { status: undefined }))
  const hook = alertWebhook({ title: 'x', url: `http://127.0.0.1:${server.port}/`, allow: ['127.0.0.1'] })
  const stop = new AbortController()
  const delivered = hook.handle(opened, stop.signal)
  await asked.promise
  stop.abort()
  await expect(delivered).rejects.toMatchObject({ name: 'AbortError' })
})

test('alerts are said in the log with their sentence', async () => {
  const lines: string[] = []
  const log = createLog({ level: 'info', clock: () => 0, write: (line) => lines.push(line), format: 'text' })
  await alertLog(log).handle(opened, running)
  const closed = { ...opened, type: 'monitor.alert_closed', payload: { ...evidence, closeReason: 'clean' } }
  await alertLog(log).handle(closed, running)
  expect(lines.map((line) => line.includes(evidence.sentence))).toEqual([true, true])
  expect(lines[1]).toContain('alert closed')
})
