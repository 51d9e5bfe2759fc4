// The control plane's metrics: whatever route answered is counted, and the text is what Prometheus reads.
import fastify from 'fastify'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import { expect, test } from 'vitest'
import { createTestDatabase } from '../platform/testing.ts'
import { countResponses, metricRoutes } from './metric-routes.ts'
import { migrations, type Tables } from './tables.ts'

test('answers of every plugin are counted by status', async () => {
  await using db = await createTestDatabase<Tables>(migrations)
  await using server = fastify()
  server.setValidatorCompiler(validatorCompiler)
  server.setSerializerCompiler(serializerCompiler)
  await server.register(metricRoutes, { db, answered: countResponses(server) })
  await server.register(async (api) => api.get('/there', async () => 'yes'), { prefix: '/api' })
  for (const url of ['/api/there', '/api/there', '/nowhere']) await server.inject(url)
  const { headers, body } = await server.inject('/metrics')
  expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(body.match(/^trueloop_http_responses_total.*$/gmv)).toEqual([
    'trueloop_http_responses_total{status="200"} 2',
    'trueloop_http_responses_total{status="404"} 1',
  ])
  expect(body).toMatch(/^# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes \d+$/mv)
})
