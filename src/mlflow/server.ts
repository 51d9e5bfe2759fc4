// MLflow's API on the control plane: the methods of its services, and what its clients ask of a server beside them.
import type { FastifyError, FastifyInstance, FastifyPluginAsync, FastifyReply } from 'fastify'
import { DomainError, messageOf } from '../platform/errors.ts'
import type { Log } from '../platform/log.ts'
import { reasonOfAbsence } from './absent-areas.ts'
import { MlflowError, translated, type ErrorCode } from './wire/errors.ts'
import { errorClasses as classes, release } from './generated/descriptors.ts'
import { graphqlRoutes } from './graphql/routes.ts'
import type { QueryLimits } from './graphql/limits.ts'
import { readBodiesAsText, registerMethods, type BoundMethods } from './rpc.ts'

export interface MlflowDeps {
  readonly methods: BoundMethods
  readonly log: Log
  readonly graphql: QueryLimits
}

export const mlflowRoutes: FastifyPluginAsync<MlflowDeps> = async (server, { graphql, log, methods }) => {
  answerErrors(server, log)
  readBodiesAsText(server)
  registerMethods(server, methods)
  await server.register(graphqlRoutes, { methods, limits: graphql })
  for (const prefix of ['/api/2.0', '/api/3.0', '/ajax-api']) {
    await server.register(unknownRoutes, { prefix })
  }
  const probe = { schema: { hide: true }, config: { permission: 'public' } } as const
  server.get('/health', probe, async (_request, reply) => reply.type('text/plain; charset=utf-8').send('OK'))
  // Clients decide by it what they may ask for, so it is the release that is spoken here.
  server.get('/version', probe, async (_request, reply) => reply.type('text/html; charset=utf-8').send(release))
  for (const prefix of ['/api', '/ajax-api']) {
    server.get(`${prefix}/3.0/mlflow/server-info`, probe, async () => ({
      store_type: 'SqlStore',
      workspaces_enabled: false,
      trace_archival_enabled: false,
      // One stream is as quick as parts to this server; clients that ask for parts get them.
      multipart_uploads_enabled: false,
      multipart_downloads_enabled: false,
      presigned_upload_run_id_supported: true,
      presigned_upload_model_id_supported: true,
      // The console leaves out its pages.
      features_enabled: { gateway: false },
    }))
  }
}

/** Clients of other releases ask for what is not there, and fall back when they are told so in this form. */
const unknownRoutes: FastifyPluginAsync = async (server) => {
  server.setNotFoundHandler((request, reply) => {
    const [path = ''] = request.url.split('?')
    const reason = reasonOfAbsence(path)
    if (reason !== undefined) return sendError(reply, new MlflowError('NOT_IMPLEMENTED', reason))
    const message = `There is no ${request.method} ${path} in MLflow ${release}.`
    return sendError(reply, { code: 'ENDPOINT_NOT_FOUND', message, status: 404 })
  })
}

/** For every plugin that answers MLflow's clients: errors in the form that they read. */
export function answerErrors(server: FastifyInstance, log: Log): void {
  server.setErrorHandler((error: FastifyError, request, reply) => {
    const { code, message, status } = answerOf(error)
    if (status >= 500 && status !== 501) {
      log.error('a request of MLflow’s API failed', {
        requestId: request.id,
        route: request.routeOptions.url,
        error: messageOf(error),
        ...(error instanceof DomainError || error instanceof MlflowError ? {} : { stack: error.stack }),
      })
    }
    return sendError(reply, { code, message, status })
  })
}

const errorClasses: Readonly<Partial<Record<ErrorCode, readonly [string, string]>>> = classes

function sendError(reply: FastifyReply, error: Pick<MlflowError, 'code' | 'message' | 'status'>): FastifyReply {
  const [sqlstate, errorClass] = errorClasses[error.code] ?? []
  const body = JSON.stringify({ error_code: error.code, message: error.message, sqlstate, error_class: errorClass })
  return reply.code(error.status).type('application/json').send(body)
}

function answerOf(error: FastifyError): Pick<MlflowError, 'code' | 'message' | 'status'> {
  if (error instanceof MlflowError) return error
  if (error instanceof DomainError) return translated(error)
  const { statusCode } = error
  if (statusCode !== undefined && statusCode < 500) {
    const code = statusCode === 413 ? 'INVALID_PARAMETER_VALUE' : 'BAD_REQUEST'
    return { code, message: error.message, status: statusCode }
  }
  return {
    code: 'INTERNAL_ERROR',
    message: 'This is a bug in Trueloop; its log has the cause.',
    status: 500,
  }
}
