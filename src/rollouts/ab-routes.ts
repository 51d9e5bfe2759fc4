// HTTP of A/B tests: what is under way, what was found, starting one and stopping it.
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '../governance/access.ts'
import type { Connection } from '../platform/database.ts'
import { Page } from '../platform/http.ts'
import { EndpointName } from '../serving/endpoint.ts'
import { abTestNotFound, AbPlan, AbTest, AbVerdict } from './ab-test.ts'
import { findAbTest, listAbTests, listAbVerdicts } from './ab/ab-test-store.ts'
import { startAbTest, stopAbTest } from './ab-tests.ts'
import { policyTimeMs } from './policy-time.ts'
import type { RolloutDatabase } from './traffic-moves.ts'

const read = { permission: 'rollout.read' } as const
const write = { permission: 'rollout.write' } as const
const params = z.object({ id: z.string().min(1).max(64) })
const reason = z.string().min(1).max(2000)

export const abTestRoutes: FastifyPluginAsyncZod<{ db: Connection<RolloutDatabase> }> = async (server, { db }) => {
  const listed = {
    querystring: z.object({
      limit: Page.shape.limit,
      endpoint: EndpointName.optional(),
      /** Id of the last one of the page before. */
      before: z.string().optional(),
    }),
    response: { 200: z.strictObject({ tests: z.array(AbTest) }) },
  }
  server.get('/ab-tests', { config: read, schema: listed }, async ({ query }) => ({
    tests: await listAbTests(db, query),
  }))

  const one = { params, response: { 200: AbTest } }
  server.get('/ab-tests/:id', { config: read, schema: one }, async ({ params: { id } }) => {
    const test = await findAbTest(db, id)
    if (!test) throw abTestNotFound(id)
    return test
  })

  const verdicts = {
    params,
    /** `before`: the sequence of the last one of the page before. */
    querystring: z.object({ limit: Page.shape.limit, before: z.coerce.number().int().optional() }),
    response: { 200: z.strictObject({ verdicts: z.array(AbVerdict) }) },
  }
  server.get('/ab-tests/:id/verdicts', { config: read, schema: verdicts }, async ({ params: { id }, query }) => {
    if (!(await findAbTest(db, id))) throw abTestNotFound(id)
    return { verdicts: await listAbVerdicts(db, { test: id, ...query }) }
  })

  const started = { body: AbPlan.extend({ endpoint: EndpointName, reason }), response: { 201: AbTest } }
  server.post('/ab-tests', { config: write, schema: started }, async (request, reply) => {
    const actor = actorOf(request)
    const { endpoint, reason: why, ...plan } = request.body
    const nowMs = await policyTimeMs(db, endpoint, actor.clock)
    return reply.code(201).send(await startAbTest(db, actor, { endpoint, plan, reason: why, nowMs }))
  })

  const stopped = { params, body: z.strictObject({ reason }), response: { 200: AbTest } }
  server.post('/ab-tests/:id/stop', { config: write, schema: stopped }, async (request) => {
    const actor = actorOf(request)
    const { id } = request.params
    const test = await findAbTest(db, id)
    if (!test) throw abTestNotFound(id)
    const nowMs = await policyTimeMs(db, test.endpoint, actor.clock)
    return stopAbTest(db, actor, { id, reason: request.body.reason, nowMs })
  })
}
