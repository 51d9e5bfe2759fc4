// HTTP for loops: plan, apply, look, ask for a retrain or a pause, and propose a graph.
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Connection } from '../platform/database.ts'
import { Digest } from '../data/manifest.ts'
import { assertSnapshotStored } from '../experiments/restore-snapshot.ts'
import { Code } from '../experiments/run.ts'
import { actorOf } from '../governance/access.ts'
import type { BlobStore } from '../platform/blobs.ts'
import { applyLoop, type ApplyTables } from './apply.ts'
import { listDecisions, type DecisionTables } from './decision-store.ts'
import { findAppliedSpec, findState, getAppliedSpec, listLoopNames } from './loop-store.ts'
import { proposeCandidate, requestOfLoop, type LoopRequestKind } from './loop-request.ts'
import { Plan, planLoop } from './plan.ts'
import { Decision, emptyState, LoopState } from './policy-state.ts'
import { LoopSpec, parseLoopSpec } from './spec.ts'

export type LoopRouteTables = ApplyTables & DecisionTables

export interface LoopRouteDeps {
  readonly db: Connection<LoopRouteTables>
  readonly blobs: Pick<BlobStore, 'has' | 'stream'>
  /** Called after a change that the engine should hear of at once. */
  readonly wake?: () => void
}

const params = z.strictObject({ loop: LoopSpec.shape.name })
// Checked by parseLoopSpec, whose error names the fields as the loop file does.
const spec = z.unknown()
/** Of the project; without it that of the applied version stays. */
const sentCode = Code.optional()
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
  code: Code.nullable().describe('of the project that it was applied from'),
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
  const { db, blobs } = deps
  const read = { permission: 'loop.read' } as const
  const write = { permission: 'loop.write' } as const

  server.post(
    '/loops/plan',
    { schema: { body: z.strictObject({ spec, code: sentCode }), response: { 200: Plan } }, config: read },
    async ({ body }) => {
      const desired = parseLoopSpec(body.spec)
      const applied = await findAppliedSpec(db, desired.name)
      return planLoop({ spec: desired, code: body.code ?? applied?.code ?? null }, applied)
    },
  )

  const applyBody = z.strictObject({ spec, code: sentCode, fromVersion: version.optional() })
  server.post(
    '/loops/apply',
    {
      schema: { body: applyBody, response: { 200: z.object({ plan: Plan, version, retried: z.boolean() }) } },
      config: write,
    },
    async (request) => {
      const { code, fromVersion } = request.body
      const desired = parseLoopSpec(request.body.spec)
      const before = await findAppliedSpec(db, desired.name)
      if (code?.snapshot && code.snapshot !== before?.code?.snapshot) await assertSnapshotStored(blobs, code.snapshot)
      const applied = await applyLoop(db, actorOf(request), { spec: desired, code, fromVersion })
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

  await server.register(requestRoutes, deps)
}

/** What people ask of a loop: heard by the engine, which tells in the loop's history what came of it. */
const requestRoutes: FastifyPluginAsyncZod<LoopRouteDeps> = async (server, deps) => {
  const config = { permission: 'loop.write' } as const
  const response = { 202: z.object({ accepted: z.literal(true) }) }
  const asks: [string, LoopRequestKind][] = [
    ['trigger', 'retrain_requested'],
    ['pause', 'paused'],
    ['resume', 'resumed'],
  ]
  const body = z.strictObject({ reason: z.string().min(1).max(2000) })
  for (const [verb, kind] of asks) {
    const schema = { params, body, response }
    server.post(`/loops/:loop/${verb}`, { schema, config }, async (request, reply) => {
      await requestOfLoop(deps.db, actorOf(request), { loop: request.params.loop, kind, reason: request.body.reason })
      deps.wake?.()
      return reply.code(202).send({ accepted: true })
    })
  }

  // Shorter than the others: it becomes a part of what a step and a model version are told.
  const proposed = z.strictObject({ digest: Digest, reason: z.string().min(1).max(1000) })
  const proposal = { params, body: proposed, response }
  server.post('/loops/:loop/proposals', { schema: proposal, config }, async (request, reply) => {
    await proposeCandidate(deps, actorOf(request), { loop: request.params.loop, ...request.body })
    deps.wake?.()
    return reply.code(202).send({ accepted: true })
  })
}
