// Datasets over HTTP: what there is, and asking for more. Heavy work begins here and is done in steps.
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '../governance/access.ts'
import type { Actor } from '../governance/audit.ts'
import type { BlobStore } from '../platform/blobs.ts'
import type { Db } from '../platform/database.ts'
import { Page } from '../platform/http.ts'
import { getDataset, getProfile, getVersion, listDatasets, listVersions } from './dataset-store.ts'
import type { DataTables } from './dataset-versions.ts'
import { Dataset, DatasetName, DatasetVersion, parseVersionRef } from './dataset.ts'
import { IngestRequest } from './ingest-request.ts'
import { loadManifest } from './manifest-blob.ts'
import { Manifest } from './manifest.ts'
import { Profile } from './profile.ts'
import type { SplitRule } from './split.ts'
import { listValidations, StoredValidation } from './validation-store.ts'

export const read = { permission: 'data.read' } as const
export const ofDataset = z.object({ dataset: DatasetName })
/** A number, `latest`, a digest, or a time: then the newest version that was there. */
export const ofVersion = ofDataset.extend({ version: z.string().min(1).max(64) })
const VersionPage = Page.omit({ after: true }).extend({ before: z.coerce.number().int().positive().optional() })
export const VersionedPage = Page.extend({ version: z.coerce.number().int().positive().optional() })

/** Work that is done in a step process: each answers the id of its pipeline run, which records the result. `app` fills it in. */
export interface DataWork {
  startIngest(actor: Actor, input: { readonly dataset: string; readonly request: IngestRequest }): Promise<string>
  startSplit(actor: Actor, input: { readonly version: DatasetVersion; readonly rule: SplitRule }): Promise<string>
}

export interface DataRouteDeps {
  readonly db: Db<DataTables>
  readonly blobs: BlobStore
  readonly work: DataWork
}

export const change = { permission: 'data.write' } as const
/** The pipeline run that does it. */
export const Started = z.object({ pipelineRun: z.string() })

export const readVersion = (
  db: Db<DataTables>,
  { dataset, version }: z.infer<typeof ofVersion>,
): Promise<DatasetVersion> => getVersion(db, { dataset, ref: parseVersionRef(version) })

export const dataRoutes: FastifyPluginAsyncZod<DataRouteDeps> = async (server, { db, blobs, work }) => {
  const versionOf = (params: z.infer<typeof ofVersion>): Promise<DatasetVersion> => readVersion(db, params)

  server.get(
    '/datasets',
    { config: read, schema: { querystring: Page, response: { 200: z.object({ datasets: z.array(Dataset) }) } } },
    async ({ query }) => ({
      datasets: await listDatasets(db, query),
    }),
  )
  server.get(
    '/datasets/:dataset',
    { config: read, schema: { params: ofDataset, response: { 200: Dataset } } },
    ({ params }) => getDataset(db, params.dataset),
  )
  server.get(
    '/datasets/:dataset/versions',
    {
      config: read,
      schema: {
        params: ofDataset,
        querystring: VersionPage,
        response: { 200: z.object({ versions: z.array(DatasetVersion) }) },
      },
    },
    async ({ params, query }) => {
      await getDataset(db, params.dataset)
      return { versions: await listVersions(db, { ...params, ...query }) }
    },
  )
  server.get(
    '/datasets/:dataset/versions/:version',
    { config: read, schema: { params: ofVersion, response: { 200: DatasetVersion } } },
    ({ params }) => versionOf(params),
  )
  server.get(
    '/datasets/:dataset/versions/:version/manifest',
    { config: read, schema: { params: ofVersion, response: { 200: Manifest } } },
    async ({ params }) => loadManifest(blobs, (await versionOf(params)).manifestBlob),
  )
  server.get(
    '/datasets/:dataset/versions/:version/profile',
    { config: read, schema: { params: ofVersion, response: { 200: Profile } } },
    async ({ params }) => getProfile(db, await versionOf(params)),
  )
  server.post(
    '/datasets/:dataset/versions',
    { config: change, schema: { params: ofDataset, body: IngestRequest, response: { 202: Started } } },
    async (request, reply) => {
      const { body, params } = request
      const pipelineRun = await work.startIngest(actorOf(request), { ...params, request: body })
      return reply.code(202).send({ pipelineRun })
    },
  )
  await server.register(validationRoutes, { db })
}

const validationRoutes: FastifyPluginAsyncZod<Pick<DataRouteDeps, 'db'>> = async (server, { db }) => {
  server.get(
    '/datasets/:dataset/validations',
    {
      config: read,
      schema: {
        params: ofDataset,
        querystring: VersionedPage,
        response: { 200: z.object({ validations: z.array(StoredValidation) }) },
      },
    },
    async ({ params, query }) => {
      const validations = await listValidations(db, { ...params, ...query })
      // What was checked may have become no version yet.
      if (validations.length === 0) await getDataset(db, params.dataset)
      return { validations }
    },
  )
}
