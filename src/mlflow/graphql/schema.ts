// The GraphQL schema that MLflow's console asks: types made from the descriptors of messages, fields answered by the methods.
import {
  GraphQLBoolean,
  GraphQLDirective,
  GraphQLEnumType,
  GraphQLFloat,
  GraphQLInputObjectType,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLScalarType,
  GraphQLSchema,
  GraphQLString,
  Kind,
  type GraphQLFieldConfig,
  type GraphQLInputType,
  type GraphQLNullableOutputType,
  type GraphQLOutputType,
} from 'graphql'
import { fieldsOf, jsonNameOf, type Field } from '../wire/codec.ts'
import { enums, methods } from '../generated/descriptors.ts'
import type { MethodName } from '../generated/messages.ts'

/** Answers a method's request, given as JSON. */
export type Ask = (method: MethodName, input: Readonly<Record<string, unknown>>) => Promise<Record<string, unknown>>

interface Context {
  readonly ask: Ask
}
type FieldConfig = GraphQLFieldConfig<Record<string, unknown>, Context>

const LongString = new GraphQLScalarType({
  name: 'LongString',
  description: 'An integer of 64 bits, as text.',
  serialize: String,
  parseValue: (value) => String(value),
  parseLiteral: (node) => (node.kind === Kind.INT || node.kind === Kind.STRING ? node.value : null),
})

const scalars: Readonly<Record<string, GraphQLScalarType | undefined>> = {
  int64: LongString,
  int32: GraphQLInt,
  double: GraphQLFloat,
  bool: GraphQLBoolean,
}

/** The console's fragments name these. */
const renamed: Readonly<Record<string, string | undefined>> = { Run: 'RunExtension', Metric: 'MetricExtension' }
const nameOf = (message: string): string => `Mlflow${renamed[message] ?? message}`

const ErrorDetail = new GraphQLObjectType({
  name: 'ErrorDetail',
  fields: { field: { type: GraphQLString }, message: { type: GraphQLString } },
})
/** Always null: an error is told as one. */
const ApiError = new GraphQLObjectType({
  name: 'ApiError',
  fields: {
    code: { type: GraphQLString },
    message: { type: GraphQLString },
    helpUrl: { type: GraphQLString },
    traceId: { type: GraphQLString },
    errorDetails: { type: new GraphQLList(ErrorDetail) },
  },
})

const echo: FieldConfig = {
  type: new GraphQLObjectType({ name: 'Test', fields: { output: { type: GraphQLString } } }),
  args: { inputString: { type: GraphQLString } },
  resolve: (_source, args) => ({ output: args['inputString'] as unknown }),
}

function enumType(name: string, made: Map<string, GraphQLEnumType>): GraphQLEnumType {
  const known = made.get(name)
  if (known) return known
  const values = Object.keys((enums as Readonly<Record<string, object>>)[name]!)
  const type = new GraphQLEnumType({
    name: `Mlflow${name}`,
    values: Object.fromEntries(values.map((value) => [value, { value }])),
  })
  made.set(name, type)
  return type
}

const enumNames = new Map<object, string>(Object.entries(enums).map(([name, values]) => [values, name]))

