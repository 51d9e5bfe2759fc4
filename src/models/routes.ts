// HTTP in, HTTP out: models, versions, aliases and gate results. No SQL, no rules.
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { Digest } from '../data/manifest.ts'
import { actorOf } from '../governance/access.ts'
import type { BlobStore } from '../platform/blobs.ts'
import { transact, type Connection } from '../platform/database.ts'
import { Page } from '../platform/http.ts'
import { findAlias, listAliases } from './alias-store.ts'
import { Alias, aliasNotFound } from './alias.ts'
import { Baseline } from './baseline.ts'
import { getGate, listGates, StoredGate, type GateTables } from './gate-store.ts'
import { findModel, listModels } from './model-store.ts'
import { Description, Model, ModelName, modelNotFound, Tags } from './model.ts'
import { findBaseline, getVersion, listVersions } from './model-version-store.ts'
import { ModelVersion, TimeWindow, VersionState } from './model-version.ts'
import { moveAlias, removeAlias } from './promotion.ts'
import { createModel, describeModel } from './registered-models.ts'
import type { RegistryTables } from './registry-tables.ts'
import { Signature } from './signature.ts'
import { registerUpload } from './upload.ts'
import { describeVersion, judgeVersion } from './version-changes.ts'

export type ModelRouteTables = RegistryTables & GateTables
export interface ModelDeps {
  readonly db: Connection<ModelRouteTables>
  readonly blobs: BlobStore
}

const reason = z.string().min(1).max(2000)
const byModel = z.strictObject({ model: ModelName })
const byVersion = byModel.extend({ version: z.coerce.number().int().positive() })
const byAlias = Alias.pick({ model: true, alias: true })
const words = z.strictObject({ description: Description.optional(), tags: Tags.optional() })
const read = { permission: 'model.read' } as const
const write = { permission: 'model.write' } as const
const promote = { permission: 'model.promote' } as const

/** Models and their versions. */
export const modelRoutes: FastifyPluginAsyncZod<ModelDeps> = async (server, { db, blobs }) => {
  server.get(
    '/models',
    { config: read, schema: { querystring: Page, response: { 200: z.array(Model) } } },
    ({ query }) => listModels(db, query),
  )
  server.post(
    '/models',
    { config: write, schema: { body: words.extend({ name: ModelName }), response: { 201: Model } } },
    async (request, reply) => {
      const { name, ...rest } = request.body
      const model = await transact(db, (trx) => createModel(trx, actorOf(request), { name, ...present(rest) }))
      return reply.code(201).send(model)
    },
  )
  server.get(
    '/models/:model',
    { config: read, schema: { params: byModel, response: { 200: Model } } },
    async ({ params }) => {
      const model = await findModel(db, params.model)
      if (!model) throw modelNotFound(params.model)
      return model
    },
  )
  server.patch(
    '/models/:model',
    { config: write, schema: { params: byModel, body: words, response: { 200: Model } } },
    (request) =>
      transact(db, (trx) =>
        describeModel(trx, actorOf(request), { name: request.params.model, ...present(request.body) }),
      ),
  )
  server.get(
    '/models/:model/versions',
    {
      config: read,
      schema: {
        params: byModel,
        querystring: z.object({ limit: Page.shape.limit, before: z.coerce.number().int().positive().optional() }),
        response: { 200: z.array(ModelVersion) },
      },
    },
    ({ params, query }) => listVersions(db, { ...params, ...query }),
  )
  const upload = words.extend({
    digest: Digest,
    /** What is left out is as the graph says. */
    signature: Signature.partial().default({}),
    baseline: Baseline.optional(),
    metrics: ModelVersion.shape.metrics.optional(),
    runId: z.string().max(128).optional(),
    datasetVersion: z.string().max(256).optional(),
    trainedOn: TimeWindow.optional(),
    examplesDigest: Digest.optional(),
  })
  server.post(
    '/models/:model/versions',
    { config: write, schema: { params: byModel, body: upload, response: { 201: ModelVersion } } },
    async (request, reply) => {
      const input = { ...present(request.body), model: request.params.model }
      return reply.code(201).send(await registerUpload({ db, blobs }, actorOf(request), input))
    },
  )
}

/** One version: its words, state, baseline and gates. */
export const versionRoutes: FastifyPluginAsyncZod<ModelDeps> = async (server, { db }) => {
  const url = '/models/:model/versions/:version'
  server.get(url, { config: read, schema: { params: byVersion, response: { 200: ModelVersion } } }, ({ params }) =>
    getVersion(db, params),
  )
  server.patch(
    url,
    { config: write, schema: { params: byVersion, body: words, response: { 200: ModelVersion } } },
    (request) =>
      transact(db, (trx) => describeVersion(trx, actorOf(request), { ...request.params, ...present(request.body) })),
  )
  const judgement = z.strictObject({ state: VersionState, reason })
  server.put(
    `${url}/state`,
    { config: promote, schema: { params: byVersion, body: judgement, response: { 200: ModelVersion } } },
    (request) => transact(db, (trx) => judgeVersion(trx, actorOf(request), { ...request.params, ...request.body })),
  )
  server.get(
    `${url}/baseline`,
    { config: read, schema: { params: byVersion, response: { 200: Baseline.nullable() } } },
    async ({ params }) => (await findBaseline(db, params)) ?? null,
  )
  server.get(
    `${url}/gates`,
    { config: read, schema: { params: byVersion, response: { 200: z.array(StoredGate) } } },
    ({ params }) => listGates(db, params),
  )
  server.get(
    '/gates/:id',
    { config: read, schema: { params: z.strictObject({ id: z.string().max(64) }), response: { 200: StoredGate } } },
    ({ params }) => getGate(db, params.id),
  )
}

export const aliasRoutes: FastifyPluginAsyncZod<{ db: Connection<ModelRouteTables> }> = async (server, { db }) => {
  server.get(
    '/models/:model/aliases',
    { config: read, schema: { params: byModel, response: { 200: z.array(Alias) } } },
    ({ params }) => listAliases(db, params.model),
  )
  const url = '/models/:model/aliases/:alias'
  server.get(url, { config: read, schema: { params: byAlias, response: { 200: Alias } } }, async ({ params }) => {
    const alias = await findAlias(db, params)
    if (!alias) throw aliasNotFound(params)
    return alias
  })
  const move = z.strictObject({ version: Alias.shape.version, expected: Alias.shape.version.nullable(), reason })
  server.put(url, { config: promote, schema: { params: byAlias, body: move, response: { 200: Alias } } }, (request) =>
    moveAlias(db, actorOf(request), { ...request.params, ...request.body }),
  )
  const removal = z.strictObject({ expected: z.coerce.number().int().positive(), reason })
  server.delete(
    url,
    { config: promote, schema: { params: byAlias, querystring: removal, response: { 204: z.null() } } },
    async (request, reply) => {
      await removeAlias(db, actorOf(request), { ...request.params, ...request.query })
      return reply.code(204).send(null)
    },
  )
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> }
type Needed<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] }

/** Without the fields that are undefined, which a request did not send. */
function present<T extends object>(fields: T): Present<T> & Needed<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<T> & Needed<T>
}
