// POST /graphql, which MLflow's console asks for its pages of a run: the same methods under another grammar.
import type { FastifyPluginAsync } from 'fastify'
import { invalidParameter } from '../wire/errors.ts'
import { parseJson, printJson } from '../wire/json.ts'
import type { GraphqlDeps, GraphqlQuery } from './answer.ts'

export const graphqlRoutes: FastifyPluginAsync<GraphqlDeps> = async (server, deps) => {
  const options = { schema: { hide: true }, config: { permission: 'run.read' } } as const
  server.post('/graphql', options, async (http, reply) => {
    const query = readQuery(http.body)
    // Loaded when it is first asked for: most homes never are, and its grammar is a tenth of all modules of a start.
    const { answerGraphql } = await import('./answer.ts')
    return reply.type('application/json').send(printJson(await answerGraphql(deps, { query, http })))
  })
}

/** @throws MlflowError INVALID_PARAMETER_VALUE */
function readQuery(body: unknown): GraphqlQuery {
  const json = parsed(typeof body === 'string' ? body : '')
  const { query, variables, operationName } = (json ?? {}) as Record<string, unknown>
  if (typeof query !== 'string') throw invalidParameter('A GraphQL request is a JSON object with a text "query".')
  return {
    query,
    variables:
      typeof variables === 'object' && variables !== null ? (variables as GraphqlQuery['variables']) : undefined,
    operationName: typeof operationName === 'string' ? operationName : undefined,
  }
}

function parsed(text: string): unknown {
  try {
    return parseJson(text)
  } catch (error) {
    if (error instanceof SyntaxError) throw invalidParameter(`The request body is not JSON: ${error.message}`)
    throw error
  }
}
