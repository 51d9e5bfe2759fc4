// Logged models; evaluation datasets, scorers, issues, label schemas and review queues.
import type { Plan } from '../call.ts'

const long = (length: number): string => 'x'.repeat(length)

export function planModels(plan: Plan): void {
  loggedModels(plan)
  modelSearch(plan)
  datasets(plan)
  scorers(plan)
  issues(plan)
}

function loggedModels({ post, get, patch, delete: remove }: Plan): void {
  post('create experiment', 'experiments/create', { name: 'models-base' }, { take: { exp: 'experiment_id' } })
  post(
    'create run',
    'runs/create',
    { experiment_id: '{{exp}}', run_name: 'r', start_time: 1 },
    { take: { run: 'run.info.run_id' } },
  )
  post(
    'create model',
    'logged-models',
    {
      experiment_id: '{{exp}}',
      name: 'net',
      model_type: 'Agent',
      source_run_id: '{{run}}',
      params: [{ key: 'lr', value: '0.1' }],
      tags: [{ key: 't', value: 'x' }],
    },
    { take: { model: 'model.info.model_id' } },
  )
  get('get model', 'logged-models/{{model}}')
  const cases: [string, object][] = [
    ['no name', { name: undefined }],
    ['empty name', { name: '' }],
    ['slash', { name: 'a/b' }],
    ['colon', { name: 'a:b' }],
    ['dot', { name: 'a.b' }],
    ['percent', { name: 'a%b' }],
    ['quotes', { name: 'a"b' }],
    ['apostrophe', { name: "a'b" }],
    ['unicode', { name: '模🚀' }],
    ['long', { name: long(501) }],
    ['unknown experiment', { experiment_id: '999999' }],
    ['no experiment', { experiment_id: undefined }],
    ['unknown run', { source_run_id: '5'.repeat(32) }],
    [
      'duplicate params',
      {
        params: [
          { key: 'a', value: '1' },
          { key: 'a', value: '2' },
        ],
      },
    ],
    ['long param', { params: [{ key: 'a', value: long(6001) }] }],
    ['long tag', { tags: [{ key: 'a', value: long(8001) }] }],
    ['param without value', { params: [{ key: 'a' }] }],
    ['long type', { model_type: long(501) }],
  ]
  for (const [label, fields] of cases)
    post(`create model, ${label}`, 'logged-models', { experiment_id: '{{exp}}', name: 'n', ...fields })
  for (const status of [
    'LOGGED_MODEL_PENDING',
    'LOGGED_MODEL_READY',
    'LOGGED_MODEL_UPLOAD_FAILED',
    'BOGUS',
    undefined,
    2,
  ])
    patch(`finalize ${status}`, 'logged-models/{{model}}', { model_id: '{{model}}', status })
  patch('finalize unknown', `logged-models/m-${'4'.repeat(32)}`, {
    model_id: `m-${'4'.repeat(32)}`,
    status: 'LOGGED_MODEL_READY',
  })
  patch('set tags', 'logged-models/{{model}}/tags', {
    tags: [
      { key: 't', value: 'y' },
      { key: 'u', value: '' },
    ],
  })
  patch('set tags, none', 'logged-models/{{model}}/tags', { tags: [] })
  patch('set tags, bad key', 'logged-models/{{model}}/tags', { tags: [{ key: '../x', value: '1' }] })
  patch('set tags, unknown model', `logged-models/m-${'4'.repeat(32)}/tags`, { tags: [{ key: 'a', value: 'b' }] })
  remove('delete tag', 'logged-models/{{model}}/tags/u', undefined)
  remove('delete tag again', 'logged-models/{{model}}/tags/u', undefined)
  post('log params', 'logged-models/{{model}}/params', { params: [{ key: 'depth', value: '3' }] })
  post('log params again', 'logged-models/{{model}}/params', { params: [{ key: 'depth', value: '3' }] })
  post('log params, changed', 'logged-models/{{model}}/params', { params: [{ key: 'depth', value: '4' }] })
  post('log params, none', 'logged-models/{{model}}/params', {})
  post('log params, unknown model', `logged-models/m-${'4'.repeat(32)}/params`, { params: [{ key: 'a', value: 'b' }] })
  post('log outputs', 'runs/outputs', { run_id: '{{run}}', models: [{ model_id: '{{model}}', step: 3 }] })
  post('log outputs again', 'runs/outputs', { run_id: '{{run}}', models: [{ model_id: '{{model}}', step: 4 }] })
  post('log model input', 'runs/log-inputs', { run_id: '{{run}}', models: [{ model_id: '{{model}}' }] })
  post('log metric of a model', 'runs/log-metric', {
    run_id: '{{run}}',
    key: 'acc',
    value: 0.5,
    timestamp: 10,
    step: 1,
    model_id: '{{model}}',
    dataset_name: 'd',
    dataset_digest: 'x',
  })
  post('log batch of a model', 'runs/log-batch', {
    run_id: '{{run}}',
    metrics: [
      { key: 'acc', value: 0.7, timestamp: 11, step: 2, model_id: '{{model}}' },
      { key: 'loss', value: 'NaN', timestamp: 11, step: 2, model_id: '{{model}}' },
    ],
  })
  get('get model after metrics', 'logged-models/{{model}}')
  get('get run with models', 'runs/get', { run_id: '{{run}}' })
  post('search run with models', 'runs/search', { experiment_ids: ['{{exp}}'] })
  get('list artifacts', 'logged-models/{{model}}/artifacts/directories')
  get('list artifacts of unknown', `logged-models/m-${'4'.repeat(32)}/artifacts/directories`)
  post('register model', 'registered-models/create', { name: 'models-reg' })
  post('register version', 'model-versions/create', {
    name: 'models-reg',
    source: 'models:/{{model}}',
    model_id: '{{model}}',
    run_id: '{{run}}',
  })
  post('register version without id', 'model-versions/create', { name: 'models-reg', source: 'models:/{{model}}' })
  get('download uri', 'model-versions/get-download-uri', { name: 'models-reg', version: '1' })
  get('get model with registrations', 'logged-models/{{model}}')
  get('get version of a model', 'model-versions/get', { name: 'models-reg', version: '1' })
  post(
    'create model to delete',
    'logged-models',
    { experiment_id: '{{exp}}', name: 'gone' },
    { take: { gone: 'model.info.model_id' } },
  )
  remove('delete model', 'logged-models/{{gone}}', undefined)
  remove('delete model again', 'logged-models/{{gone}}', undefined)
  get('get deleted model', 'logged-models/{{gone}}')
  get('get deleted model, allowed', 'logged-models/{{gone}}', { allow_deleted: 'true' })
  get('get unknown model', `logged-models/m-${'4'.repeat(32)}`)
  get('get odd model', 'logged-models/abc')
}

