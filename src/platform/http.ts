// The control plane's HTTP server: Zod schemas on every route, OpenAPI, problem+json errors, request ids, limits.
import fastifySwagger from '@fastify/swagger'
import type { IncomingMessage } from 'node:http'
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import {
  hasZodFastifySchemaValidationErrors,
  isResponseSerializationError,
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
} from 'fastify-type-provider-zod'
import { z } from 'zod'
import { DomainError, messageOf, type ErrorKind } from './errors.ts'
import type { IdSource } from './ids.ts'
import type { Log } from './log.ts'

const statusOf: Record<ErrorKind, number> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  too_large: 413,
  unavailable: 503,
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route takes its body as it comes, however long that takes. */
    isStreamed?: boolean
  }
}

/** The body of every error answer (RFC 9457). */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  requestId: z.string(),
  facts: z.record(z.string(), z.unknown()).optional(),
})
export type Problem = z.infer<typeof Problem>

const bodyBytesMax = 8 * 1024 * 1024
/** For a body to arrive; of a stream, for the next of it. */
const bodyTimeoutMs = 60_000
/** Longer than common client pools keep an idle connection, so that the client closes first and nothing is reset. */
const keepAliveTimeoutMs = 75_000

/** Page of a list route: `limit` rows after `after`, the last row's key of the page before. */
export const Page = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  after: z.string().optional(),
})

/** Of one part of a path, encoded: names of 256 characters, each of up to twelve. */
const paramLengthMax = 3_072

export async function createHttpServer(deps: { log: Log; ids: IdSource; version: string }): Promise<FastifyInstance> {
  const server = fastify({
    bodyLimit: bodyBytesMax,
    requestTimeout: 0, // It would cut off long uploads: see `endIdleBody`.
    keepAliveTimeout: keepAliveTimeoutMs,
    genReqId: () => deps.ids('req'),
    logger: false,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: paramLengthMax },
  })
  server.setValidatorCompiler(validatorCompiler)
  server.setSerializerCompiler(serializerCompiler)
  server.setErrorHandler((error: FastifyError, request, reply) =>
    sendProblem(reply, request, problemOf(error, request, deps.log)),
  )
  server.setNotFoundHandler((request, reply) => {
    const missing = new DomainError(
      'not_found',
      'route_not_found',
      `there is no ${request.method} ${request.url.split('?')[0]}`,
    )
    return sendProblem(reply, request, problemOf(missing, request, deps.log))
  })
  server.addHook('onRequest', async ({ raw, routeOptions }) =>
    endIdleBody(raw, routeOptions.config.isStreamed ?? false),
  )
  server.addHook('onSend', async (request, reply) => {
    void reply.header('request-id', request.id).header('x-content-type-options', 'nosniff')
    if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'no-store')
  })
  await server.register(fastifySwagger, {
    openapi: { openapi: '3.1.0', info: { title: 'Trueloop', version: deps.version } },
    transform: jsonSchemaTransform,
  })
  return server
}

/** Ends a request whose body does not come: in all, or for a stream as long as it moves. */
function endIdleBody(request: IncomingMessage, isStreamed: boolean): void {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers
  if (encoding === undefined && Number(length ?? 0) === 0) return
  const { socket } = request
  let received = socket.bytesRead
  const timer = setInterval(() => {
    if (isStreamed && socket.bytesRead > received) received = socket.bytesRead
    else request.destroy()
  }, bodyTimeoutMs)
  const stop = (): void => clearInterval(timer)
  request.once('end', stop).once('close', stop)
}

function sendProblem(
  reply: FastifyReply,
  request: FastifyRequest,
  problem: Omit<Problem, 'requestId' | 'type'>,
): FastifyReply {
  if (problem.status === 503) void reply.header('retry-after', '1')
  const body: Problem = { type: `urn:trueloop:error:${problem.code}`, ...problem, requestId: request.id }
  return reply
    .code(problem.status)
    .header('content-type', 'application/problem+json')
    .serializer((value: unknown) => JSON.stringify(value))
    .send(body)
}

function problemOf(
  error: FastifyError | DomainError,
  request: FastifyRequest,
  log: Log,
): Omit<Problem, 'requestId' | 'type'> {
  if (error instanceof DomainError) {
    const { code, detail, kind, message } = error
    return {
      title: kind.replaceAll('_', ' '),
      status: statusOf[kind],
      code,
      detail: message,
      ...(detail ? { facts: detail } : {}),
    }
  }
  if (hasZodFastifySchemaValidationErrors(error)) {
    const where = error.validation.map(
      (issue) => `${error.validationContext ?? 'request'}${issue.instancePath || '/'}: ${issue.message}`,
    )
    return { title: 'invalid', status: 400, code: 'request_invalid', detail: where.join('; ') }
  }
  if (!isResponseSerializationError(error) && error.statusCode && error.statusCode < 500) {
    const code = error.statusCode === 413 ? 'body_too_large' : 'request_malformed'
    return { title: 'invalid', status: error.statusCode, code, detail: error.message }
  }
  log.error('a request failed unexpectedly', {
    requestId: request.id,
    route: request.routeOptions.url,
    error: messageOf(error),
    stack: error.stack,
  })
  return {
    title: 'internal error',
    status: 500,
    code: 'internal',
    detail: `this is a bug in Trueloop; its log has the cause under request id ${request.id}`,
  }
}
