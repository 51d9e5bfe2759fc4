// Pipeline runs over HTTP: parse, call one function, answer.
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Connection } from '../platform/database.ts'
import { actorOf } from '../governance/access.ts'
import { Page } from '../platform/http.ts'
import type { PipelineEngine } from './engine.ts'
import { listPipelineRuns } from './stores/pipeline-run-store.ts'
import { Labels, PipelineRun, PipelineRunDetail, PipelineRunState } from './pipeline-run.ts'
import { PipelineSpec } from './pipeline.ts'
import { getPipelineRun } from './run-start.ts'
import { LogTail, readStepLog } from './step-log.ts'
import type { EngineTables } from './step-transitions.ts'

export interface PipelineRouteDeps {
  readonly db: Connection<EngineTables>
  readonly engine: PipelineEngine
  readonly attemptsDirectory: string
}

const id = z.string().min(1).max(64)
const reason = z.string().min(1).max(2000)
const read = { permission: 'pipeline.read' } as const
const change = { permission: 'pipeline.run' } as const

export const pipelineRoutes: FastifyPluginAsyncZod<PipelineRouteDeps> = async (server, deps) => {
  const { attemptsDirectory, db, engine } = deps

  const list = {
    querystring: Page.extend({ pipeline: z.string().optional(), state: PipelineRunState.optional() }),
    response: { 200: z.strictObject({ items: z.array(PipelineRun), next: z.string().nullable() }) },
  }
  server.get('/pipeline-runs', { schema: list, config: read }, async ({ query }) => {
    const items = await listPipelineRuns(db, query)
    return { items, next: items.length === query.limit ? (items.at(-1)?.id ?? null) : null }
  })

  const start = {
    body: z.strictObject({ spec: PipelineSpec, reason, labels: Labels.optional() }),
    response: { 201: z.strictObject({ id }) },
  }
  server.post('/pipeline-runs', { schema: start, config: change }, async (request, reply) => {
    const { labels, reason: why, spec } = request.body
    const run = await engine.startRun(db, actorOf(request), { spec, reason: why, ...(labels ? { labels } : {}) })
    return reply.code(201).send({ id: run })
  })

  const one = { params: z.strictObject({ id }), response: { 200: PipelineRunDetail } }
  server.get('/pipeline-runs/:id', { schema: one, config: read }, ({ params }) => getPipelineRun(db, params.id))

  const cancel = {
    params: z.strictObject({ id }),
    body: z.strictObject({ reason }),
    response: { 200: PipelineRunDetail },
  }
  server.post('/pipeline-runs/:id/cancel', { schema: cancel, config: change }, async (request) => {
    await engine.cancelRun(db, actorOf(request), { ...request.params, ...request.body })
    return getPipelineRun(db, request.params.id)
  })

  const log = {
    params: z.strictObject({ id, step: z.string().min(1).max(64) }),
    querystring: z.strictObject({
      offset: z.coerce.number().int().min(0).default(0),
      attempt: z.coerce.number().int().positive().optional(),
    }),
    response: { 200: LogTail },
  }
  server.get('/pipeline-runs/:id/steps/:step/log', { schema: log, config: read }, ({ params, query }) =>
    readStepLog({ db, attemptsDirectory }, { pipelineRunId: params.id, step: params.step, ...query }),
  )
}