function modelSearch({ post, pick }: Plan): void {
  post(
    'create experiment to search',
    'experiments/create',
    { name: 'models-search' },
    { take: { many: 'experiment_id' } },
  )
  post(
    'create run to search',
    'runs/create',
    { experiment_id: '{{many}}', run_name: 'r', start_time: 1 },
    { take: { scores: 'run.info.run_id' } },
  )
  for (let index = 0; index < 6; index++) {
    post(
      `create model ${index}`,
      'logged-models',
      {
        experiment_id: '{{many}}',
        name: `s${index}`,
        model_type: pick(['A', 'B']),
        source_run_id: '{{scores}}',
        params: [{ key: 'p', value: String(index % 3) }],
        tags: [{ key: 'even', value: String(index % 2 === 0) }],
      },
      { take: { [`s${index}`]: 'model.info.model_id' } },
    )
    if (index !== 4)
      post(`log metric of model ${index}`, 'runs/log-batch', {
        run_id: '{{scores}}',
        metrics: [
          {
            key: 'score',
            value: [3, 1, 2, 5, 0, 4][index],
            timestamp: 5,
            step: 0,
            model_id: `{{s${index}}}`,
            ...(index % 2 === 0 ? { dataset_name: 'd', dataset_digest: '1' } : {}),
          },
        ],
      })
  }
  const path = 'logged-models/search'
  const base = { experiment_ids: ['{{many}}'], order_by: [{ field_name: 'name', ascending: true }] }
  const filters = [
    "name = 's1'",
    "name != 's1'",
    "name LIKE 's%'",
    "name ILIKE 'S%'",
    "name IN ('s1', 's2')",
    "name NOT IN ('s1')",
    "attributes.name = 's1'",
    "attribute.name = 's1'",
    "model_type = 'A'",
    "status = 'PENDING'",
    "status = 'READY'",
    "source_run_id = '{{scores}}'",
    "model_id = '{{s1}}'",
    'creation_timestamp > 0',
    'creation_time > 0',
    'last_updated_timestamp > 0',
    'metrics.score > 2',
    'metrics.score <= 2',
    'metrics.score = 3',
    'metrics.score != 3',
    "metrics.score > 'x'",
    "params.p = '1'",
    "params.p != '1'",
    "params.p LIKE '1'",
    "tags.even = 'true'",
    "tags.even != 'true'",
    "param.p = '1'",
    "tag.even = 'true'",
    'metric.score > 2',
    "params.p = '1' AND metrics.score > 0",
    "name = 'a' OR name = 'b'",
    'junk',
    "nonsense = 'x'",
    "name in ('s1')",
    'tags.even IS NULL',
    "params.p > '1'",
  ]
  for (const [index, filter] of filters.entries()) post(`models ${index}: ${filter}`, path, { ...base, filter })
  post('models by dataset', path, {
    ...base,
    filter: 'metrics.score > 1',
    datasets: [{ dataset_name: 'd', dataset_digest: '1' }],
  })
  post('models by dataset name', path, { ...base, filter: 'metrics.score > 1', datasets: [{ dataset_name: 'd' }] })
  post('models by dataset without name', path, {
    ...base,
    filter: 'metrics.score > 1',
    datasets: [{ dataset_digest: '1' }],
  })
  const orders: object[][] = [
    [{ field_name: 'metrics.score' }],
    [{ field_name: 'metrics.score', ascending: true }],
    [{ field_name: 'metrics.score', ascending: false, dataset_name: 'd' }],
    [{ field_name: 'metrics.score', dataset_name: 'd', dataset_digest: '1' }],
    [{ field_name: 'creation_timestamp', ascending: true }],
    [{ field_name: 'name', ascending: false }],
    [{ field_name: 'params.p' }],
    [{ field_name: 'junk' }],
    [{}],
    [{ field_name: 'name', dataset_name: 'd' }],
    [{ field_name: 'attributes.name', ascending: true }],
    [
      { field_name: 'model_type', ascending: true },
      { field_name: 'name', ascending: true },
    ],
  ]
  for (const [index, order_by] of orders.entries()) post(`models ordered ${index}`, path, { ...base, order_by })
  for (const max_results of [0, -1, 1, 100, 1001, 'x'])
    post(`models max_results ${max_results}`, path, { ...base, max_results })
  post('models, page 1', path, { ...base, max_results: 3 }, { take: { lnext: 'next_page_token' } })
  post('models, page 2', path, { ...base, max_results: 3, page_token: '{{lnext}}' })
  post('models, token of another search', path, {
    ...base,
    max_results: 3,
    filter: "name LIKE 's%'",
    page_token: '{{lnext}}',
  })
  post('models, junk token', path, { ...base, page_token: 'junk' })
  post('models of no experiment', path, {})
  post('models of an unknown experiment', path, { experiment_ids: ['777777'] })
}

