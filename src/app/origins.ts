// Which names the control plane goes by, and whose pages may use it. On MLflow's paths refusals are in its words, and pages of the
// origins that the operator named are told that they may.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { matchesOrigin } from '../governance/host-pattern.ts'
import { assertOwnOrigin, type RequestOrigin } from '../governance/hosts.ts'
import { isMlflowPath, isProbePath } from '../mlflow/api.ts'
import { DomainError } from '../platform/errors.ts'
import type { Log } from '../platform/log.ts'
import type { Config } from './config.ts'

/** As a client of MLflow knows them. */
const refusals: Readonly<Record<string, string | undefined>> = {
  host_refused: 'Invalid Host header - possible DNS rebinding attack detected',
  origin_refused: 'Cross-origin request blocked',
}

const preflightSeconds = 600

export function guardOrigins(
  server: FastifyInstance,
  { config, log }: { config: Pick<Config, 'allowedHosts' | 'mlflow'>; log: Log },
): void {
  const { allowedHosts, allowedOrigins, frameOptions } = config.mlflow
  const hosts = [...config.allowedHosts, ...allowedHosts]
  server.addHook('onRequest', async (request, reply) => {
    const path = (request.is404 ? undefined : request.routeOptions.url) ?? request.url.split('?')[0]!
    const isMlflow = isMlflowPath(path)
    if (isProbePath(path) && (request.method === 'GET' || request.method === 'HEAD')) return
    const asked = originOf(request)
    const origins = isMlflow ? allowedOrigins : []
    try {
      assertOwnOrigin(asked, hosts, origins)
    } catch (error) {
      const text = isMlflow && error instanceof DomainError ? refusals[error.code] : undefined
      if (text === undefined) throw error
      log.warn('a request was refused', { requestId: request.id, error: (error as DomainError).message })
      await reply.code(403).header('content-type', 'text/plain').send(text)
      return
    }
    const { origin } = asked
    if (origin !== undefined && origins.some((each) => matchesOrigin(each, origin))) await admit(request, reply, origin)
  })
  if (frameOptions === 'NONE') return
  server.addHook('onSend', async (_request, reply) => {
    void reply.header('x-frame-options', frameOptions)
  })
}

function originOf({ method, headers }: FastifyRequest): RequestOrigin {
  const fetchSite = headers['sec-fetch-site']
  return {
    method,
    host: headers.host,
    origin: headers.origin,
    fetchSite: Array.isArray(fetchSite) ? fetchSite[0] : fetchSite,
  }
}

/** Tells the page's browser that it may read the answer, or answers what it asks beforehand. */
async function admit(request: FastifyRequest, reply: FastifyReply, origin: string): Promise<void> {
  void reply
    .header('access-control-allow-origin', origin)
    .header('access-control-allow-credentials', 'true')
    .header('vary', 'Origin')
  if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) {
    void reply.header('access-control-expose-headers', '*')
    return
  }
  const asked = request.headers['access-control-request-headers']
  if (asked !== undefined) void reply.header('access-control-allow-headers', asked)
  await reply
    .header('access-control-allow-methods', 'GET, POST, PUT, DELETE, OPTIONS, PATCH')
    .header('access-control-max-age', String(preflightSeconds))
    .header('content-type', 'text/plain')
    .send('OK')
}
