// Batch scorings on record: in the audit log and the lineage graph, told by whoever ran one. What was scored stays where it is.
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '../../governance/access.ts'
import { recordAudit, type Actor, type AuditTables } from '../../governance/audit.ts'
import { recordLineage, upstream, type LineageNode, type LineageTables } from '../../governance/lineage.ts'
import { getGraphVersion, type ModelVersionTables } from '../../models/model-version-store.ts'
import { parseVersion } from '../../models/model-version.ts'
import { transact, type Connection, type Transaction } from '../../platform/database.ts'
import { ScoringManifest } from '../batch-scoring-manifest.ts'
import { endpointNotFound, EndpointName } from '../endpoint.ts'
import { findEndpoint, type EndpointTables } from '../endpoint-store.ts'

export type ScoringTables = EndpointTables & ModelVersionTables & AuditTables & LineageTables

export const scoringNode = (id: string): LineageNode => `scoring:${id}`

/**
 * Idempotent by the scoring's id. Answers false for one that is on record already.
 * @throws DomainError endpoint_not_found, model_version_not_found
 */
export async function recordScoring(
  trx: Transaction<ScoringTables>,
  actor: Actor,
  scoring: ScoringManifest,
): Promise<boolean> {
  const { id, endpoint, version, ...detail } = scoring
  if (!(await findEndpoint(trx, endpoint))) throw endpointNotFound(endpoint)
  await getGraphVersion(trx, parseVersion(version))
  const node = scoringNode(id)
  if ((await upstream(trx, node)).length > 0) return false
  await recordLineage(trx, [
    { upstream: `model_version:${version}`, downstream: node, relation: 'scored', atMs: actor.clock() },
  ])
  await recordAudit(trx, actor, { action: 'endpoint.score', subject: endpoint, detail: { id, version, ...detail } })
  return true
}

export const scoringRoutes: FastifyPluginAsyncZod<{ db: Connection<ScoringTables> }> = async (server, { db }) => {
  const params = z.object({ name: EndpointName })
  const body = ScoringManifest.omit({ endpoint: true })
  const told = { params, body, response: { 200: z.object({ recorded: z.boolean() }) } }
  const infer = { permission: 'endpoint.infer' } as const
  server.post('/endpoints/:name/scorings', { config: infer, schema: told }, async (request) => {
    const scoring = { ...request.body, endpoint: request.params.name }
    return { recorded: await transact(db, (trx) => recordScoring(trx, actorOf(request), scoring)) }
  })
}