function datasets({ post, get, patch, delete: remove }: Plan): void {
  const path = '/api/3.0/mlflow/datasets'
  post(
    'create dataset',
    `${path}/create`,
    { name: 'models-eval', experiment_ids: ['{{exp}}'], tags: '{"a": "b"}' },
    { take: { ds: 'dataset.dataset_id' } },
  )
  for (const [label, fields] of [
    ['no name', { name: undefined }],
    ['empty name', { name: '' }],
    ['same name', { name: 'models-eval' }],
    ['bad tags', { name: 'bt', tags: 'x' }],
    ['unknown experiment', { name: 'ue', experiment_ids: ['999999'] }],
    ['source', { name: 'src', source_type: 'human', source: '{}', schema: '{}', profile: '{}', created_by: 'ann' }],
  ] as [string, object][])
    post(`create dataset, ${label}`, `${path}/create`, { name: 'x', ...fields })
  get('get dataset', `${path}/{{ds}}`)
  get('get unknown dataset', `${path}/d-${'3'.repeat(32)}`)
  const records = [
    { inputs: { question: 'a?' }, expectations: { answer: 'a' }, tags: { t: '1' } },
    { inputs: { question: 'b?' } },
  ]
  post('upsert records', `${path}/{{ds}}/records`, { records: JSON.stringify(records), updated_by: 'ann' })
  post('upsert records again', `${path}/{{ds}}/records`, {
    records: JSON.stringify([{ inputs: { question: 'a?' }, expectations: { score: 1 }, tags: { u: '2' } }]),
  })
  post('upsert records of text', `${path}/{{ds}}/records`, { records: 'x' })
  post('upsert no records', `${path}/{{ds}}/records`, {})
  post('upsert records without inputs', `${path}/{{ds}}/records`, { records: '[{"expectations": {}}]' })
  post('upsert records, other inputs', `${path}/{{ds}}/records`, { records: '[{"inputs": {"other": 1}}]' })
  get('get records', `${path}/{{ds}}/records`)
  get('get records, one', `${path}/{{ds}}/records`, { max_results: '1' })
  get('get dataset with records', `${path}/{{ds}}`)
  patch('set dataset tags', `${path}/{{ds}}/tags`, { tags: '{"a": "c", "d": "e"}' })
  patch('set dataset tags of text', `${path}/{{ds}}/tags`, { tags: 'x' })
  remove('delete dataset tag', `${path}/{{ds}}/tags/d`, undefined)
  remove('delete dataset tag again', `${path}/{{ds}}/tags/d`, undefined)
  get('experiment ids', `${path}/{{ds}}/experiment-ids`)
  post('add experiments', `${path}/{{ds}}/add-experiments`, { experiment_ids: ['0'] })
  post('add unknown experiment', `${path}/{{ds}}/add-experiments`, { experiment_ids: ['999999'] })
  post('remove experiments', `${path}/{{ds}}/remove-experiments`, { experiment_ids: ['0'] })
  for (const [index, filter_string] of [
    "name = 'models-eval'",
    "name LIKE 'models%'",
    "tags.a = 'c'",
    "created_by = 'ann'",
    'created_time > 0',
    'junk',
    "name IN ('x')",
  ].entries())
    post(`search datasets ${index}`, `${path}/search`, { experiment_ids: ['{{exp}}'], filter_string })
  post('search datasets, ordered', `${path}/search`, { order_by: ['name DESC'], max_results: 2 })
  post('search datasets, junk order', `${path}/search`, { order_by: ['junk'] })
  remove('delete records', `${path}/{{ds}}/records`, { dataset_record_ids: ['nope'] })
  remove('delete dataset', `${path}/{{ds}}`, undefined)
  remove('delete dataset again', `${path}/{{ds}}`, undefined)
}

