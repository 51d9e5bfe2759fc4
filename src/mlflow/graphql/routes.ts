// POST /graphql, which MLflow's console asks for its pages of a run: the same methods under another grammar.
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { execute, GraphQLError, parse, validate, type DocumentNode } from 'graphql'
import { actorOf, assertPermitted, callerOf } from '../../governance/access.ts'
import { DomainError } from '../../platform/errors.ts'
import { FieldError, parseMessage } from '../wire/codec.ts'
import { invalidParameter, MlflowError, translated } from '../wire/errors.ts'
import { methods as described } from '../generated/descriptors.ts'
import { parseJson, printJson } from '../wire/json.ts'
import type { BoundMethods } from '../rpc.ts'
import { assertModest, type QueryLimits } from './limits.ts'
import { createSchema, type Ask } from './schema.ts'

export interface GraphqlDeps {
  readonly methods: BoundMethods
  readonly limits: QueryLimits
}

interface Query {
  readonly query: string
  readonly variables: Record<string, unknown> | undefined
  readonly operationName: string | undefined
}

export const graphqlRoutes: FastifyPluginAsync<GraphqlDeps> = async (server, { methods, limits }) => {
  // Made when it is first asked for: most homes never are.
  let schema: ReturnType<typeof createSchema> | undefined
  const options = { schema: { hide: true }, config: { permission: 'run.read' } } as const
  server.post('/graphql', options, async (http, reply) => {
    const { query, variables, operationName } = readQuery(http.body)
    schema ??= createSchema()
    const found = await answer({ query, limits }, (document) => {
      const invalid = validate(schema!, document)
      if (invalid.length > 0) return { errors: invalid }
      return execute({
        schema: schema!,
        document,
        contextValue: { ask: askerOf(methods, http) },
        ...(variables ? { variableValues: variables } : {}),
        ...(operationName === undefined ? {} : { operationName }),
      })
    })
    return reply.type('application/json').send(printJson(found))
  })
}

interface Outcome {
  readonly data?: unknown
  readonly errors?: readonly GraphQLError[]
}

async function answer(
  { query, limits }: { query: string; limits: QueryLimits },
  run: (document: DocumentNode) => Outcome | Promise<Outcome>,
): Promise<{ data: unknown; errors: string[] | null }> {
  try {
    const document = parse(query, { maxTokens: tokensMax })
    assertModest(document, limits)
    const { data, errors } = await run(document)
    const fault = errors?.find(({ originalError }) => originalError && !isExpected(originalError))
    if (fault?.originalError) throw fault.originalError
    return { data: data ?? null, errors: errors?.map(({ message }) => message) ?? null }
  } catch (error) {
    if (error instanceof GraphQLError) return { data: null, errors: [error.message] }
    throw error
  }
}

const isExpected = (error: Error): boolean =>
  error instanceof MlflowError || error instanceof FieldError || error instanceof GraphQLError

/** More than any query of the console's, and parsed in a few milliseconds. */
const tokensMax = 20_000

/** @throws MlflowError INVALID_PARAMETER_VALUE */
function readQuery(body: unknown): Query {
  const json = parsed(typeof body === 'string' ? body : '')
  const { query, variables, operationName } = (json ?? {}) as Record<string, unknown>
  if (typeof query !== 'string') throw invalidParameter('A GraphQL request is a JSON object with a text "query".')
  return {
    query,
    variables: typeof variables === 'object' && variables !== null ? (variables as Query['variables']) : undefined,
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

/** Each method under its own permission: a query reaches several. */
const askerOf =
  (methods: BoundMethods, http: FastifyRequest): Ask =>
  async (name, input) => {
    const method = methods[name]
    if (!method) throw new GraphQLError(`${name} is not served here`)
    assertPermitted(callerOf(http), method.permission)
    const request = parseMessage(described[name].request, input)
    const sent = new Set(Object.keys(request))
    const call = { request, actor: actorOf(http), caller: callerOf(http), http, sent }
    try {
      return (await method.handle(call)) as Record<string, unknown>
    } catch (error) {
      throw error instanceof DomainError ? translated(error) : error
    }
  }
