// HTTP for loops: plan, apply, look, and ask for a retrain or a pause.
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import type { Kysely } from 'kysely'
import { z } from 'zod'
import { actorOf } from '../governance/access.ts'
import { applyLoop, type ApplyTables } from './apply.ts'
import { listDecisions, type DecisionTables } from './decision-store.ts'
import { findAppliedSpec, findState, getAppliedSpec, listLoopNames } from './loop-store.ts'
import { requestOfLoop, type LoopRequestKind } from './loop-request.ts'
import { Plan, planLoop } from './plan.ts'
import { Decision, emptyState, LoopState } from './policy-state.ts'
import { LoopSpec, parseLoopSpec } from './spec.ts'

export type LoopRouteTables = ApplyTables & DecisionTables

export interface LoopRouteDeps {
  readonly db: Kysely<LoopRouteTables>
  /** Called after a change that the engine should hear of at once. */
  readonly wake?: () => void
}

const params = z.strictObject({ loop: LoopSpec.shape.name })
// Checked by parseLoopSpec, whose error names the fields as the loop file does.
const spec = z.unknown()
const version = z.int().nonnegative()
const summary = z.object({
  loop: z.string(),
  version,
  phase: LoopState.shape.phase,
  paused: z.boolean(),
  champion: z.string().nullable(),
})
const detail = z.object({
  version,
  spec: z.unknown().describe('the applied spec'),
  appliedBy: z.string(),
  appliedMs: z.int(),
  state: LoopState,
})
const StoredDecision = Decision.extend({ number: z.int(), recordedMs: z.int() })
const historyMax = 1000
const querystring = z.object({
  after: z.coerce.number().int().nonnegative().default(0),
  limit: z.coerce.number().int().min(1).max(historyMax).default(100),
})

export const loopRoutes: FastifyPluginAsyncZod<LoopRouteDeps> = async (server, deps) => {
  const { db } = deps
  const read = { permission: 'loop.read' } as const
  const write = { permission: 'loop.write' } as const

  server.post(
    '/loops/plan',
    { schema: { body: z.strictObject({ spec }), response: { 200: Plan } }, config: read },
    async ({ body }) => {
      const desired = parseLoopSpec(body.spec)
      return planLoop(desired, await findAppliedSpec(db, desired.name))
    },
  )

  const applyBody = z.strictObject({ spec, fromVersion: version.optional() })
  server.post(
    '/loops/apply',
    { schema: { body: applyBody, response: { 200: z.object({ plan: Plan, version }) } }, config: write },
    async (request) => {
      const { fromVersion } = request.body
      const applied = await applyLoop(db, actorOf(request), { spec: parseLoopSpec(request.body.spec), fromVersion })
      deps.wake?.()
      return applied
    },
  )

  const listed = z.object({ loops: z.array(summary) })
  server.get('/loops', { schema: { response: { 200: listed } }, config: read }, async () => {
    const loops = []
    for (const loop of await listLoopNames(db)) {
      const { phase, paused, champion } = (await findState(db, loop))?.state ?? emptyState
      loops.push({ loop, version: (await getAppliedSpec(db, loop)).version, phase, paused, champion })
    }
    return { loops }
  })

  server.get('/loops/:loop', { schema: { params, response: { 200: detail } }, config: read }, async (request) => {
    const applied = await getAppliedSpec(db, request.params.loop)
    return { ...applied, state: (await findState(db, request.params.loop))?.state ?? emptyState }
  })

  const history = z.object({ decisions: z.array(StoredDecision) })
  server.get(
    '/loops/:loop/history',
    { schema: { params, querystring, response: { 200: history } }, config: read },
    async (request) => {
      await getAppliedSpec(db, request.params.loop)
      return { decisions: await listDecisions(db, { loop: request.params.loop, ...request.query }) }
    },
  )

  const asks: [string, LoopRequestKind][] = [
    ['trigger', 'retrain_requested'],
    ['pause', 'paused'],
    ['resume', 'resumed'],
  ]
  const body = z.strictObject({ reason: z.string().min(1).max(2000) })
  for (const [verb, kind] of asks) {
    const schema = { params, body, response: { 202: z.object({ accepted: z.literal(true) }) } }
    server.post(`/loops/:loop/${verb}`, { schema, config: write }, async (request, reply) => {
      await requestOfLoop(db, actorOf(request), { loop: request.params.loop, kind, reason: request.body.reason })
      deps.wake?.()
      return reply.code(202).send({ accepted: true })
    })
  }
}
