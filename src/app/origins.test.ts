// Who is refused in whose words: MLflow's clients by its texts, everybody else by a problem; and pages that the operator named.
import type { FastifyInstance, InjectOptions } from 'fastify'
import { expect, test } from 'vitest'
import { systemClock } from '../platform/clock.ts'
import { createHttpServer } from '../platform/http.ts'
import { createIds } from '../platform/ids.ts'
import { silentLog } from '../platform/log.ts'
import { loadConfig, type Environment } from './config.ts'
import { guardOrigins } from './origins.ts'

async function open(environment: Environment = {}): Promise<FastifyInstance & AsyncDisposable> {
  const server = await createHttpServer({ log: silentLog, ids: createIds(systemClock), version: '0.0.0' })
  guardOrigins(server, { config: loadConfig(environment), log: silentLog })
  for (const url of ['/api/2.0/mlflow/runs/create', '/api/runs', '/graphql']) server.post(url, async () => ({}))
  for (const url of ['/health', '/version', '/api/3.0/mlflow/server-info', '/api/health'])
    server.get(url, async () => ({}))
  return Object.assign(server, { [Symbol.asyncDispose]: async () => server.close() })
}

const post = (url: string, headers: Record<string, string>): InjectOptions => ({ method: 'POST', url, headers })
const host = 'localhost:7070'

test('on MLflow’s paths a foreign host is refused in its words, whether or not there is such a path', async () => {
  await using server = await open()
  for (const url of ['/api/2.0/mlflow/runs/create', '/graphql', '/ajax-api/2.0/no-such-thing']) {
    const { statusCode, headers, body } = await server.inject(post(url, { host: 'evil.example' }))
    expect([statusCode, headers['content-type'], body]).toEqual([
      403,
      'text/plain',
      'Invalid Host header - possible DNS rebinding attack detected',
    ])
  }
  const own = await server.inject(post('/api/runs', { host: 'evil.example' }))
  expect([own.statusCode, own.json().code]).toEqual([403, 'host_refused'])
})

test('on MLflow’s paths a foreign page is refused in its words', async () => {
  await using server = await open()
  const foreign = { host, origin: 'https://evil.example' }
  for (const headers of [foreign, { host, 'sec-fetch-site': 'cross-site' }]) {
    const { statusCode, headers: answered, body } = await server.inject(post('/api/2.0/mlflow/runs/create', headers))
    expect([statusCode, answered['content-type'], body]).toEqual([403, 'text/plain', 'Cross-origin request blocked'])
    expect(answered['access-control-allow-origin']).toBeUndefined()
  }
  expect((await server.inject(post('/api/runs', foreign))).json().code).toBe('origin_refused')
})

test('probes may call the machine what they like, others may not', async () => {
  await using server = await open()
  const ask = async (url: string): Promise<number> =>
    (await server.inject({ url, headers: { host: '10.1.2.3:5000' } })).statusCode
  expect(await ask('/health')).toBe(200)
  expect(await ask('/version')).toBe(200)
  expect(await ask('/api/3.0/mlflow/server-info')).toBe(403)
  expect(await ask('/api/health')).toBe(403)
})

test('a page of an origin that the operator named uses MLflow’s API, and nothing else', async () => {
  await using server = await open({ MLFLOW_SERVER_CORS_ALLOWED_ORIGINS: 'https://app.example, http://localhost:3000' })
  const origin = 'https://app.example'
  const headers = { host, origin, 'sec-fetch-site': 'cross-site' }
  const preflight = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' }
  const url = '/api/2.0/mlflow/runs/create'
  const asked = await server.inject({ method: 'OPTIONS', url, headers: { ...headers, ...preflight } })
  expect([asked.statusCode, asked.headers]).toMatchObject([
    200,
    {
      'access-control-allow-origin': origin,
      'access-control-allow-headers': 'content-type',
      'access-control-allow-methods': expect.stringContaining('POST'),
      vary: 'Origin',
    },
  ])
  const written = await server.inject(post(url, headers))
  expect([written.statusCode, written.headers['access-control-allow-origin']]).toEqual([200, origin])
  const read = await server.inject({ url: '/api/3.0/mlflow/server-info', headers })
  expect([read.statusCode, read.headers['access-control-allow-origin']]).toEqual([200, origin])
  expect((await server.inject(post('/api/runs', headers))).statusCode).toBe(403)
  const other = { ...headers, origin: 'https://evil.example' }
  expect((await server.inject({ method: 'OPTIONS', url, headers: { ...other, ...preflight } })).statusCode).toBe(403)
})

test('a host that the operator named is served', async () => {
  await using server = await open({ MLFLOW_SERVER_ALLOWED_HOSTS: 'mlflow.corp.example,192.168.*' })
  const ask = async (named: string): Promise<number> =>
    (await server.inject({ url: '/api/health', headers: { host: named } })).statusCode
  expect(await ask('mlflow.corp.example:5000')).toBe(200)
  expect(await ask('192.168.1.7')).toBe(200)
  expect(await ask(host)).toBe(200)
  expect(await ask('evil.example')).toBe(403)
})

test('every answer says who may frame it, unless nobody is to be told', async () => {
  const framed = async (environment: Environment): Promise<unknown> => {
    await using server = await open(environment)
    return (await server.inject({ url: '/api/health', headers: { host } })).headers['x-frame-options']
  }
  expect(await framed({})).toBe('SAMEORIGIN')
  expect(await framed({ MLFLOW_SERVER_X_FRAME_OPTIONS: 'deny' })).toBe('DENY')
  expect(await framed({ MLFLOW_SERVER_X_FRAME_OPTIONS: 'NONE' })).toBeUndefined()
})

test.each([
  ['MLFLOW_SERVER_ALLOWED_HOSTS', '*'],
  ['MLFLOW_SERVER_ALLOWED_HOSTS', 'a.example,192.*.example*'],
  ['MLFLOW_SERVER_CORS_ALLOWED_ORIGINS', '*'],
  ['MLFLOW_SERVER_CORS_ALLOWED_ORIGINS', 'https://*'],
  ['MLFLOW_SERVER_CORS_ALLOWED_ORIGINS', 'app.example'],
  ['MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE', 'true'],
  ['MLFLOW_SERVER_X_FRAME_OPTIONS', 'everybody'],
])('%s=%s would let strangers in, and is refused', (name, value) => {
  expect(() => loadConfig({ [name]: value })).toThrow(name)
})
