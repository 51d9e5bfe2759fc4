// HTTP of rollouts: what is under way and why, starting one, and taking one back.
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Connection } from '../platform/database.ts'
import { actorOf } from '../governance/access.ts'
import { Page } from '../platform/http.ts'
import { ModelName } from '../models/model.ts'
import { EndpointName } from '../serving/endpoint.ts'
import { policyTimeMs } from './policy-time.ts'
import type { Rehearse } from './rehearsal.ts'
import { rollbackUnrehearsed, Rollout, rolloutNotFound, RolloutPolicy, RolloutVerdict } from './rollout.ts'
import { findRollout, listRollouts, listVerdicts } from './rollout-store.ts'
import { rollback, rollbackTarget, startRollout } from './rollouts.ts'
import type { RolloutDatabase } from './traffic-moves.ts'

export interface RolloutRouteDeps {
  readonly db: Connection<RolloutDatabase>
  /** Asks the version that a rollback would put back. Absent: rollbacks go without. */
  readonly rehearse?: Rehearse | undefined
}

const read = { permission: 'rollout.read' } as const
const write = { permission: 'rollout.write' } as const
const ofRollout = z.object({ id: z.string().min(1).max(64) })
const reason = z.string().min(1).max(2000)

export const rolloutRoutes: FastifyPluginAsyncZod<RolloutRouteDeps> = async (server, { db, rehearse }) => {
  const listed = {
    querystring: z.object({
      limit: Page.shape.limit,
      endpoint: EndpointName.optional(),
      /** Id of the last one of the page before. */
      before: z.string().optional(),
    }),
    response: { 200: z.strictObject({ rollouts: z.array(Rollout) }) },
  }
  server.get('/rollouts', { config: read, schema: listed }, async ({ query }) => ({
    rollouts: await listRollouts(db, query),
  }))

  const one = { params: ofRollout, response: { 200: Rollout } }
  server.get('/rollouts/:id', { config: read, schema: one }, async ({ params: { id } }) => {
    const rollout = await findRollout(db, id)
    if (!rollout) throw rolloutNotFound(id)
    return rollout
  })

  const verdicts = {
    params: ofRollout,
    /** `before`: the sequence of the last one of the page before. */
    querystring: z.object({ limit: Page.shape.limit, before: z.coerce.number().int().optional() }),
    response: { 200: z.strictObject({ verdicts: z.array(RolloutVerdict) }) },
  }
  server.get('/rollouts/:id/verdicts', { config: read, schema: verdicts }, async ({ params: { id }, query }) => {
    if (!(await findRollout(db, id))) throw rolloutNotFound(id)
    return { verdicts: await listVerdicts(db, { rollout: id, ...query }) }
  })

  const started = {
    body: z.strictObject({
      endpoint: EndpointName,
      model: ModelName,
      version: z.int().positive(),
      policy: RolloutPolicy.prefault({}),
      reason,
      /** What was started under it once is answered again. */
      key: z.string().min(1).max(200).optional(),
    }),
    response: { 201: Rollout },
  }
  server.post('/rollouts', { config: write, schema: started }, async (request, reply) => {
    const actor = actorOf(request)
    const nowMs = await policyTimeMs(db, request.body.endpoint, actor.clock)
    return reply.code(201).send(await startRollout(db, actor, { ...request.body, nowMs }))
  })

  const taken = {
    params: z.object({ endpoint: EndpointName }),
    body: z.strictObject({
      reason,
      /** Also to a version that no longer answers its examples as it did, or cannot be asked. */
      force: z.boolean().default(false),
    }),
    response: { 200: Rollout },
  }
  server.post('/endpoints/:endpoint/rollback', { config: write, schema: taken }, async (request) => {
    const actor = actorOf(request)
    const { endpoint } = request.params
    const { force, reason: why } = request.body
    const target = force ? undefined : await rollbackTarget(db, endpoint)
    const rehearsal = target === undefined ? undefined : await rehearse?.(target)
    if (rehearsal && !rehearsal.passed) throw rollbackUnrehearsed(rehearsal)
    const nowMs = await policyTimeMs(db, endpoint, actor.clock)
    return rollback(db, actor, { endpoint, reason: force ? `${why} (forced)` : why, nowMs })
  })
}
