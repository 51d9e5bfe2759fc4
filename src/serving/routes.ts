// HTTP of serving on the control plane: endpoints for people and tools, configuration, reports and incidents for gateways.
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '../governance/access.ts'
import type { AuditTables } from '../governance/audit.ts'
import type { LineageTables } from '../governance/lineage.ts'
import type { ModelVersionTables } from '../models/model-version-store.ts'
import { transact, type Connection } from '../platform/database.ts'
import type { EventTables } from '../platform/events.ts'
import { Page } from '../platform/http.ts'
import {
  Deployment,
  Endpoint,
  endpointNotFound,
  EndpointName,
  EndpointSettings,
  EndpointVariant,
  variantsMax,
} from './endpoint.ts'
import { findEndpoint, listDeployments, listEndpoints, type EndpointTables } from './endpoint-store.ts'
import {
  configureEndpoint,
  createEndpoint,
  deleteEndpoint,
  releaseQuarantine,
  setVariants,
  startEndpoint,
  stopEndpoint,
} from './endpoints.ts'
import { GatewayConfig } from './gateway-config.ts'
import type { GatewayConfigs } from './gateway-configs.ts'
import { GatewayIncident } from './contract/gateway-incident.ts'
import { listIncidents, takeIncident, takeReport, type GatewayTables, type OnReport } from './gateway-intake.ts'
import { GatewayReport } from './gateway-report.ts'
import { fleetRoutes } from './control-plane/fleet-routes.ts'
import type { FleetTables } from './control-plane/gateway-fleet-store.ts'
import { scoringRoutes } from './scoring/scorings.ts'

export type ServingTables = EndpointTables &
  GatewayTables &
  FleetTables &
  ModelVersionTables &
  AuditTables &
  EventTables &
  LineageTables

/** A report holds up to 20,000 predictions with what the shadows said. */
const reportBytesMax = 64 * 1024 * 1024
const waitMsMax = 25_000

const params = z.object({ name: EndpointName })
const reason = z.string().min(1).max(2_000)
const read = { permission: 'endpoint.read' } as const
const write = { permission: 'endpoint.write' } as const

/** The kill switch of an endpoint. */
const switchRoutes: FastifyPluginAsyncZod<{ db: Connection<ServingTables> }> = async (server, { db }) => {
  const switched = { params, body: z.strictObject({ reason }), response: { 200: Endpoint } }
  server.post('/endpoints/:name/stop', { config: write, schema: switched }, async (request) =>
    transact(db, (trx) => stopEndpoint(trx, actorOf(request), { ...request.params, ...request.body })),
  )
  server.post('/endpoints/:name/start', { config: write, schema: switched }, async (request) =>
    transact(db, (trx) => startEndpoint(trx, actorOf(request), { ...request.params, ...request.body })),
  )
}

