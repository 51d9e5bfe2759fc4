// The gateway's own route table: method, path, permission. Whatever is not in it is refused.
import type { Permission } from '../governance/access.ts'

export type RouteName =
  | 'infer'
  | 'invocations'
  | 'server_metadata'
  | 'live'
  | 'ready'
  | 'models'
  | 'model_metadata'
  | 'model_ready'
  | 'metrics'
  | 'health'

/** Which protocol's error body the caller expects. */
export type Protocol = 'open_inference' | 'mlflow'

export interface GatewayRoute {
  readonly name: RouteName
  readonly method: 'GET' | 'POST'
  /** Segments; `{endpoint}` and `{version}` stand for one segment each. */
  readonly pattern: string
  readonly permission: Permission
  readonly protocol: Protocol
}

const route = (name: RouteName, how: `${GatewayRoute['method']} /${string}`, permission: Permission): GatewayRoute => {
  const [method, pattern = ''] = how.split(' ')
  const protocol = pattern.startsWith('/endpoints/') ? 'mlflow' : 'open_inference'
  return { name, method: method === 'GET' ? 'GET' : 'POST', pattern, permission, protocol }
}

export const gatewayRoutes: readonly GatewayRoute[] = [
  route('infer', 'POST /v2/models/{endpoint}/infer', 'endpoint.infer'),
  route('infer', 'POST /v2/models/{endpoint}/versions/{version}/infer', 'endpoint.infer'),
  route('invocations', 'POST /endpoints/{endpoint}/invocations', 'endpoint.infer'),
  route('server_metadata', 'GET /v2', 'endpoint.read'),
  route('live', 'GET /v2/health/live', 'public'),
  route('ready', 'GET /v2/health/ready', 'public'),
  route('health', 'GET /health', 'public'),
  route('models', 'GET /v2/models', 'endpoint.read'),
  route('model_metadata', 'GET /v2/models/{endpoint}', 'endpoint.read'),
  route('model_metadata', 'GET /v2/models/{endpoint}/versions/{version}', 'endpoint.read'),
  route('model_ready', 'GET /v2/models/{endpoint}/ready', 'endpoint.read'),
  route('model_ready', 'GET /v2/models/{endpoint}/versions/{version}/ready', 'endpoint.read'),
  route('metrics', 'GET /metrics', 'system.read'),
]

export interface RouteMatch {
  readonly route: GatewayRoute
  readonly endpoint: string
  readonly version: string | undefined
}

/** The methods that a known path takes, when the request's is another; undefined: the path is unknown. */
export type RouteMiss = { readonly allowed: readonly string[] } | undefined

/** Segments of a path that may stand for a name. Nothing is percent-decoded: no name of ours needs it. */
const segment = /^[A-Za-z0-9][\w.\-]{0,127}$/v
const pathLengthMax = 512

function matchPattern(
  pattern: readonly string[],
  path: readonly string[],
): { endpoint: string; version?: string } | undefined {
  if (pattern.length !== path.length) return undefined
  const found: { endpoint: string; version?: string } = { endpoint: '' }
  for (const [at, part] of pattern.entries()) {
    const given = path[at] ?? ''
    if (part === '{endpoint}' || part === '{version}') {
      if (!segment.test(given)) return undefined
      if (part === '{endpoint}') found.endpoint = given
      else found.version = given
    } else if (part !== given) return undefined
  }
  return found
}

const compiled = gatewayRoutes.map((entry) => ({ entry, parts: entry.pattern.split('/') }))

/** Finds the route of a request target. The query is ignored. HEAD is served as GET. */
export function matchRoute(method: string, target: string): RouteMatch | RouteMiss {
  const query = target.indexOf('?')
  const path = query < 0 ? target : target.slice(0, query)
  if (path.length > pathLengthMax) return undefined
  const parts = path.split('/')
  const allowed: string[] = []
  for (const { entry, parts: pattern } of compiled) {
    const found = matchPattern(pattern, parts)
    if (!found) continue
    const isWanted = entry.method === method || (entry.method === 'GET' && method === 'HEAD')
    if (isWanted) return { route: entry, endpoint: found.endpoint, version: found.version }
    allowed.push(entry.method)
  }
  return allowed.length > 0 ? { allowed } : undefined
}
