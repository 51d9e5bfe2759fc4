// Answers one GraphQL query by the methods of the API.
import type { FastifyRequest } from 'fastify'
import { execute, GraphQLError, parse, validate, type DocumentNode } from 'graphql'
import { actorOf, assertPermitted, callerOf } from '../../governance/access.ts'
import { DomainError } from '../../platform/errors.ts'
import { methods as described } from '../generated/descriptors.ts'
import type { BoundMethods } from '../rpc.ts'
import { FieldError, parseMessage } from '../wire/codec.ts'
import { MlflowError, translated } from '../wire/errors.ts'
import { assertModest, type QueryLimits } from './limits.ts'
import { createSchema, type Ask } from './schema.ts'

export interface GraphqlDeps {
  readonly methods: BoundMethods
  readonly limits: QueryLimits
}

export interface GraphqlQuery {
  readonly query: string
  readonly variables: Record<string, unknown> | undefined
  readonly operationName: string | undefined
}

export interface GraphqlAnswer {
  readonly data: unknown
  readonly errors: string[] | null
}

let schema: ReturnType<typeof createSchema> | undefined

/** What is wrong with the query is told in the answer. @throws what a method throws that no caller is to blame for */
export async function answerGraphql(
  { methods, limits }: GraphqlDeps,
  { query: { query, variables, operationName }, http }: { query: GraphqlQuery; http: FastifyRequest },
): Promise<GraphqlAnswer> {
  const known = (schema ??= createSchema())
  return answer({ query, limits }, (document) => {
    const invalid = validate(known, document)
    if (invalid.length > 0) return { errors: invalid }
    return execute({
      schema: known,
      document,
      contextValue: { ask: askerOf(methods, http) },
      ...(variables ? { variableValues: variables } : {}),
      ...(operationName === undefined ? {} : { operationName }),
    })
  })
}

interface Outcome {
  readonly data?: unknown
  readonly errors?: readonly GraphQLError[]
}

async function answer(
  { query, limits }: { query: string; limits: QueryLimits },
  run: (document: DocumentNode) => Outcome | Promise<Outcome>,
): Promise<GraphqlAnswer> {
  try {
    const document = parsed(query)
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

/** @throws GraphQLError */
function parsed(query: string): DocumentNode {
  try {
    return parse(query, { maxTokens: tokensMax })
  } catch (error) {
    // The parser's stack is at its end, far beyond the depth that a query may have.
    if (error instanceof RangeError) throw new GraphQLError('Syntax Error: the query is nested too deeply')
    throw error
  }
}

/** More than any query of the console's, and parsed in a few milliseconds. */
const tokensMax = 20_000

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
