// For tests: some of MLflow's methods on the real HTTP server and guard.
export { stockRun, writeStockDatabase } from './import/testing.ts'
import type { FastifyInstance } from 'fastify'
import { createTestServer, type TestServerOptions } from '../governance/testing.ts'
import { silentLog } from '../platform/log.ts'
import type { BoundMethods } from './rpc.ts'
import { mlflowRoutes } from './server.ts'

/** An answer of MLflow's API. */
export interface Answer {
  readonly status: number
  readonly json: any // oxlint-disable-line no-explicit-any -- a test looks at what it expects to be there
}

export interface MlflowTestServer extends AsyncDisposable {
  readonly server: FastifyInstance
  /** `call('POST', '2.0/mlflow/runs/create', {...})`; a GET's fields go into the query. */
  call(method: 'DELETE' | 'GET' | 'PATCH' | 'POST' | 'PUT', path: string, fields?: object): Promise<Answer>
}

export async function createMlflowTestServer(
  methods: BoundMethods,
  options: TestServerOptions = {},
): Promise<MlflowTestServer> {
  const server = await createTestServer(
    mlflowRoutes,
    { methods, log: silentLog, graphql: { rootFieldsMax: 10, aliasesMax: 10 } },
    options,
  )
  return {
    server,
    async call(method, path, fields = {}) {
      const url = `/api/${path}`
      const request =
        method === 'GET'
          ? { method, url, query: fields as Record<string, string> }
          : { method, url, headers: { 'content-type': 'application/json' }, payload: JSON.stringify(fields) }
      const { statusCode, body } = await server.inject(request)
      return { status: statusCode, json: JSON.parse(body) }
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}
