// What MLflow's server has beyond the methods of its contract and this one has not: why, by the beginning of its routes.

export const python =
  'This runs Python, and this server runs none: call mlflow.genai.evaluate() where your code runs; its results are logged here.'
export const gateway =
  'There is no gateway to language models here: call the provider where your code runs, or run a gateway of its own beside this server.'
const mcp =
  'There is no registry of MCP servers here: name them where the agents that use them run. Models, prompts and traces of agents are kept.'

const areas: readonly (readonly [string, string])[] = [
  ['/api/3.0/mlflow/mcp-servers', mcp],
  ['/ajax-api/3.0/mlflow/mcp-servers', mcp],
  ['/ajax-api/3.0/jobs', python],
  ['/ajax-api/3.0/mlflow/assistant', gateway],
]

/** Of a path that no route has; undefined: MLflow has none either. */
export function reasonOfAbsence(path: string): string | undefined {
  return areas.find(([area]) => path === area || path.startsWith(`${area}/`))?.[1]
}