export const endpointRoutes: FastifyPluginAsyncZod<{ db: Connection<ServingTables> }> = async (server, { db }) => {
  await server.register(scoringRoutes, { db })
  await server.register(fleetRoutes, { db })
  const listed = { response: { 200: z.object({ endpoints: z.array(Endpoint) }) } }
  server.get('/endpoints', { config: read, schema: listed }, async () => ({ endpoints: await listEndpoints(db) }))

  const made = { body: EndpointSettings.extend({ name: EndpointName }), response: { 201: Endpoint } }
  server.post('/endpoints', { config: write, schema: made }, async (request, reply) => {
    const { name, ...settings } = request.body
    const endpoint = await transact(db, (trx) => createEndpoint(trx, actorOf(request), { name, settings }))
    return reply.code(201).send(endpoint)
  })

  const one = { params, response: { 200: Endpoint } }
  server.get('/endpoints/:name', { config: read, schema: one }, async (request) => {
    const endpoint = await findEndpoint(db, request.params.name)
    if (!endpoint) throw endpointNotFound(request.params.name)
    return endpoint
  })

  const settled = { params, body: EndpointSettings, response: { 200: Endpoint } }
  server.put('/endpoints/:name/settings', { config: write, schema: settled }, async (request) => {
    const change = { name: request.params.name, settings: request.body }
    return transact(db, (trx) => configureEndpoint(trx, actorOf(request), change))
  })

  server.delete('/endpoints/:name', { config: write, schema: { params } }, async (request, reply) => {
    await transact(db, (trx) => deleteEndpoint(trx, actorOf(request), request.params.name))
    return reply.code(204).send()
  })

  await server.register(switchRoutes, { db })

  const moved = {
    params,
    body: z.strictObject({
      variants: z.array(EndpointVariant).max(variantsMax),
      reason,
      expected: z.int().nonnegative().optional(),
    }),
    response: { 200: Endpoint },
  }
  server.put('/endpoints/:name/variants', { config: write, schema: moved }, async (request) => {
    const change = { endpoint: request.params.name, ...request.body }
    return transact(db, (trx) => setVariants(trx, actorOf(request), change))
  })

  const history = { params, querystring: Page, response: { 200: z.object({ deployments: z.array(Deployment) }) } }
  server.get('/endpoints/:name/deployments', { config: read, schema: history }, async (request) => {
    const { limit, after } = request.query
    const before = after === undefined ? undefined : Number(after)
    return { deployments: await listDeployments(db, { endpoint: request.params.name, before, limit }) }
  })

  const version = z.object({ model: z.string(), version: z.string() })
  const released = { params: version, body: z.strictObject({ reason }) }
  server.post(
    '/models/:model/versions/:version/release-quarantine',
    { config: write, schema: released },
    async (request, reply) => {
      const { model, version: number } = request.params
      const change = { version: `${model}/${number}`, reason: request.body.reason }
      await transact(db, (trx) => releaseQuarantine(trx, actorOf(request), change))
      return reply.code(204).send()
    },
  )
}

export interface GatewayRouteDeps {
  readonly db: Connection<ServingTables>
  readonly configs: GatewayConfigs
  /** Monitoring's part of a report, in the transaction that notes its number. */
  readonly onReport: OnReport<ServingTables>
}

/** What only the gateways of this home call. */
export const gatewayControlRoutes: FastifyPluginAsyncZod<GatewayRouteDeps> = async (
  server,
  { db, configs, onReport },
) => {
  const gateway = { permission: 'gateway.report' } as const
  const polled = {
    querystring: z.object({
      /** The generation that the gateway has; -1: none. */
      after: z.coerce.number().int().default(-1),
      waitMs: z.coerce.number().int().min(0).max(waitMsMax).default(0),
    }),
    /** null: nothing changed meanwhile. */
    response: { 200: z.object({ config: GatewayConfig.nullable() }) },
  }
  server.get('/gateway/config', { config: gateway, schema: polled }, async (request, reply) => {
    const { after, waitMs } = request.query
    const hungUp = new AbortController()
    reply.raw.once('close', () => hungUp.abort())
    return { config: (await configs.wait(after, waitMs, hungUp.signal)) ?? null }
  })

  const reported = { body: GatewayReport, response: { 200: z.object({ applied: z.boolean() }) } }
  const reports = { config: gateway, schema: reported, bodyLimit: reportBytesMax }
  server.post('/gateway/reports', reports, async (request) => ({
    applied: await takeReport({ db, onReport }, actorOf(request), request.body),
  }))

  server.post('/gateway/incidents', { config: gateway, schema: { body: GatewayIncident } }, async (request, reply) => {
    await takeIncident(db, actorOf(request), request.body)
    return reply.code(204).send()
  })

  const incidents = z.object({ incidents: z.array(GatewayIncident.omit({ isQuarantined: true })) })
  const listed = { querystring: Page.pick({ limit: true }), response: { 200: incidents } }
  server.get('/gateway/incidents', { config: read, schema: listed }, async (request) => ({
    incidents: await listIncidents(db, request.query.limit),
  }))
}
