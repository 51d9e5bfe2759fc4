// Logged models over HTTP, to be read: training code writes them by MLflow's API.
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Db } from '../platform/database.ts'
import { Page } from '../platform/http.ts'
import { wireOfLoggedModel, WireLoggedModel } from './logged-model.ts'
import { getLoggedModel, loggedModelsOfRun } from './logged-models.ts'
import { RunId } from './run.ts'
import type { LoggedModelTables } from './stores/logged-model-store.ts'

const config = { permission: 'run.read' } as const

export const loggedModelRoutes: FastifyPluginAsyncZod<{ db: Db<LoggedModelTables> }> = async (server, { db }) => {
  const params = z.object({ id: z.string().max(256) })
  server.get(
    '/logged-models/:id',
    { schema: { params, response: { 200: WireLoggedModel } }, config },
    async (request) => wireOfLoggedModel(await getLoggedModel(db, request.params.id)),
  )
  const run = z.object({ run: RunId })
  const querystring = z.object({ limit: Page.shape.limit })
  const listed = { 200: z.strictObject({ models: z.array(WireLoggedModel) }) }
  server.get(
    '/runs/:run/logged-models',
    { schema: { params: run, querystring, response: listed }, config },
    async ({ params: { run: runId }, query: { limit } }) => ({
      models: (await loggedModelsOfRun(db, { runId, limit })).map(wireOfLoggedModel),
    }),
  )
}
