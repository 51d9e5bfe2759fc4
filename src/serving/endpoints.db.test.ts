// Endpoints, traffic and what gateways tell, over HTTP and a real database.
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { expect, test } from 'vitest'
import { listAudit } from '../governance/audit.ts'
import { upstream } from '../governance/lineage.ts'
import { governanceMigrations } from '../governance/migrations.ts'
import { createTestServer, testActor, type TestServerOptions } from '../governance/testing.ts'
import { modelMigrations } from '../models/migrations.ts'
import { judgeVersion } from '../models/version-changes.ts'
import { registerVersion } from '../models/registration.ts'
import type { RegistryTables } from '../models/registry-tables.ts'
import { smallSignature } from '../models/testing.ts'
import { transact, type Connection } from '../platform/database.ts'
import { eventMigrations, readEvents } from '../platform/events.ts'
import { createTestDatabase } from '../platform/testing.ts'
import { createGatewayConfigs } from './gateway-configs.ts'
import { GatewayConfig } from './gateway-config.ts'
import type { GatewayReport } from './gateway-report.ts'
import { servingMigrations } from './migrations.ts'
import { endpointRoutes, gatewayControlRoutes, type GatewayRouteDeps, type ServingTables } from './routes.ts'
import { smallBaseline } from './testing.ts'

const migrations = { ...eventMigrations, ...governanceMigrations, ...modelMigrations, ...servingMigrations }
type TestTables = ServingTables & RegistryTables
const openDatabase = () => createTestDatabase<TestTables>(migrations)

const routes: FastifyPluginAsyncZod<GatewayRouteDeps> = async (server, deps) => {
  await server.register(endpointRoutes, deps)
  await server.register(gatewayControlRoutes, deps)
}

async function serverOf(db: Connection<TestTables>, reports: GatewayReport[] = [], options: TestServerOptions = {}) {
  const onReport: GatewayRouteDeps['onReport'] = async (_, report) => void reports.push(report)
  const server = await createTestServer(routes, { db, configs: createGatewayConfigs(db), onReport }, options)
  const call = async (how: string, payload?: object) => {
    const [method, url] = how.split(' ') as ['GET' | 'POST' | 'PUT' | 'DELETE', string]
    const response = await server.inject({ method, url, ...(payload ? { payload } : {}) })
    return {
      status: response.statusCode,
      body: response.body === '' ? undefined : response.json<Record<string, unknown>>(),
    }
  }
  return Object.assign(server, { call })
}

/** Approved versions `flights/1`, `flights/2`… */
async function registerVersions(db: Connection<TestTables>, count: number): Promise<void> {
  const actor = testActor()
  const digest = 'a'.repeat(64)
  for (let version = 1; version <= count; version++) {
    await transact(db, async (trx) => {
      await registerVersion(trx, actor, {
        model: 'flights',
        digest,
        bytes: 1,
        signature: smallSignature,
        baseline: smallBaseline,
      })
      await judgeVersion(trx, actor, { model: 'flights', version, state: 'approved', reason: 'test' })
    })
  }
}

const champion = (version: string, weight = 1) => ({ version, role: 'champion', weight })
const canary = (version: string, weight: number) => ({ version, role: 'canary', weight })