function scorers({ post, get, delete: remove }: Plan): void {
  const path = '/api/3.0/mlflow/scorers'
  const scorer = {
    experiment_id: '{{exp}}',
    name: 'judge',
    serialized_scorer: JSON.stringify({ name: 'judge', instructions_judge_pydantic_data: null }),
  }
  post('register scorer', `${path}/register`, scorer)
  post('register scorer again', `${path}/register`, scorer)
  post('register scorer, unknown experiment', `${path}/register`, { ...scorer, experiment_id: '999999' })
  post('register scorer, not JSON', `${path}/register`, { ...scorer, name: 'bad', serialized_scorer: '{' })
  get('list scorers', `${path}/list`, { experiment_id: '{{exp}}' })
  get('scorer versions', `${path}/versions`, { experiment_id: '{{exp}}', name: 'judge' })
  get('get scorer', `${path}/get`, { experiment_id: '{{exp}}', name: 'judge' })
  get('get scorer 1', `${path}/get`, { experiment_id: '{{exp}}', name: 'judge', version: '1' })
  get('get scorer 9', `${path}/get`, { experiment_id: '{{exp}}', name: 'judge', version: '9' })
  get('get unknown scorer', `${path}/get`, { experiment_id: '{{exp}}', name: 'none' })
  remove('delete scorer 1', `${path}/delete`, { experiment_id: '{{exp}}', name: 'judge', version: 1 })
  remove('delete scorer', `${path}/delete`, { experiment_id: '{{exp}}', name: 'judge' })
  remove('delete scorer again', `${path}/delete`, { experiment_id: '{{exp}}', name: 'judge' })
}

function issues({ post, get, patch }: Plan): void {
  const path = '/api/3.0/mlflow/issues'
  post(
    'create issue',
    path,
    {
      experiment_id: '{{exp}}',
      name: 'slow',
      description: 'too slow',
      severity: 'high',
      root_causes: ['a'],
      categories: ['latency'],
    },
    { take: { issue: 'issue.issue_id' } },
  )
  for (const [label, fields] of [
    ['no name', { name: undefined }],
    ['no description', { description: undefined }],
    ['unknown experiment', { experiment_id: '999999' }],
    ['bad status', { status: 'x' }],
    ['bad severity', { severity: 'x' }],
    ['unknown run', { source_run_id: '5'.repeat(32) }],
  ] as [string, object][])
    post(`create issue, ${label}`, path, { experiment_id: '{{exp}}', name: 'n', description: 'd', ...fields })
  get('get issue', `${path}/{{issue}}`)
  get('get unknown issue', `${path}/iss-${'2'.repeat(32)}`)
  patch('update issue', `${path}/{{issue}}`, { status: 'resolved', description: 'fixed' })
  patch('update issue, bad status', `${path}/{{issue}}`, { status: 'x' })
  post('search issues', `${path}/search`, { experiment_id: '{{exp}}' })
  post('search issues, filter', `${path}/search`, { experiment_id: '{{exp}}', filter_string: "status = 'resolved'" })
  post('search issues, junk', `${path}/search`, { experiment_id: '{{exp}}', filter_string: 'junk' })
}
