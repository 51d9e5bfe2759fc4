// Runs and experiments over HTTP: parse, call one function, answer.
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf, callerOf } from '../governance/access.ts'
import { transact, type Connection } from '../platform/database.ts'
import { Page } from '../platform/http.ts'
import type { Reader } from '../platform/reader.ts'
import { Experiment, ExperimentName } from './experiment.ts'
import type { AlsoDeleted } from './deletion.ts'
import { changeExperiment, createExperiment, getExperiment, listExperiments } from './experiments.ts'
import { bucketsMax, readBuckets, WireBucket, wireOfBucket } from './metric-buckets.ts'
import { numberOfWire, WireNumber } from './metric.ts'
import { getRun, wireOfRun } from './reading.ts'
import { createRun, finishRun, logArtifact, resumeRun, setRunDeleted, type RecordingTables } from './recording.ts'
import {
  Artifact,
  batchMax,
  Code,
  EndState,
  Environment,
  inputsMax,
  Key,
  Params,
  RunId,
  RunInput,
  Seeds,
  Tags,
  WireRun,
  WireRunSummary,
} from './run.ts'
import { logInputs } from './run-links.ts'
import type { RunWriter } from './run-writer.ts'
import { filtersMax, ordersMax, RunConditionBody, RunOrder, searchRuns } from './search.ts'
import { assertUnscoped, assertWritesRun, tagsOfNewRun } from './write-scope.ts'

const params = z.object({ run: RunId })
const ok = { 200: z.strictObject({}) }
const inputs = z.array(RunInput).max(inputsMax)

const newRun = z.strictObject({
  experiment: ExperimentName,
  name: Key.optional(),
  startedAtMs: z.int().optional(),
  params: Params.optional(),
  tags: Tags.optional(),
  seeds: Seeds.optional(),
  code: Code.optional(),
  environment: Environment.optional(),
  inputs: inputs.optional(),
})
const point = z.strictObject({ key: Key, step: z.int().default(0), atMs: z.int(), value: WireNumber })
const batch = z.strictObject({
  metrics: z.array(point).max(batchMax.metrics).default([]),
  params: Params.default({}),
  tags: Tags.default({}),
})
const search = z.strictObject({
  experiment: ExperimentName.optional(),
  filter: z.array(RunConditionBody).max(filtersMax).default([]),
  orderBy: z.union([RunOrder, z.array(RunOrder).max(ordersMax)]).default([]),
  view: z.enum(['active', 'deleted', 'all']).default('active'),
  limit: Page.shape.limit,
  after: z.string().max(20_000).optional(),
})

const read = { permission: 'run.read' } as const
const write = { permission: 'run.write' } as const

export interface RunRouteDeps {
  readonly db: Connection<RecordingTables>
  readonly reader: Reader
  readonly writer: RunWriter<RecordingTables>
  readonly alsoDeleted: AlsoDeleted
}

export const runRoutes: FastifyPluginAsyncZod<RunRouteDeps> = async (server, { alsoDeleted, db, reader, writer }) => {
  const created = { 201: z.strictObject({ id: RunId }) }
  server.post('/runs', { schema: { body: newRun, response: created }, config: write }, async (request, reply) => {
    const tags = await tagsOfNewRun(db, callerOf(request), request.body)
    const id = await transact(db, (trx) => createRun(trx, actorOf(request), { ...request.body, tags }))
    return reply.code(201).send({ id })
  })
  const found = { 200: z.strictObject({ runs: z.array(WireRunSummary), next: z.string().optional() }) }
  // A search has a body: filters hold any text, and a URL has no room for twenty of them.
  server.post('/runs/search', { schema: { body: search, response: found }, config: read }, async ({ body }) => {
    const { filter, orderBy, ...asked } = body
    const condition = { all: filter }
    const { runs, ...rest } = await searchRuns({ db, reader }, { ...asked, condition, orderBy: [orderBy].flat() })
    return { runs: runs.map(wireOfRun), ...rest }
  })
  server.get('/runs/:run', { schema: { params, response: { 200: WireRun } }, config: read }, async (request) =>
    wireOfRun(await getRun(db, request.params.run)),
  )
  server.post('/runs/:run/batch', { schema: { params, body: batch, response: ok }, config: write }, async (request) => {
    const { run } = request.params
    await assertWritesRun(db, callerOf(request), run)
    const metrics = request.body.metrics.map((sent) => ({ ...sent, value: numberOfWire(sent.value) }))
    await writer.log(run, { ...request.body, metrics })
    return {}
  })
  const added = z.strictObject({ inputs })
  server.post(
    '/runs/:run/inputs',
    { schema: { params, body: added, response: ok }, config: write },
    async (request) => {
      const { run } = request.params
      await assertWritesRun(db, callerOf(request), run)
      await writer.write(run, (trx) => logInputs(trx, actorOf(request), { runId: run, ...request.body }))
      return {}
    },
  )
  server.post(
    '/runs/:run/artifacts',
    { schema: { params, body: Artifact, response: ok }, config: write },
    async (request) => {
      const { run } = request.params
      await assertWritesRun(db, callerOf(request), run)
      await writer.write(run, (trx) => logArtifact(trx, actorOf(request), { runId: run, ...request.body }))
      return {}
    },
  )
  await server.register(runStateRoutes, { db, reader, writer, alsoDeleted })
}

