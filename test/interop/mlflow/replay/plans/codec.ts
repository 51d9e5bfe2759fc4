// How requests are written: content types, prefixes, bodies of GET, encoded twice, unset against empty, and what belongs to no area.
import type { Plan } from '../call.ts'

const json = { 'content-type': 'application/json' }

export function planCodec({ add, post, get, delete: remove }: Plan): void {
  post(
    'create experiment',
    '/ajax-api/2.0/mlflow/experiments/create',
    { name: 'codec-base' },
    { take: { exp: 'experiment_id' } },
  )
  const create = '/api/2.0/mlflow/experiments/create'
  const types = [
    'text/plain',
    'application/json; charset=utf-8',
    'application/x-www-form-urlencoded',
    'application/xml',
    'APPLICATION/JSON',
    'application/vnd.api+json',
    '',
  ]
  for (const [index, type] of types.entries())
    add('POST', create, {
      label: `content type "${type}"`,
      body: { name: `codec-type-${index}` },
      headers: type === '' ? {} : { 'content-type': type },
    })
  const bodies: [string, string][] = [
    ['encoded twice', JSON.stringify('{"name": "codec-twice"}')],
    ['encoded thrice', JSON.stringify(JSON.stringify('{"name": "codec-thrice"}'))],
    ['array', '[]'],
    ['number', '5'],
    ['null', 'null'],
    ['text', '"x"'],
    ['broken', '{'],
    ['empty', ''],
    ['blanks', '  '],
    ['duplicate keys', '{"name": "codec-dup-1", "name": "codec-dup-2"}'],
    ['NaN', '{"name": "codec-nan", "x": NaN}'],
    ['camel case', '{"name": "codec-camel", "artifactLocation": "s3://b/c"}'],
    ['byte order mark', '\ufeff{"name": "codec-bom"}'],
    ['lone surrogate', '{"name": "codec-\\ud800"}'],
    ['deep', `{"name": "codec-deep", "x": ${'['.repeat(500)}${']'.repeat(500)}}`],
    ['trailing comma', '{"name": "codec-trail",}'],
    ['single quotes', "{'name': 'x'}"],
  ]
  for (const [label, body] of bodies) add('POST', create, { label: `body, ${label}`, body, headers: json })
  add('POST', create, { label: 'body absent', headers: json })
  get('GET with two values', 'experiments/get', { experiment_id: ['{{exp}}', '0'] })
  get('GET with an unknown argument', 'experiments/get', { experiment_id: '{{exp}}', nonsense: '1' })
  get('GET at the other prefix', '/ajax-api/2.0/mlflow/experiments/get', { experiment_id: '{{exp}}' })
  add('GET', '/api/2.0/mlflow/experiments/get', {
    label: 'GET with a body',
    body: { experiment_id: '{{exp}}' },
    headers: json,
  })
  add('GET', '/api/2.0/mlflow/experiments/get?experiment_id=0', {
    label: 'GET with both',
    body: { experiment_id: '{{exp}}' },
    headers: json,
  })
  add('POST', '/api/2.0/mlflow/experiments/search', {
    label: 'null fields',
    body: { max_results: 5, filter: null, order_by: null, page_token: null, view_type: null },
    headers: json,
  })
  get('bool argument', '/api/2.0/mlflow/logged-models/m-x', { allow_deleted: 'TRUE' })
  get('bool argument of text', '/api/2.0/mlflow/logged-models/m-x', { allow_deleted: 'yes' })
  get('bool argument of 1', '/api/2.0/mlflow/logged-models/m-x', { allow_deleted: '1' })
  for (const path of [
    '/api/2.0/mlflow/nothing',
    '/api/2.0/nothing',
    '/api/3.0/mlflow/experiments/get',
    '/api/2.0/mlflow/experiments/get/',
    '/api/2.0/preview/mlflow/experiments/get',
    '/api/2.0/mlflow/runs/create',
    '/ajax-api/2.0/mlflow/metrics/get-history-bulk',
  ])
    get(`GET ${path}`, path)
  add('PUT', create, { label: 'PUT where there is none', body: {}, headers: json })
  add('OPTIONS', create, { label: 'OPTIONS' })
  post('POST where it is GET', 'experiments/get', { experiment_id: '0' })
  remove('DELETE where there is none', 'experiments/get', {})
  get('health', '/health')
  get('version', '/version')
  get('server info', '/api/3.0/mlflow/server-info')
  get('server info at the other prefix', '/ajax-api/3.0/mlflow/server-info')
  get('workspaces', '/api/3.0/mlflow/workspaces')
  get('with a workspace', 'experiments/get', { experiment_id: '0' }, { headers: { 'x-mlflow-workspace': 'default' } })
  get(
    'with another workspace',
    'experiments/get',
    { experiment_id: '0' },
    { headers: { 'x-mlflow-workspace': 'team' } },
  )
  get('a foreign host', 'experiments/get', { experiment_id: '0' }, { headers: { host: 'evil.example' } })
  post(
    'a foreign origin',
    'experiments/create',
    { name: 'codec-cors' },
    { headers: { origin: 'https://evil.example' } },
  )
  post(
    'a local origin',
    'experiments/create',
    { name: 'codec-local' },
    { headers: { origin: 'http://localhost:3000' } },
  )
  const graphql = (label: string, query: unknown, variables?: object): void =>
    post(`graphql, ${label}`, '/graphql', { query, ...(variables ? { variables } : {}) })
  graphql('test', '{ test(inputString: "x") { output } }')
  graphql(
    'experiment',
    'query Q($i: MlflowGetExperimentInput!) { mlflowGetExperiment(input: $i) { experiment { name experimentId lifecycleStage tags { key value } } apiError { code message } } }',
    { i: { experimentId: '{{exp}}' } },
  )
  graphql(
    'unknown experiment',
    '{ mlflowGetExperiment(input: {experimentId: "999999"}) { experiment { name } apiError { code message } } }',
  )
  graphql('unknown field', '{ nonsense }')
  graphql('syntax', '{')
  graphql('no query', undefined)
  graphql('introspection', '{ __schema { queryType { fields { name } } mutationType { fields { name } } } }')
  graphql(
    'search',
    'mutation M($i: MlflowSearchRunsInput!) { mlflowSearchRuns(input: $i) { runs { info { runId } } } }',
    { i: { experimentIds: ['{{exp}}'] } },
  )
}
