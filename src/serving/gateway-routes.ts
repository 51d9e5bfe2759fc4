// The gateway's own route table: method, path, permission. Whatever is not in it is refused.
import type { Permission } from '../governance/access.ts'

export type RouteName =
  | 'infer'
  | 'invocations'
  | 'scoring_ping'
  | 'scoring_version'
  | 'alive'
  | 'v1_predict'
  | 'v1_unsupported'
  | 'v1_models'
  | 'v1_status'
  | 'v1_metadata'
  | 'server_metadata'
  | 'live'
  | 'ready'
  | 'models'
  | 'model_metadata'
  | 'model_ready'
  | 'model_config'
  | 'statistics'
  | 'repository_index'
  | 'model_load'
  | 'model_unload'
  | 'unsupported'
  | 'metrics'
  | 'health'

/** Which protocol's error body the caller expects. */
export type Protocol = 'open_inference' | 'mlflow'

export interface GatewayRoute {
  readonly name: RouteName
  readonly method: 'GET' | 'POST'
  /** Segments; a name in braces stands for one segment, or for what is before the colon of one. Without `{endpoint}` it is the root's. */
  readonly pattern: string
  readonly permission: Permission
  readonly protocol: Protocol
}

const route = (name: RouteName, how: `${GatewayRoute['method']} /${string}`, permission: Permission): GatewayRoute => {
  const [method, pattern = ''] = how.split(' ')
  const protocol = /^\/(?:endpoints\/|invocations$|ping$|version$)/v.test(pattern) ? 'mlflow' : 'open_inference'
  return { name, method: method === 'GET' ? 'GET' : 'POST', pattern, permission, protocol }
}

/** Extensions of Triton's that are answered with why there is no such thing here. */
const unsupportedRoutes: readonly GatewayRoute[] = [
  ...(['/v2/trace/setting', '/v2/models/{endpoint}/trace/setting', '/v2/logging'] as const).flatMap((path) => [
    route('unsupported', `GET ${path}`, 'endpoint.read'),
    route('unsupported', `POST ${path}`, 'endpoint.write'),
  ]),
  ...(['/v2/systemsharedmemory', '/v2/cudasharedmemory'] as const).flatMap((path) => [
    route('unsupported', `GET ${path}/status`, 'endpoint.read'),
    route('unsupported', `GET ${path}/region/{region}/status`, 'endpoint.read'),
    route('unsupported', `POST ${path}/region/{region}/register`, 'endpoint.write'),
    route('unsupported', `POST ${path}/region/{region}/unregister`, 'endpoint.write'),
    route('unsupported', `POST ${path}/unregister`, 'endpoint.write'),
  ]),
]

export const gatewayRoutes: readonly GatewayRoute[] = [
  route('infer', 'POST /v2/models/{endpoint}/infer', 'endpoint.infer'),
  route('infer', 'POST /v2/models/{endpoint}/versions/{version}/infer', 'endpoint.infer'),
  route('invocations', 'POST /endpoints/{endpoint}/invocations', 'endpoint.infer'),
  route('scoring_ping', 'GET /endpoints/{endpoint}/ping', 'endpoint.read'),
  route('scoring_ping', 'GET /endpoints/{endpoint}/health', 'endpoint.read'),
  route('scoring_version', 'GET /endpoints/{endpoint}/version', 'endpoint.read'),
  route('invocations', 'POST /invocations', 'endpoint.infer'),
  route('scoring_ping', 'GET /ping', 'public'),
  route('scoring_version', 'GET /version', 'endpoint.read'),
  route('v1_predict', 'POST /v1/models/{endpoint}:predict', 'endpoint.infer'),
  route('v1_predict', 'POST /v1/models/{endpoint}/versions/{version}:predict', 'endpoint.infer'),
  route('v1_predict', 'POST /v1/models/{endpoint}/labels/{label}:predict', 'endpoint.infer'),
  route('v1_unsupported', 'POST /v1/models/{endpoint}:{verb}', 'endpoint.infer'),
  route('v1_unsupported', 'POST /v1/models/{endpoint}/versions/{version}:{verb}', 'endpoint.infer'),
  route('v1_unsupported', 'POST /v1/models/{endpoint}/labels/{label}:{verb}', 'endpoint.infer'),
  route('v1_models', 'GET /v1/models', 'endpoint.read'),
  route('v1_status', 'GET /v1/models/{endpoint}', 'endpoint.read'),
  route('v1_status', 'GET /v1/models/{endpoint}/versions/{version}', 'endpoint.read'),
  route('v1_status', 'GET /v1/models/{endpoint}/labels/{label}', 'endpoint.read'),
  route('v1_metadata', 'GET /v1/models/{endpoint}/metadata', 'endpoint.read'),
  route('v1_metadata', 'GET /v1/models/{endpoint}/versions/{version}/metadata', 'endpoint.read'),
  route('v1_metadata', 'GET /v1/models/{endpoint}/labels/{label}/metadata', 'endpoint.read'),
  route('alive', 'GET /', 'public'),
  route('server_metadata', 'GET /v2', 'endpoint.read'),
  route('live', 'GET /v2/health/live', 'public'),
  route('ready', 'GET /v2/health/ready', 'public'),
  route('health', 'GET /health', 'public'),
  route('models', 'GET /v2/models', 'endpoint.read'),
  // Before the endpoints' own: an endpoint named "stats" is asked by its version.
  route('statistics', 'GET /v2/models/stats', 'endpoint.read'),
  route('model_metadata', 'GET /v2/models/{endpoint}', 'endpoint.read'),
  route('model_metadata', 'GET /v2/models/{endpoint}/versions/{version}', 'endpoint.read'),
  route('model_ready', 'GET /v2/models/{endpoint}/ready', 'endpoint.read'),
  route('model_ready', 'GET /v2/models/{endpoint}/versions/{version}/ready', 'endpoint.read'),
  route('model_config', 'GET /v2/models/{endpoint}/config', 'endpoint.read'),
  route('model_config', 'GET /v2/models/{endpoint}/versions/{version}/config', 'endpoint.read'),
  route('statistics', 'GET /v2/models/{endpoint}/stats', 'endpoint.read'),
  route('statistics', 'GET /v2/models/{endpoint}/versions/{version}/stats', 'endpoint.read'),
  route('repository_index', 'POST /v2/repository/index', 'endpoint.read'),
  route('repository_index', 'POST /v2/repository/endpoints/index', 'endpoint.read'),
  route('model_load', 'POST /v2/repository/models/{endpoint}/load', 'endpoint.write'),
  route('model_load', 'POST /v2/repository/endpoints/models/{endpoint}/load', 'endpoint.write'),
  route('model_unload', 'POST /v2/repository/models/{endpoint}/unload', 'endpoint.write'),
  route('model_unload', 'POST /v2/repository/endpoints/models/{endpoint}/unload', 'endpoint.write'),
  ...unsupportedRoutes,
  route('metrics', 'GET /metrics', 'system.read'),
]

