// Collections over HTTP: begin one, and see how far it is.
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '../governance/access.ts'
import { Collection, CollectionRequest } from './collection.ts'
import type { Collections } from './collections.ts'

const config = { permission: 'system.manage' } as const

export const collectionRoutes: FastifyPluginAsyncZod<{ collections: Collections }> = async (
  server,
  { collections },
) => {
  const begin = { schema: { body: CollectionRequest, response: { 202: Collection } }, config }
  server.post('/collections', begin, async (request, reply) =>
    reply.code(202).send(await collections.start(actorOf(request), request.body)),
  )
  const params = z.object({ collection: z.string() })
  const look = { schema: { params, response: { 200: Collection } }, config }
  server.get('/collections/:collection', look, async ({ params: { collection } }) => collections.get(collection))
}