test('moving traffic is recorded, announced, part of the lineage, and reaches the gateways', async () => {
  await using db = await openDatabase()
  await registerVersions(db, 2)
  await using server = await serverOf(db)
  expect((await server.call('POST /endpoints', { name: 'flights', clock: 'event' })).status).toBe(201)
  const variants = [champion('flights/1', 0.9), canary('flights/2', 0.1)]
  const moved = await server.call('PUT /endpoints/flights/variants', { variants, reason: 'try 2' })
  expect(moved).toMatchObject({
    status: 200,
    body: { generation: 2, variants: [{ version: 'flights/1' }, { version: 'flights/2' }] },
  })

  const edges = await upstream(db, 'deployment:flights/2')
  expect(edges.map((edge) => edge.upstream).toSorted()).toEqual(['model_version:flights/1', 'model_version:flights/2'])
  expect(
    (await listAudit(db, { subject: 'flights', limit: 10 }))
      .flatMap(({ action }) => (action.startsWith('endpoint.') ? [action] : []))
      .toSorted(),
  ).toEqual(['endpoint.create', 'endpoint.set_variants'].toSorted())
  const events = await readEvents(db, { seq: 0, types: ['endpoint.variants_changed'] })
  expect(events.map((event) => event.payload)).toMatchObject([{ endpoint: 'flights', generation: 2, reason: 'try 2' }])
  const { body } = await server.call('GET /gateway/config')
  expect(GatewayConfig.parse(body!['config'])).toMatchObject({
    generation: 2,
    endpoints: [
      { name: 'flights', clock: 'event', variants: [{ weight: 0.9, baseline: smallBaseline }, { weight: 0.1 }] },
    ],
  })
})

test('the salt of a split changes with a new canary and stays while it ramps', async () => {
  await using db = await openDatabase()
  await registerVersions(db, 3)
  await using server = await serverOf(db)
  await server.call('POST /endpoints', { name: 'flights' })
  const saltWith = async (...variants: object[]): Promise<unknown> =>
    (await server.call('PUT /endpoints/flights/variants', { variants, reason: 'ramp' })).body!['splitSalt']
  const alone = await saltWith(champion('flights/1'))
  const begun = await saltWith(champion('flights/1', 0.9), canary('flights/2', 0.1))
  const ramped = await saltWith(champion('flights/1', 0.5), canary('flights/2', 0.5))
  const next = await saltWith(champion('flights/1', 0.9), canary('flights/3', 0.1))
  expect(begun).not.toBe(alone)
  expect(ramped).toBe(begun)
  expect(next).not.toBe(begun)
})

test('variants that break a rule are refused and nothing changes', async () => {
  await using db = await openDatabase()
  await registerVersions(db, 1)
  const actor = testActor()
  await transact(db, (trx) =>
    registerVersion(trx, actor, { model: 'flights', digest: 'b'.repeat(64), bytes: 1, signature: smallSignature }),
  )
  await using server = await serverOf(db)
  await server.call('POST /endpoints', { name: 'flights' })
  const put = async (variants: object[], expected?: number): Promise<unknown> =>
    (
      await server.call('PUT /endpoints/flights/variants', {
        variants,
        reason: 'test',
        ...(expected ? { expected } : {}),
      })
    ).body!['code']
  expect(await put([canary('flights/1', 1)])).toBe('variants_invalid')
  expect(await put([champion('flights/1', 0.5)])).toBe('variants_invalid')
  expect(await put([champion('flights/1', 0.5), champion('flights/1', 0.5)])).toBe('variants_invalid')
  expect(await put([champion('flights/1', 0.9), { version: 'flights/2', role: 'shadow', weight: 0.1 }])).toBe(
    'variants_invalid',
  )
  expect(await put([champion('flights/9')])).toBe('model_version_not_found')
  expect(await put([champion('flights/2')])).toBe('version_not_approved')
  expect(await put([champion('flights')])).toBe('version_reference')
  expect(await put([champion('flights/1')], 7)).toBe('endpoint_moved')
  expect((await server.call('GET /endpoints/flights')).body).toMatchObject({ generation: 1, variants: [] })
})

test('a gateway that waits hears of a change at once, and of nothing when nothing changes', async () => {
  await using db = await openDatabase()
  await registerVersions(db, 1)
  await using server = await serverOf(db)
  await server.call('POST /endpoints', { name: 'flights' })
  const waiting = server.call('GET /gateway/config?after=1&waitMs=10000')
  await server.call('PUT /endpoints/flights/variants', { variants: [champion('flights/1')], reason: 'go' })
  expect((await waiting).body).toMatchObject({ config: { generation: 2 } })
  expect((await server.call('GET /gateway/config?after=2&waitMs=0')).body).toEqual({ config: null })
})

