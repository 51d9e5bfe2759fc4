// GraphQL over the methods: the console's own query of a run, and queries that ask for too much.
import { expect, test } from 'vitest'
import { DomainError } from '../../platform/errors.ts'
import type { Methods } from '../wire/method.ts'
import { bind } from '../rpc.ts'
import { createMlflowTestServer } from '../testing.ts'

const methods = bind<object>(
  {
    getRun: {
      permission: 'run.read',
      handle: async (_deps, { request }) => {
        if (request.run_id === 'fault') throw new Error('a secret of the inside')
        if (request.run_id !== 'r1') {
          throw new DomainError('not_found', 'some_run', `Run with id=${request.run_id} not found`)
        }
        return {
          run: {
            info: { run_id: 'r1', experiment_id: '7', status: 'FINISHED', start_time: 9_223_372_036_854_775_807n },
            data: {
              metrics: [
                { key: 'a', value: 'NaN', step: 3 },
                { key: 'b', value: 1.5 },
              ],
              params: [{ key: 'p', value: '' }],
            },
          },
        }
      },
    },
    getExperiment: {
      permission: 'run.read',
      handle: async (_deps, { request }) => ({ experiment: { experiment_id: request.experiment_id, name: 'seven' } }),
    },
    searchModelVersions: {
      permission: 'model.read',
      handle: async (_deps, { request }) => ({
        model_versions: [{ name: request.filter, version: '1', aliases: ['champion'] }],
      }),
    },
  } satisfies Methods<object>,
  {},
)

async function ask(query: string, variables: object = {}) {
  await using mlflow = await createMlflowTestServer(methods)
  const headers = { 'content-type': 'application/json' }
  const payload = JSON.stringify({ query, variables })
  const answer = await mlflow.server.inject({ method: 'POST', url: '/graphql', headers, payload })
  return { status: answer.statusCode, ...answer.json() }
}

test('a run comes with its experiment and its model versions; what is no finite number is null', async () => {
  const query = `query GetRun($data: MlflowGetRunInput!) @component(name: "MLflow.ExperimentRunTracking") {
    mlflowGetRun(input: $data) {
      apiError { code }
      run {
        info { runId status startTime }
        data { metrics { key value step } params { key value } }
        experiment { name }
        modelVersions { name version aliases }
        __typename
      }
    }
  }`
  expect(await ask(query, { data: { runId: 'r1' } })).toEqual({
    status: 200,
    errors: null,
    data: {
      mlflowGetRun: {
        apiError: null,
        run: {
          info: { runId: 'r1', status: 'FINISHED', startTime: '9223372036854775807' },
          data: {
            metrics: [
              { key: 'a', value: null, step: '3' },
              { key: 'b', value: 1.5, step: null },
            ],
            params: [{ key: 'p', value: '' }],
          },
          experiment: { name: 'seven' },
          modelVersions: [{ name: "run_id='r1'", version: '1', aliases: ['champion'] }],
          __typename: 'MlflowRunExtension',
        },
      },
    },
  })
})

test('a refusal is an error beside null, and a fault of ours tells nothing of the inside', async () => {
  const query = (id: string): string => `{ mlflowGetRun(input: { runId: "${id}" }) { run { info { runId } } } }`
  expect(await ask(query('none'))).toEqual({
    status: 200,
    data: { mlflowGetRun: null },
    errors: ['Run with id=none not found'],
  })
  const fault = await ask(query('fault'))
  expect(fault.status).toBe(500)
  expect(JSON.stringify(fault)).not.toContain('secret')
})

const aliases = (count: number): string =>
  `{ ${Array.from({ length: count }, (_, index) => `a${index}: test(inputString: "x") { output }`).join(' ')} }`
const deep = `{ ${'mlflowGetRun { run { '.repeat(6)}${'} } '.repeat(6)} }`

test.each([
  ['{ mlflowGetRun', 'Syntax Error'],
  ['{ nothing }', 'Cannot query field "nothing"'],
  [aliases(11), 'at most 10 root fields, got 11 root fields'],
  [
    `query { ...F ...G } fragment F on Query { a: test { output } } fragment G on Query { ${aliases(10).slice(1, -1)} }`,
    'at most 10',
  ],
  [deep, 'Query exceeds maximum depth of 10'],
  [`{ test { ${'output '.repeat(1001)} } }`, 'Query exceeds maximum total selections of 1000'],
])('the query %s is refused', async (query, message) => {
  const { data, errors, status } = await ask(query)
  expect([status, data]).toEqual([200, null])
  expect(errors[0]).toContain(message)
})

test('a query that is nested without end is refused', async () => {
  const { data, errors, status } = await ask(`query ${'{ a '.repeat(9_000)}${'}'.repeat(9_000)}`)
  expect([status, data]).toEqual([200, null])
  expect(errors[0]).toContain('nested too deeply')
})
