// Files by the routes of MLflow's console, on a whole server: of a model's version and of a logged model, and nothing beside them.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from './config.ts'
import { openContext } from './context.ts'
import { createServer } from './server.ts'

async function start() {
  await using stack = new AsyncDisposableStack()
  const home = mkdtempSync(join(tmpdir(), 'trueloop-mlflow-files-'))
  stack.defer(() => rmSync(home, { recursive: true, force: true }))
  const config = loadConfig({ TRUELOOP_HOME: home, TRUELOOP_LOG_LEVEL: 'error' })
  const context = stack.use(await openContext(config))
  const server = await createServer(config, context)
  stack.defer(() => server.close())
  const api = async (method: 'GET' | 'POST', path: string, payload: object = {}) => {
    const headers = { 'content-type': 'application/json' }
    const url = `/api/2.0/mlflow/${path}`
    const answer = await server.inject(method === 'GET' ? { method, url } : { method, url, headers, payload })
    expect(answer.statusCode, answer.body).toBe(200)
    return answer.json()
  }
  const put = async (path: string, payload: string): Promise<void> => {
    const url = `/api/2.0/mlflow-artifacts/artifacts/${path}`
    const headers = { 'content-type': 'application/octet-stream' }
    expect((await server.inject({ method: 'PUT', url, headers, payload })).statusCode).toBe(200)
  }
  const owned = stack.move()
  return { server, api, put, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

const outside = [
  '../secret',
  'a/../../secret',
  '%2e%2e/secret',
  '%252e%252e%252fsecret',
  '/etc/passwd',
  String.raw`a\..\b`,
  'file:///etc/passwd',
]

test('a file of a model’s version is answered, and no path leads out of it', async () => {
  await using home = await start()
  const { experiment_id: experiment } = await home.api('POST', 'experiments/create', { name: 'e' })
  const { run } = await home.api('POST', 'runs/create', { experiment_id: experiment })
  const id = run.info.run_id as string
  await home.put(`${experiment}/${id}/artifacts/model/MLmodel`, 'flavors: {}')
  await home.put(`${experiment}/${id}/artifacts/secret`, 'another file of the run')
  await home.api('POST', 'registered-models/create', { name: 'm' })
  const source = `${run.info.artifact_uri}/model`
  await home.api('POST', 'model-versions/create', { name: 'm', source, run_id: id })
  const get = (path: string, version = '1') =>
    home.server.inject({ url: '/model-versions/get-artifact', query: { name: 'm', version, path } })
  const found = await get('MLmodel')
  expect([found.statusCode, found.body]).toEqual([200, 'flavors: {}'])
  expect(found.headers['x-content-type-options']).toBe('nosniff')
  for (const path of outside) {
    const refused = await get(path)
    expect([path, refused.statusCode]).toEqual([path, 400])
    expect(refused.body).not.toContain('another file')
  }
  expect((await get('nothing')).statusCode).toBe(404)
  expect((await get('MLmodel', '2')).statusCode).toBe(404)
})

test('a file of a logged model is answered, and no path leads out of it', async () => {
  await using home = await start()
  const { experiment_id: experiment } = await home.api('POST', 'experiments/create', { name: 'e' })
  const { model } = await home.api('POST', 'logged-models', { experiment_id: experiment, name: 'm' })
  const { model_id: id, artifact_uri: uri } = model.info as { model_id: string; artifact_uri: string }
  const folder = uri.replace(/^mlflow-artifacts:\//v, '')
  await home.put(`${folder}/MLmodel`, 'flavors: {}')
  await home.put(`${folder}/../secret`.replace('/artifacts/../', '/'), 'a file beside it')
  const get = (path: string, of = id) =>
    home.server.inject({
      url: `/ajax-api/2.0/mlflow/logged-models/${of}/artifacts/files`,
      query: { artifact_file_path: path },
    })
  const found = await get('MLmodel')
  expect([found.statusCode, found.body]).toEqual([200, 'flavors: {}'])
  for (const path of outside) {
    const refused = await get(path)
    expect([path, refused.statusCode]).toEqual([path, 400])
    expect(refused.body).not.toContain('beside')
  }
  expect((await get('')).statusCode).toBe(400)
  expect((await get('nothing')).statusCode).toBe(404)
  expect((await get('MLmodel', 'm-nobody')).statusCode).toBe(404)
})

test('what needs Python, or is not kept, says so on each of its routes', async () => {
  await using home = await start()
  const ask = async (method: 'DELETE' | 'GET' | 'PATCH' | 'POST', url: string) => {
    const { statusCode, body } = await home.server.inject({ method, url })
    return { statusCode, ...(JSON.parse(body) as { error_code?: string; message?: string }) }
  }
  for (const [method, url, reason] of [
    ['POST', '/ajax-api/3.0/mlflow/scorer/invoke', 'runs none'],
    ['POST', '/ajax-api/3.0/mlflow/issues/invoke', 'runs none'],
    ['POST', '/ajax-api/3.0/mlflow/genai/evaluate/invoke', 'runs none'],
    ['POST', '/ajax-api/3.0/mlflow/demo/generate', 'runs none'],
    ['POST', '/ajax-api/3.0/mlflow/demo/delete', 'runs none'],
    ['GET', '/ajax-api/3.0/mlflow/jobs/1', 'runs none'],
    ['PATCH', '/ajax-api/3.0/mlflow/jobs/cancel/1', 'runs none'],
    ['POST', '/ajax-api/3.0/jobs', 'runs none'],
    ['GET', '/ajax-api/3.0/jobs/1', 'runs none'],
    ['POST', '/ajax-api/2.0/mlflow/runs/create-promptlab-run', 'no gateway'],
    ['POST', '/ajax-api/2.0/mlflow/gateway-proxy', 'no gateway'],
    ['POST', '/ajax-api/3.0/mlflow/assistant/message', 'no gateway'],
    ['POST', '/api/3.0/mlflow/mcp-servers', 'no registry of MCP servers'],
    ['GET', '/api/3.0/mlflow/mcp-servers/s/versions/1', 'no registry of MCP servers'],
    ['DELETE', '/ajax-api/3.0/mlflow/mcp-servers/s', 'no registry of MCP servers'],
  ] as const) {
    const found = await ask(method, url)
    expect([method, url, found.statusCode, found.error_code]).toEqual([method, url, 501, 'NOT_IMPLEMENTED'])
    expect(found.message).toContain(reason)
  }
  expect(await ask('GET', '/api/3.0/mlflow/mcp-servers')).toMatchObject({ statusCode: 200, mcp_servers: [] })
})