test('a report is applied once, however often it is sent', async () => {
  await using db = await openDatabase()
  const reports: GatewayReport[] = []
  await using server = await serverOf(db, reports)
  const report = { worker: 'w1', sequence: 1, predictions: [], counters: [], eventTimes: { flights: 5 }, dropped: 0 }
  const applied = async (sequence: number): Promise<unknown> =>
    (await server.call('POST /gateway/reports', { ...report, sequence })).body!['applied']
  expect([await applied(1), await applied(1), await applied(3), await applied(2), await applied(4)]).toEqual([
    true,
    false,
    true,
    false,
    true,
  ])
  expect(reports.map((found) => found.sequence)).toEqual([1, 3, 4])
})

test('a report whose content cannot be stored is not noted as applied', async () => {
  await using db = await openDatabase()
  let isBroken = true
  const onReport: GatewayRouteDeps['onReport'] = async () => {
    if (isBroken) throw new Error('the disk is full')
  }
  await using server = await createTestServer(routes, { db, configs: createGatewayConfigs(db), onReport })
  const payload = { worker: 'w1', sequence: 1, predictions: [], counters: [], eventTimes: {}, dropped: 0 }
  expect((await server.inject({ method: 'POST', url: '/gateway/reports', payload })).statusCode).toBe(500)
  isBroken = false
  expect((await server.inject({ method: 'POST', url: '/gateway/reports', payload })).json()).toEqual({ applied: true })
})

test('a version that a gateway took out is out for all, announced once, until somebody releases it', async () => {
  await using db = await openDatabase()
  await registerVersions(db, 2)
  await using server = await serverOf(db)
  await server.call('POST /endpoints', { name: 'flights' })
  const variants = [champion('flights/1', 0.9), canary('flights/2', 0.1)]
  await server.call('PUT /endpoints/flights/variants', { variants, reason: 'try' })
  const incident = {
    id: 'inc_1',
    atMs: 1,
    kind: 'hung',
    worker: 'w1',
    version: 'flights/2',
    isQuarantined: true,
    detail: 'it hung twice',
  }
  for (let sent = 0; sent < 2; sent++) expect((await server.call('POST /gateway/incidents', incident)).status).toBe(204)
  const quarantined = async (): Promise<unknown> =>
    ((await server.call('GET /endpoints/flights')).body!['variants'] as { quarantined: boolean }[]).map(
      (variant) => variant.quarantined,
    )
  expect(await quarantined()).toEqual([false, true])
  const events = await readEvents(db, { seq: 0, types: ['endpoint.version_quarantined'] })
  expect(events.map((event) => event.payload)).toEqual([
    { endpoint: 'flights', version: 'flights/2', role: 'canary', kind: 'hung', sentence: 'it hung twice' },
  ])
  expect((await server.call('GET /gateway/config?after=2')).body).toMatchObject({ config: { generation: 3 } })
  expect((await server.call('POST /models/flights/versions/2/release-quarantine', { reason: 'fixed' })).status).toBe(
    204,
  )
  expect(await quarantined()).toEqual([false, false])
  expect((await server.call('GET /gateway/incidents')).body).toMatchObject({
    incidents: [{ id: 'inc_1', version: 'flights/2' }],
  })
})

test('an endpoint that was deleted is gone from the configuration, and its name is free again', async () => {
  await using db = await openDatabase()
  await registerVersions(db, 1)
  await using server = await serverOf(db)
  await server.call('POST /endpoints', { name: 'flights' })
  await server.call('PUT /endpoints/flights/variants', { variants: [champion('flights/1')], reason: 'go' })
  expect((await server.call('POST /endpoints', { name: 'flights' })).body).toMatchObject({ code: 'endpoint_exists' })
  expect((await server.call('DELETE /endpoints/flights')).status).toBe(204)
  expect((await server.call('GET /gateway/config')).body).toMatchObject({ config: { endpoints: [] } })
  expect((await server.call('GET /endpoints/flights')).body).toMatchObject({ code: 'endpoint_not_found' })
  expect((await server.call('POST /endpoints', { name: 'flights' })).status).toBe(201)
  expect((await server.call('GET /endpoints/flights/deployments')).body).toMatchObject({
    deployments: [{ reason: 'go' }],
  })
})

