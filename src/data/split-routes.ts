// Splits over HTTP: what there is, and asking for one.
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '../governance/access.ts'
import { getDataset } from './dataset-store.ts'
import {
  change,
  ofDataset,
  ofVersion,
  read,
  readVersion,
  Started,
  VersionedPage,
  type DataRouteDeps,
} from './routes.ts'
import { assertSplittable, SplitRule } from './split.ts'
import { getSplit, listSplits, StoredSplit } from './split-store.ts'

export const splitRoutes: FastifyPluginAsyncZod<Pick<DataRouteDeps, 'db' | 'work'>> = async (server, { db, work }) => {
  server.get(
    '/datasets/:dataset/splits',
    {
      config: read,
      schema: {
        params: ofDataset,
        querystring: VersionedPage,
        response: { 200: z.object({ splits: z.array(StoredSplit) }) },
      },
    },
    async ({ params, query }) => {
      await getDataset(db, params.dataset)
      return { splits: await listSplits(db, { ...params, ...query }) }
    },
  )
  server.post(
    '/datasets/:dataset/versions/:version/splits',
    { config: change, schema: { params: ofVersion, body: SplitRule, response: { 202: Started } } },
    async (request, reply) => {
      const version = await readVersion(db, request.params)
      assertSplittable(version, request.body)
      const pipelineRun = await work.startSplit(actorOf(request), { version, rule: request.body })
      return reply.code(202).send({ pipelineRun })
    },
  )
  server.get(
    '/splits/:split',
    {
      config: read,
      schema: { params: z.object({ split: z.string().min(1).max(64) }), response: { 200: StoredSplit } },
    },
    ({ params }) => getSplit(db, params.split),
  )
}