export interface RouteMatch {
  readonly route: GatewayRoute
  /** Empty: of a path at the root that names none. */
  readonly endpoint: string
  readonly version: string | undefined
}

/** The methods that a known path takes, when the request's is another; undefined: the path is unknown. */
export type RouteMiss = { readonly allowed: readonly string[] } | undefined

/** Segments of a path that may stand for a name. Nothing but a colon is percent-decoded: no name of ours needs it. */
const segment = /^[A-Za-z0-9][\w.\-]{0,127}$/v
const pathLengthMax = 512

/** A part of a pattern: a text, or a name with what follows it after a colon, as in `{endpoint}:predict`. */
interface Part {
  readonly text: string
  /** `{label}` is a version by its role. */
  readonly parameter: 'endpoint' | 'version' | undefined
  readonly action: string | undefined
}

function partOf(text: string): Part {
  const found = /^\{(?<name>[a-z]+)\}(?::(?<action>.+))?$/v.exec(text)?.groups
  const name = found?.['name']
  const parameter = name === undefined ? undefined : name === 'endpoint' ? name : 'version'
  return { text, parameter, action: found?.['action'] }
}

/** What stands for the part's name; undefined: the segment does not fit. */
function nameIn({ action }: Part, given: string): string | undefined {
  const colon = action === undefined ? given.length : given.indexOf(':')
  const name = given.slice(0, Math.max(colon, 0))
  const isAction =
    action === '{verb}' ? /^:[a-z]{1,20}$/v.test(given.slice(colon)) : given.slice(colon + 1) === (action ?? '')
  return isAction && segment.test(name) ? name : undefined
}

function matchPattern(
  pattern: readonly Part[],
  path: readonly string[],
): { endpoint: string; version?: string } | undefined {
  if (pattern.length !== path.length) return undefined
  const found: { endpoint: string; version?: string } = { endpoint: '' }
  for (const [at, part] of pattern.entries()) {
    const given = path[at] ?? ''
    if (part.parameter) {
      const name = nameIn(part, given)
      if (name === undefined) return undefined
      found[part.parameter] = name
    } else if (part.text !== given) return undefined
  }
  return found
}

const compiled = gatewayRoutes.map((entry) => ({ entry, parts: entry.pattern.split('/').map(partOf) }))

/** Finds the route of a request target. The query is ignored. HEAD is served as GET. */
export function matchRoute(method: string, target: string): RouteMatch | RouteMiss {
  const query = target.indexOf('?')
  const given = query < 0 ? target : target.slice(0, query)
  if (given.length > pathLengthMax) return undefined
  // Some clients write the colon before an action so; no name holds one.
  const path = given.includes('%3') ? given.replaceAll(/%3a/giv, ':') : given
  const parts = path.split('/')
  const allowed: string[] = []
  for (const { entry, parts: pattern } of compiled) {
    const found = matchPattern(pattern, parts)
    if (!found) continue
    const isWanted = entry.method === method || (entry.method === 'GET' && method === 'HEAD')
    if (isWanted) return { route: entry, endpoint: found.endpoint, version: found.version }
    if (!allowed.includes(entry.method)) allowed.push(entry.method)
  }
  return allowed.length > 0 ? { allowed } : undefined
}