test('a stopped endpoint stays stopped, whatever becomes of its variants, until somebody starts it again', async () => {
  await using db = await openDatabase()
  await registerVersions(db, 2)
  await using server = await serverOf(db)
  await server.call('POST /endpoints', { name: 'flights' })
  await server.call('PUT /endpoints/flights/variants', { variants: [champion('flights/1')], reason: 'go' })
  const stopped = await server.call('POST /endpoints/flights/stop', { reason: 'wrong prices' })
  expect(stopped).toMatchObject({ status: 200, body: { stopped: { actor: 'tester', reason: 'wrong prices' } } })
  expect((await server.call('POST /endpoints/flights/stop', { reason: 'again' })).body).toEqual(stopped.body)
  await server.call('PUT /endpoints/flights/variants', { variants: [champion('flights/2')], reason: 'another' })
  const { clock, logShare, options } = stopped.body as Record<string, unknown>
  await server.call('PUT /endpoints/flights/settings', { clock, logShare, options, queueRowsMax: 5 })
  const configured = async (): Promise<unknown> =>
    GatewayConfig.parse((await server.call('GET /gateway/config')).body!['config']).endpoints[0]!.stopped
  expect(await configured()).toBe('wrong prices')

  const started = await server.call('POST /endpoints/flights/start', { reason: 'mended' })
  expect(started).toMatchObject({ status: 200, body: { stopped: null, variants: [{ version: 'flights/2' }] } })
  expect(await configured()).toBeUndefined()
  expect(await server.call('POST /endpoints/none/stop', { reason: 'x' })).toMatchObject({ status: 404 })
  const actions = (await listAudit(db, { subject: 'flights', limit: 20 })).map(({ action }) => action)
  expect(actions.filter((action) => /st(?:op|art)$/v.test(action)).toSorted()).toEqual([
    'endpoint.start',
    'endpoint.stop',
  ])
  const events = await readEvents(db, { seq: 0, types: ['endpoint.stopped', 'endpoint.started'] })
  expect(events.map(({ payload }) => payload)).toMatchObject([{ reason: 'wrong prices' }, { reason: 'mended' }])
})

test('whoever is woken hears of a change long before it would look by itself', async () => {
  await using db = await openDatabase()
  await registerVersions(db, 2)
  const configs = createGatewayConfigs(db, { pollMs: 600_000 })
  await using server = await createTestServer(routes, { db, configs, onReport: async () => undefined })
  await server.inject({ method: 'POST', url: '/endpoints', payload: { name: 'flights' } })
  const waiting = configs.wait(1, 600_000)
  await new Promise((resolve) => setTimeout(resolve, 30))
  await server.inject({ method: 'POST', url: '/endpoints/flights/stop', payload: { reason: 'x' } })
  configs.wake()
  expect(await waiting).toMatchObject({ generation: 2, endpoints: [{ stopped: 'x' }] })
})

test('whoever may only read changes nothing', async () => {
  await using db = await openDatabase()
  await using server = await serverOf(db, [], { permissions: ['endpoint.read'] })
  for (const how of [
    'POST /endpoints',
    'PUT /endpoints/flights/variants',
    'POST /endpoints/flights/stop',
    'POST /endpoints/flights/start',
    'DELETE /endpoints/flights',
    'POST /gateway/reports',
  ]) {
    expect((await server.call(how, { name: 'flights' })).status).toBe(403)
  }
})
