// The test server refuses what the real one refuses.
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { actorOf } from './access.ts'
import { createTestServer } from './testing.ts'

const greet: FastifyPluginAsyncZod<{ greeting: string }> = async (server, { greeting }) => {
  const schema = {
    querystring: z.strictObject({ times: z.coerce.number().int() }),
    response: { 200: z.strictObject({ text: z.string() }) },
  }
  server.get('/greet', { schema, config: { permission: 'run.read' } }, async (request) => ({
    text: `${greeting} ${actorOf(request).name}`.repeat(request.query.times),
  }))
}

test('a route gets its dependencies and its caller, and its query is checked', async () => {
  await using server = await createTestServer(greet, { greeting: 'hello' }, { name: 'ada' })
  expect((await server.inject('/greet?times=1')).json()).toEqual({ text: 'hello ada' })
  expect((await server.inject('/greet?times=x')).json()).toMatchObject({ code: 'request_invalid' })
})

test('a caller without the permission is refused', async () => {
  await using server = await createTestServer(greet, { greeting: 'hello' }, { permissions: ['run.write'] })
  expect((await server.inject('/greet?times=1')).json()).toMatchObject({ code: 'permission_missing', status: 403 })
})

test('a route that names no permission cannot be registered', async () => {
  const open: FastifyPluginAsyncZod = async (server) => {
    server.get('/open', async () => 'open')
  }
  await expect(createTestServer(open, {})).rejects.toThrow('must name its permission')
})
