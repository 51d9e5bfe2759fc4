// HTTP of the gateways' workers on the control plane: how many there should be, and a rolling restart.
import { availableParallelism } from 'node:os'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '../../governance/access.ts'
import type { AuditTables } from '../../governance/audit.ts'
import { transact, type Connection } from '../../platform/database.ts'
import type { EndpointTables } from '../endpoint-store.ts'
import { restartFleet, scaleFleet } from './fleet-changes.ts'
import { GatewayFleet } from '../gateway-fleet.ts'
import { findFleet, type FleetTables } from './gateway-fleet-store.ts'

const reason = z.string().min(1).max(2_000)
const write = { permission: 'endpoint.write' } as const

export const fleetRoutes: FastifyPluginAsyncZod<{
  db: Connection<FleetTables & EndpointTables & AuditTables>
}> = async (server, { db }) => {
  // The control plane and the gateway of a home share a machine.
  const cores = availableParallelism()
  const answer = { response: { 200: GatewayFleet } }
  server.get('/gateway/fleet', { config: { permission: 'endpoint.read' }, schema: answer }, async () => findFleet(db))

  const scaled = { ...answer, body: z.strictObject({ workers: z.int().min(1).nullable(), reason }) }
  server.put('/gateway/workers', { config: write, schema: scaled }, async (request) =>
    transact(db, (trx) => scaleFleet(trx, actorOf(request), { ...request.body, cores })),
  )

  const restarted = { ...answer, body: z.strictObject({ reason }) }
  server.post('/gateway/restart', { config: write, schema: restarted }, async (request) =>
    transact(db, (trx) => restartFleet(trx, actorOf(request), request.body)),
  )
}
