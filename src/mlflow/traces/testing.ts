// For tests: MLflow's methods and routes of traces on a real HTTP server over a database and blobs of its own.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { createTestServer, type TestServerOptions } from '../../governance/testing.ts'
import { openDirectoryBlobs } from '../../platform/blobs-directory.ts'
import { systemClock } from '../../platform/clock.ts'
import { silentLog } from '../../platform/log.ts'
import { readerOf } from '../../platform/reader.ts'
import { createSpanWriter } from '../../tracing/span-writer.ts'
import { openTracing } from '../../tracing/testing.ts'
import { bind } from '../rpc.ts'
import { mlflowRoutes } from '../server.ts'
import type { Answer } from '../testing.ts'
import { traceArtifactRoute } from './artifact-route.ts'
import type { TraceDeps } from './deps.ts'
import { allTraceMethods } from './methods.ts'
import { otlpRoute } from './otlp-route.ts'

export interface TraceTestServer extends AsyncDisposable {
  readonly server: FastifyInstance
  readonly deps: TraceDeps
  /** `call('POST', '3.0/mlflow/traces', {...})`; a GET's fields go into the query. */
  readonly call: (method: 'DELETE' | 'GET' | 'PATCH' | 'POST', path: string, fields?: object) => Promise<Answer>
  /** OTLP in JSON to experiment 1, but for what the headers say. */
  readonly send: (body: unknown, headers?: Readonly<Record<string, string>>) => Promise<Answer>
}

/** With the experiments 1 and 2. */
export async function createTraceServer(options: TestServerOptions = {}): Promise<TraceTestServer> {
  await using stack = new AsyncDisposableStack()
  const db = stack.use(await openTracing())
  const folder = await mkdtemp(join(tmpdir(), 'trueloop-traces-'))
  stack.defer(() => rm(folder, { recursive: true }))
  const deps: TraceDeps = {
    db,
    reader: readerOf(db),
    spans: createSpanWriter(db),
    blobs: openDirectoryBlobs(join(folder, 'blobs')),
    clock: systemClock,
    places: { folders: [], s3: {}, isOwnHost: () => false },
    truncatesLongValues: true,
    alsoDeletedTraces: async () => undefined,
  }
  const methods = bind(allTraceMethods, deps)
  const all: FastifyPluginAsyncZod<object> = async (server) => {
    await server.register(mlflowRoutes, { methods, log: silentLog, graphql: { rootFieldsMax: 10, aliasesMax: 10 } })
    await server.register(otlpRoute, { ...deps, log: silentLog })
    await server.register(traceArtifactRoute, { ...deps, log: silentLog })
  }
  const server = stack.use(await createTestServer(all, {}, options))
  const resources = stack.move()
  return {
    server,
    deps,
    async call(method, path, fields = {}) {
      const url = path.startsWith('/') ? path : `/api/${path}`
      const request =
        method === 'GET'
          ? { method, url, query: fields as Record<string, string> }
          : { method, url, headers: { 'content-type': 'application/json' }, payload: JSON.stringify(fields) }
      const { statusCode, body } = await server.inject(request)
      return { status: statusCode, json: JSON.parse(body) }
    },
    async send(body, headers = {}) {
      const all = { 'content-type': 'application/json', 'x-mlflow-experiment-id': '1', ...headers }
      const payload = Buffer.isBuffer(body) ? body : JSON.stringify(body)
      const answer = await server.inject({ method: 'POST', url: '/v1/traces', headers: all, payload })
      return { status: answer.statusCode, json: answer.body === '' ? undefined : JSON.parse(answer.body) }
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}