/** Makes each message's type once; `Run` has two fields of other methods beside its own. */
function createTypes(): { output(message: string): GraphQLObjectType; input(message: string): GraphQLInputObjectType } {
  const madeEnums = new Map<string, GraphQLEnumType>()
  const outputs = new Map<string, GraphQLObjectType>()
  const single = (field: Field): GraphQLEnumType | GraphQLScalarType | undefined => {
    if (field.kind.is === 'enum') return enumType(enumNames.get(field.kind.values)!, madeEnums)
    return field.kind.is === 'scalar' ? (scalars[field.kind.type] ?? GraphQLString) : undefined
  }
  const outputOf = (field: Field): GraphQLOutputType => {
    const type: GraphQLNullableOutputType =
      single(field) ?? output(field.kind.is === 'message' ? field.kind.type : field.name)
    if (!field.isRepeated) return type
    return new GraphQLList(field.kind.is === 'message' ? new GraphQLNonNull(type) : type)
  }
  const output = (message: string): GraphQLObjectType => {
    const known = outputs.get(message)
    if (known) return known
    const type = new GraphQLObjectType({
      name: nameOf(message),
      fields: (): Record<string, FieldConfig> => ({
        ...Object.fromEntries(
          ownFields(message).map((field) => [jsonNameOf(field.name), fieldConfig(field, outputOf(field))]),
        ),
        ...(message === 'Run' ? runLinks(output) : {}),
        ...(message.endsWith('Response') ? { apiError: { type: ApiError } } : {}),
      }),
    })
    outputs.set(message, type)
    return type
  }
  const input = (message: string): GraphQLInputObjectType => {
    const fields = ownFields(message).map((field) => {
      const type: GraphQLInputType = single(field) ?? GraphQLString
      return [jsonNameOf(field.name), { type: field.isRepeated ? new GraphQLList(type) : type }]
    })
    return new GraphQLInputObjectType({ name: `Mlflow${message}Input`, fields: Object.fromEntries(fields) })
  }
  return { output, input }
}

/** Maps have no type in GraphQL; no message that it shows has one. */
const ownFields = (message: string): Field[] => [...new Set(fieldsOf(message).values())].filter(({ isMap }) => !isMap)

function fieldConfig({ name, kind }: Field, type: GraphQLOutputType): FieldConfig {
  const isDouble = kind.is === 'scalar' && kind.type === 'double'
  return {
    type,
    resolve: (source) => {
      const value = source[name]
      // GraphQL has no NaN and no infinities.
      return isDouble && typeof value === 'string' ? null : (value ?? null)
    },
  }
}

function runLinks(output: (message: string) => GraphQLObjectType): Record<string, FieldConfig> {
  const infoOf = (run: Record<string, unknown>): Record<string, string> => run['info'] as Record<string, string>
  return {
    experiment: {
      type: output('Experiment'),
      resolve: async (run, _args, { ask }) =>
        (await ask('getExperiment', { experiment_id: infoOf(run)['experiment_id'] }))['experiment'],
    },
    modelVersions: {
      type: new GraphQLList(new GraphQLNonNull(output('ModelVersion'))),
      resolve: async (run, _args, { ask }) => {
        const filter = `run_id='${infoOf(run)['run_id'] ?? ''}'`
        return (await ask('searchModelVersions', { filter, max_results: 10_000 }))['model_versions'] ?? []
      },
    },
  }
}

const queries = [
  'getExperiment',
  'getMetricHistoryBulkInterval',
  'getRun',
  'listArtifacts',
  'searchModelVersions',
  'searchRuns',
] as const
const mutations = ['searchDatasets', 'searchRuns'] as const

export function createSchema(): GraphQLSchema {
  const types = createTypes()
  const inputs = new Map<string, GraphQLInputObjectType>()
  const inputOf = (message: string): GraphQLInputObjectType => {
    const input = inputs.get(message) ?? types.input(message)
    inputs.set(message, input)
    return input
  }
  const asking = (names: readonly MethodName[]): Record<string, FieldConfig> =>
    Object.fromEntries(
      names.map((name) => [
        `mlflow${name[0]?.toUpperCase()}${name.slice(1)}`,
        {
          type: types.output(methods[name].response),
          args: { input: { type: inputOf(methods[name].request) } },
          resolve: (_source, args, { ask }: Context) => ask(name, (args['input'] ?? {}) as Record<string, unknown>),
        } satisfies FieldConfig,
      ]),
    )
  const Query = new GraphQLObjectType({ name: 'Query', fields: { ...asking(queries), test: echo } })
  const Mutation = new GraphQLObjectType({ name: 'Mutation', fields: { ...asking(mutations), testMutation: echo } })
  const component = new GraphQLDirective({
    name: 'component',
    locations: ['QUERY', 'MUTATION'],
    args: { name: { type: new GraphQLNonNull(GraphQLString) } },
  })
  return new GraphQLSchema({ query: Query, mutation: Mutation, directives: [component] })
}
