// Which paths are MLflow's.

const prefixes = ['/api/2.0/', '/api/3.0/', '/ajax-api/', '/v1/']
const paths: ReadonlySet<string> = new Set([
  '/get-artifact',
  '/graphql',
  '/health',
  '/model-versions/get-artifact',
  '/version',
])

/** What MLflow's clients or its console ask for; of a path, or the pattern of a route. */
export const isMlflowPath = (path: string): boolean =>
  paths.has(path) || prefixes.some((prefix) => path.startsWith(prefix))

/** Probes ask for it by whatever name they have for the machine, and it tells nothing of anybody. */
export const isProbePath = (path: string): boolean => path === '/health' || path === '/version'
