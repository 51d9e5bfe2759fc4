// Alerts on their whole way: traffic is reported, a monitor crosses its bound, and a real listener hears of it, once it listens.
import { createServer, type Server } from 'node:http'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { testActor } from '../governance/testing.ts'
import { judgeVersion } from '../models/version-changes.ts'
import { registerVersion } from '../models/registration.ts'
import { AlertEvidence } from '../monitoring/alert.ts'
import { Monitor } from '../monitoring/monitor.ts'
import { setMonitors } from '../monitoring/monitors.ts'
import { recordReport } from '../monitoring/report.ts'
import { binaryFacts, oneDayMs, testCounter, testDayMs, testReport } from '../monitoring/testing.ts'
import { on, transact } from '../platform/database.ts'
import { appendEvent } from '../platform/events.ts'
import { EndpointSettings } from '../serving/endpoint.ts'
import { createEndpoint, setVariants } from '../serving/endpoints.ts'
import { loadConfig } from './config.ts'
import { openContext, type Context } from './context.ts'

const actor = testActor('tester')
const Delivery = z.strictObject({ type: z.string(), seq: z.int(), atMs: z.int(), alert: AlertEvidence.loose() })
type Delivery = z.infer<typeof Delivery>

/** A receiver that can go away and come back at the same port. */
async function openReceiver() {
  const deliveries: Delivery[] = []
  /** Answers to come; then 204. */
  const statuses: number[] = []
  let server: Server | undefined
  const listen = async (port: number): Promise<number> => {
    server = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        deliveries.push(Delivery.parse(JSON.parse(body)))
        response.writeHead(statuses.shift() ?? 204).end()
      })
    })
    await new Promise<void>((resolve) => server!.listen(port, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  }
  const goAway = (): Promise<void> => new Promise((done) => void server!.close(() => done()))
  const port = await listen(0)
  return { deliveries, statuses, port, goAway, comeBack: () => listen(port), [Symbol.asyncDispose]: goAway }
}

/** A champion with three monitors of which one more breaches with each day of traffic, for every window counts requests above its bound. */
async function seed({ db }: Context): Promise<void> {
  const { task, classes, baseline } = binaryFacts
  const inputs = [
    { name: 'distance', type: 'double' as const, required: true },
    { name: 'origin', type: 'string' as const, required: true },
  ]
  await transact(db, async (trx) => {
    await registerVersion(trx, actor, {
      model: 'flights',
      digest: '1'.repeat(64),
      bytes: 10,
      signature: { task, inputs, classes: [...classes] },
      baseline,
    })
    await judgeVersion(trx, actor, { model: 'flights', version: 1, state: 'approved', reason: 'test' })
    await createEndpoint(trx, actor, { name: 'flights', settings: EndpointSettings.parse({ clock: 'event' }) })
    const variants = [{ version: 'flights/1', role: 'champion' as const, weight: 1 }]
    await setVariants(trx, actor, { endpoint: 'flights', variants, reason: 'first' })
  })
  const requestsAbove = (name: string, high: number): Monitor =>
    Monitor.parse({
      name,
      signal: { kind: 'requests' },
      windowDays: 1,
      threshold: { high },
      minimumRows: 1,
      openAfter: 1,
    })
  const monitors = [requestsAbove('first', 5), requestsAbove('second', 15), requestsAbove('third', 25)]
  await setMonitors(db, actor, { endpoint: 'flights', monitors })
}

/** One day with so many requests, and the first moment of the day after, so that it is complete. */
async function liveDay({ db, versions, wake }: Context, day: number, requests: number): Promise<void> {
  const report = testReport({
    sequence: day + 1,
    counters: [testCounter({ dayMs: testDayMs + day * oneDayMs, requests })],
    eventTimes: { flights: testDayMs + (day + 1) * oneDayMs + 3_600_000 },
  })
  await transact(db, (trx) => recordReport({ versions, nowMs: 1 }, trx, report))
  wake()
}

const namesOf = (deliveries: readonly Delivery[]): string[] => deliveries.map(({ alert }) => alert.monitor)
const openedIn = async ({ db }: Context): Promise<number> =>
  (await on(db).selectFrom('event').select('seq').where('type', '=', 'monitor.alert_opened').execute()).length

test('alerts reach a webhook once and in order, through its absence, its failures and a restart of the control plane', async () => {
  const home = mkdtempSync(join(tmpdir(), 'trueloop-alerts-'))
  await using receiver = await openReceiver()
  const config = loadConfig({
    TRUELOOP_HOME: home,
    TRUELOOP_LOG_LEVEL: 'error',
    TRUELOOP_ALERT_WEBHOOKS: `http://127.0.0.1:${receiver.port}/hook?token=secret`,
    TRUELOOP_ALLOWED_ADDRESSES: '127.0.0.0/8',
  })
  try {
    {
      await using context = await openContext(config)
      // Before the webhook was there: not its business.
      const payload = { monitor: 'long ago' }
      await transact(context.db, (trx) =>
        appendEvent(trx, { type: 'monitor.alert_opened', subject: 'flights', payload, atMs: 1 }),
      )
      await context.listening('http://127.0.0.1:1')
      await seed(context)
      await liveDay(context, 0, 10)
      await expect.poll(() => namesOf(receiver.deliveries), { timeout: 60_000 }).toEqual(['first'])
      await receiver.goAway()
      await liveDay(context, 1, 20)
      await expect.poll(() => openedIn(context), { timeout: 60_000 }).toBe(3)
    }
    await using context = await openContext(config)
    await context.listening('http://127.0.0.1:1')
    await liveDay(context, 2, 30)
    await expect.poll(() => openedIn(context), { timeout: 60_000 }).toBe(4)
    receiver.statuses.push(500, 503)
    await receiver.comeBack()
    await expect
      .poll(() => namesOf(receiver.deliveries), { timeout: 60_000 })
      .toEqual(['first', 'second', 'second', 'second', 'third'])
    const { deliveries } = receiver
    const order = deliveries.map(({ seq }) => seq)
    expect(order).toEqual(order.toSorted((a, b) => a - b))
    expect(new Set(order).size, 'repeated only after a failure').toBe(3)
    expect(deliveries.every(({ type }) => type === 'monitor.alert_opened')).toBe(true)
    expect(deliveries.at(-1)!.alert).toMatchObject({
      endpoint: 'flights',
      value: 30,
      threshold: 25,
      version: 'flights/1',
    })
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
})

test('a webhook that could never be reached is an error at the start, which says which one it is', async () => {
  const home = mkdtempSync(join(tmpdir(), 'trueloop-alerts-'))
  const config = loadConfig({
    TRUELOOP_HOME: home,
    TRUELOOP_ALERT_WEBHOOKS: 'https://hooks.example.com/secret,http://hooks.example.com/secret',
  })
  try {
    const failure = await openContext(config).catch((error: unknown) => error)
    expect(failure).toMatchObject({
      code: 'webhook_forbidden',
      message:
        'URL 2 of TRUELOOP_ALERT_WEBHOOKS may not go to http://hooks.example.com: it is not https, and not allowed in the settings; allow hooks.example.com:80 if it is meant',
    })
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
})