const runStateRoutes: FastifyPluginAsyncZod<RunRouteDeps> = async (server, { alsoDeleted, db, reader }) => {
  const end = z.strictObject({ state: EndState, endedAtMs: z.int().optional() })
  server.post('/runs/:run/finish', { schema: { params, body: end, response: ok }, config: write }, async (request) => {
    const { run } = request.params
    await assertWritesRun(db, callerOf(request), run)
    await transact(db, (trx) => finishRun(trx, actorOf(request), { runId: run, ...request.body }))
    return {}
  })
  server.post('/runs/:run/resume', { schema: { params, response: ok }, config: write }, async (request) => {
    const { run } = request.params
    await assertWritesRun(db, callerOf(request), run)
    await transact(db, (trx) => resumeRun(trx, run))
    return {}
  })
  for (const [action, isDeleted] of [
    ['delete', true],
    ['restore', false],
  ] as const) {
    server.post(`/runs/:run/${action}`, { schema: { params, response: ok }, config: write }, async (request) => {
      const runId = (request.params as z.infer<typeof params>).run
      await assertWritesRun(db, callerOf(request), runId)
      await transact(db, (trx) => setRunDeleted(trx, actorOf(request), { runId, isDeleted, alsoDeleted }))
      return {}
    })
  }
  const query = z.object({
    key: Key,
    buckets: z.coerce.number().int().min(1).max(bucketsMax).default(500),
    fromStep: z.coerce.number().int().optional(),
    toStep: z.coerce.number().int().optional(),
  })
  const history = { 200: z.strictObject({ buckets: z.array(WireBucket) }) }
  server.get(
    '/runs/:run/metric-history',
    { schema: { params, querystring: query, response: history }, config: read },
    async (request) => {
      const buckets = await readBuckets({ db, reader }, { runId: request.params.run, ...request.query })
      return { buckets: buckets.map(wireOfBucket) }
    },
  )
}

export const experimentRoutes: FastifyPluginAsyncZod<Pick<RunRouteDeps, 'alsoDeleted' | 'db'>> = async (
  server,
  { alsoDeleted, db },
) => {
  const experimentParams = z.object({ experiment: z.coerce.number().int().nonnegative() })
  const one = { 200: Experiment }
  const listed = { 200: z.strictObject({ experiments: z.array(Experiment) }) }
  const page = z.object({
    limit: Page.shape.limit,
    before: z.coerce.number().int().optional(),
    withDeleted: z.stringbool().optional(),
  })
  server.get('/experiments', { schema: { querystring: page, response: listed }, config: read }, async (request) => ({
    experiments: await listExperiments(db, request.query),
  }))
  server.get(
    '/experiments/:experiment',
    { schema: { params: experimentParams, response: one }, config: read },
    (request) => getExperiment(db, request.params.experiment),
  )
  const made = { 201: Experiment }
  const body = z.strictObject({ name: ExperimentName, tags: Tags.optional() })
  server.post('/experiments', { schema: { body, response: made }, config: write }, async (request, reply) => {
    assertUnscoped(callerOf(request))
    const { name, tags = {} } = request.body
    const experiment = await transact(db, (trx) => createExperiment(trx, actorOf(request), { name, tags }))
    return reply.code(201).send(experiment)
  })
  const change = z.strictObject({
    name: ExperimentName.optional(),
    tags: z.record(Key, z.string().max(5000).nullable()).optional(),
    isDeleted: z.boolean().optional(),
  })
  server.patch(
    '/experiments/:experiment',
    { schema: { params: experimentParams, body: change, response: one }, config: write },
    async (request) => {
      assertUnscoped(callerOf(request))
      const id = request.params.experiment
      return transact(db, (trx) => changeExperiment(trx, actorOf(request), { id, alsoDeleted, ...request.body }))
    },
  )
}
