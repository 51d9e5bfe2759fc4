// What goes with a run, an experiment or a trace goes over either API, and over both the same.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance, InjectOptions } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadConfig } from './config.ts'
import { openContext } from './context.ts'
import { createServer } from './server.ts'

const stack = new AsyncDisposableStack()
const home = mkdtempSync(join(tmpdir(), 'trueloop-deletions-'))
let server: FastifyInstance

beforeAll(async () => {
  const config = loadConfig({ TRUELOOP_HOME: home, TRUELOOP_LOG_LEVEL: 'error' })
  const context = stack.use(await openContext(config))
  server = await createServer(config, context)
  stack.defer(async () => server.close())
})
afterAll(async () => {
  await stack.disposeAsync()
  rmSync(home, { recursive: true, force: true })
})

type Json = any // oxlint-disable-line no-explicit-any -- a test looks at what it expects to be there

async function call(method: 'GET' | 'PATCH' | 'POST', url: string, fields: object = {}): Promise<Json> {
  const request: InjectOptions =
    method === 'GET'
      ? { method, url, query: fields as Record<string, string> }
      : { method, url, headers: { 'content-type': 'application/json' }, payload: JSON.stringify(fields) }
  const answer = await server.inject(request)
  expect([url, answer.statusCode, answer.body]).toEqual([url, 200, answer.body])
  return answer.json()
}
const mlflow = (path: string, fields: object): Promise<Json> => call('POST', `/api/2.0/mlflow/${path}`, fields)
const mlflow3 = (path: string, fields: object): Promise<Json> => call('POST', `/api/3.0/mlflow/${path}`, fields)

let made = 0
async function makeExperiment(): Promise<string> {
  return (await mlflow('experiments/create', { name: `e${made++}` })).experiment_id
}
const makeRun = async (experiment: string): Promise<string> =>
  (await mlflow('runs/create', { experiment_id: experiment })).run.info.run_id

async function makeTrace(experiment: string): Promise<string> {
  const info = {
    trace_id: `tr-${made++}`,
    trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experiment } },
    request_time: '2026-01-01T00:00:00Z',
    state: 'OK',
  }
  return (await mlflow3('traces', { trace: { trace_info: info } })).trace.trace_info.trace_id
}

async function say(trace: string, run: string, name: string): Promise<void> {
  const assessment = {
    assessment_name: name,
    trace_id: trace,
    source: { source_type: 'CODE', source_id: 's' },
    feedback: { value: true },
    metadata: { 'mlflow.assessment.sourceRunId': run },
  }
  await mlflow3(`traces/${trace}/assessments`, { assessment })
}

async function said(trace: string): Promise<string[]> {
  const { trace: found } = await call('GET', `/api/3.0/mlflow/traces/${trace}`)
  return (found.trace_info.assessments ?? []).map((each: { assessment_name: string }) => each.assessment_name)
}

test.each<[string, (run: string) => Promise<unknown>]>([
  ['MLflow’s API', (run) => mlflow('runs/delete', { run_id: run })],
  ['the native API', (run) => call('POST', `/api/runs/${run}/delete`)],
])('a run that is deleted over %s takes along what was said on its behalf', async (_, deleteRun) => {
  const experiment = await makeExperiment()
  const trace = await makeTrace(experiment)
  const [run, other] = [await makeRun(experiment), await makeRun(experiment)]
  await say(trace, run, 'mine')
  await say(trace, other, 'other')
  expect((await said(trace)).toSorted()).toEqual(['mine', 'other'])
  await deleteRun(run)
  expect(await said(trace)).toEqual(['other'])
})

test.each<[string, (id: string) => Promise<unknown>]>([
  ['MLflow’s API', (id) => mlflow('experiments/delete', { experiment_id: id })],
  ['the native API', (id) => call('PATCH', `/api/experiments/${id}`, { isDeleted: true })],
])('an experiment that is deleted over %s takes along what was said on behalf of its runs', async (_, deleteOne) => {
  const [experiment, elsewhere] = [await makeExperiment(), await makeExperiment()]
  const trace = await makeTrace(elsewhere)
  await say(trace, await makeRun(experiment), 'mine')
  await say(trace, await makeRun(elsewhere), 'other')
  await deleteOne(experiment)
  expect(await said(trace)).toEqual(['other'])
})

test('a trace that is deleted leaves the queues that it was to be reviewed in', async () => {
  const experiment = await makeExperiment()
  const [gone, kept] = [await makeTrace(experiment), await makeTrace(experiment)]
  const queue = { experiment_id: experiment, name: 'q', queue_type: 'CUSTOM', created_by: 'ada' }
  const { review_queue: found } = await mlflow3('review-queues/create', queue)
  await mlflow3('review-queues/items/add', { queue_id: found.queue_id, item_type: 'TRACE', item_ids: [gone, kept] })
  const listed = async (): Promise<string[]> =>
    (await call('GET', '/api/3.0/mlflow/review-queues/items/list', { queue_id: found.queue_id })).items.map(
      (each: { item_id: string }) => each.item_id,
    )
  expect((await listed()).toSorted()).toEqual([gone, kept].toSorted())
  await mlflow('traces/delete-traces', { experiment_id: experiment, request_ids: [gone] })
  expect(await listed()).toEqual([kept])
})
