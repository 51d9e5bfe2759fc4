// Artifacts of runs over HTTP: all files of one, in pages.
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Db } from '../platform/database.ts'
import { Page } from '../platform/http.ts'
import { artifactOf, getRunTree } from './artifact-uris.ts'
import { listFiles } from '../artifacts/artifacts.ts'
import { Artifact, RunId } from './run.ts'
import type { ExperimentTables } from './tables.ts'

export const artifactRoutes: FastifyPluginAsyncZod<{ db: Db<ExperimentTables> }> = async (server, { db }) => {
  const response = { 200: z.strictObject({ artifacts: z.array(Artifact), next: z.string().optional() }) }
  server.get(
    '/runs/:run/artifacts',
    { schema: { params: z.object({ run: RunId }), querystring: Page, response }, config: { permission: 'run.read' } },
    async ({ params, query: { after, limit } }) => {
      const tree = await getRunTree(db, params.run)
      const files = await listFiles(db, tree, { after, limit })
      const next = files.length === limit ? { next: files.at(-1)!.path } : {}
      return { artifacts: files.map(artifactOf), ...next }
    },
  )
}
