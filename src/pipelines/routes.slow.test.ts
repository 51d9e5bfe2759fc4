// Pipeline runs over HTTP, with a real engine behind it.
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createTestServer } from '../governance/testing.ts'
import { pipelineRoutes } from './routes.ts'
import { createEngineFixture } from './testing/engine.ts'

test('a run is started, listed, looked at and its log read in pieces over HTTP', async () => {
  await using fixture = await createEngineFixture()
  const attemptsDirectory = join(fixture.directory, 'attempts')
  await using server = await createTestServer(pipelineRoutes, { ...fixture, attemptsDirectory })
  const spec = { name: 'test', steps: [{ name: 'r', kind: 'test.report', input: { points: 1 } }] }
  const started = await server.inject({ method: 'POST', url: '/pipeline-runs', payload: { spec, reason: 'a test' } })
  expect(started.statusCode).toBe(201)
  const { id } = started.json<{ id: string }>()
  await fixture.finished(id)
  expect((await server.inject(`/pipeline-runs/${id}`)).json()).toMatchObject({
    state: 'succeeded',
    steps: [{ name: 'r' }],
  })
  expect((await server.inject('/pipeline-runs?pipeline=test&state=succeeded')).json()).toMatchObject({
    items: [{ id }],
    next: null,
  })
  expect((await server.inject('/pipeline-runs?state=failed')).json()).toMatchObject({ items: [] })
  const log = `/pipeline-runs/${id}/steps/r/log`
  const first = (await server.inject(log)).json<{ text: string; nextOffset: number }>()
  expect(first).toMatchObject({ text: 'to stdout\nto stderr\n', isComplete: true, attempt: 1, state: 'succeeded' })
  expect((await server.inject(`${log}?offset=10`)).json()).toMatchObject({
    text: 'to stderr\n',
    nextOffset: first.nextOffset,
  })
  expect((await server.inject(`${log}?attempt=7`)).json()).toMatchObject({ code: 'step_attempt_not_found' })
  expect((await server.inject('/pipeline-runs/nope')).json()).toMatchObject({ code: 'pipeline_run_not_found' })
  expect((await server.inject(`/pipeline-runs/${id}/steps/zz/log`)).json()).toMatchObject({ code: 'step_not_found' })
  const unknown = { spec: { name: 'x', steps: [{ name: 'a', kind: 'no.kind' }] }, reason: 'r' }
  const refused = await server.inject({ method: 'POST', url: '/pipeline-runs', payload: unknown })
  expect(refused.json()).toMatchObject({ code: 'step_kind_unknown', status: 400 })
})
