// Routes of MLflow's console that need a Python runtime or a gateway to models, or report its use: each says what there is instead.
import type { FastifyPluginAsync } from 'fastify'
import type { Log } from '../platform/log.ts'
import { gateway, python } from './absent-areas.ts'
import { MlflowError } from './wire/errors.ts'
import { readBodiesAsText } from './rpc.ts'
import { answerErrors } from './server.ts'

const refused: readonly (readonly ['GET' | 'PATCH' | 'POST', string, string])[] = [
  ['POST', '/ajax-api/3.0/mlflow/scorer/invoke', python],
  ['POST', '/ajax-api/3.0/mlflow/issues/invoke', python],
  ['POST', '/ajax-api/3.0/mlflow/genai/evaluate/invoke', python],
  ['POST', '/ajax-api/3.0/mlflow/demo/generate', python],
  ['POST', '/ajax-api/3.0/mlflow/demo/delete', python],
  ['GET', '/ajax-api/3.0/mlflow/jobs/:job', python],
  ['PATCH', '/ajax-api/3.0/mlflow/jobs/cancel/:job', python],
  ['POST', '/ajax-api/2.0/mlflow/runs/create-promptlab-run', gateway],
  ['POST', '/ajax-api/2.0/mlflow/gateway-proxy', gateway],
]

/** What the console asks for on its pages, and how it looks where there is nothing of the kind. */
const empty: readonly (readonly [string, object])[] = [
  ['/ajax-api/2.0/mlflow/gateway-proxy', { endpoints: [] }],
  ['/ajax-api/3.0/mlflow/gateway/supported-providers', { providers: [] }],
  ['/ajax-api/3.0/mlflow/gateway/supported-models', { models: [] }],
  ['/ajax-api/3.0/mlflow/gateway/secrets/config', { secrets_available: false, using_default_passphrase: false }],
  ['/ajax-api/3.0/mlflow/assistant/config', { providers: {}, projects: {}, remote_access_allowed: false }],
  ['/ajax-api/3.0/mlflow/assistant/providers', { providers: [] }],
  ['/ajax-api/3.0/mlflow/mcp-servers', { mcp_servers: [], next_page_token: null }],
  ['/api/3.0/mlflow/mcp-servers', { mcp_servers: [], next_page_token: null }],
]

/** No telemetry leaves the machine: the console is told not to send any. */
const telemetry = { disable_ui_telemetry: true, disable_ui_events: [], ui_rollout_percentage: 0 }

const config = { permission: 'run.read' } as const
const schema = { hide: true } as const

export const absentRoutes: FastifyPluginAsync<{ log: Log }> = async (server, { log }) => {
  answerErrors(server, log)
  readBodiesAsText(server)
  for (const [method, url, reason] of refused) {
    server.route({
      method,
      url,
      schema,
      config,
      handler: async () => {
        throw new MlflowError('NOT_IMPLEMENTED', reason)
      },
    })
  }
  for (const [url, answer] of empty) server.get(url, { schema, config }, async () => answer)
  server.get('/ajax-api/3.0/mlflow/ui-telemetry', { schema, config }, async () => telemetry)
  server.post('/ajax-api/3.0/mlflow/ui-telemetry', { schema, config }, async () => ({ status: 'disabled' }))
}
