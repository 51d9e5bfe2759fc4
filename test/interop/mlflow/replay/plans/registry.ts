// Registered models, versions, aliases, stages, prompts, webhooks.
import type { Plan } from '../call.ts'
import { planRegistrySearch } from './registry-search.ts'
import { planWebhooks } from './webhooks.ts'

const long = (length: number): string => 'x'.repeat(length)

export function planRegistry(plan: Plan): void {
  models(plan)
  versions(plan)
  sources(plan)
  stages(plan)
  aliases(plan)
  planRegistrySearch(plan)
  prompts(plan)
  planWebhooks(plan)
}

function models({ post, get, patch, delete: remove }: Plan): void {
  post('create experiment', 'experiments/create', { name: 'registry-base' }, { take: { exp: 'experiment_id' } })
  post(
    'create run',
    'runs/create',
    { experiment_id: '{{exp}}', run_name: 'r', start_time: 1 },
    { take: { run: 'run.info.run_id' } },
  )
  post('create model', 'registered-models/create', {
    name: 'reg-a',
    description: 'first',
    tags: [
      { key: 'k', value: 'v' },
      { key: 'area', value: 'registry' },
    ],
  })
  post('create model again', 'registered-models/create', { name: 'reg-a' })
  for (const [index, name] of [
    'reg/slash',
    'reg:colon',
    '',
    '  ',
    'reg space',
    'reg模型🚀',
    long(256),
    long(257),
    '.',
    '..',
    'reg%2e',
    'reg.dot',
    '../reg',
    'null\u0000x',
    5,
    null,
  ].entries())
    post(`create model named ${index}`, 'registered-models/create', { name })
  post('create model with duplicate tags', 'registered-models/create', {
    name: 'reg-dup',
    tags: [
      { key: 'a', value: '1' },
      { key: 'a', value: '2' },
    ],
  })
  post('create model with long description', 'registered-models/create', { name: 'reg-desc', description: long(5001) })
  post('create model with long tag', 'registered-models/create', {
    name: 'reg-tag',
    tags: [{ key: 'a', value: long(100_001) }],
  })
  post('create model with a tag without a value', 'registered-models/create', {
    name: 'reg-tag2',
    tags: [{ key: 'a' }],
  })
  get('get model', 'registered-models/get', { name: 'reg-a' })
  get('get unknown model', 'registered-models/get', { name: 'reg-nowhere' })
  get('get model of an odd name', 'registered-models/get', { name: 'a/b' })
  patch('update model', 'registered-models/update', { name: 'reg-a', description: 'second' })
  patch('update model, no description', 'registered-models/update', { name: 'reg-a' })
  patch('update model, empty description', 'registered-models/update', { name: 'reg-a', description: '' })
  patch('update unknown model', 'registered-models/update', { name: 'reg-nowhere', description: '' })
  for (const [index, [key, value]] of (
    [
      ['k', 'w'],
      ['k2', ''],
      ['', 'v'],
      [long(250), 'v'],
      [long(251), 'v'],
      ['long', long(100_000)],
      ['longer', long(100_001)],
      ['a|b', 'v'],
      ['ü', '🚀'],
    ] as const
  ).entries())
    post(`set model tag ${index}`, 'registered-models/set-tag', { name: 'reg-a', key, value })
  post('set tag of an unknown model', 'registered-models/set-tag', { name: 'reg-nowhere', key: 'k', value: 'v' })
  remove('delete model tag', 'registered-models/delete-tag', { name: 'reg-a', key: 'k2' })
  remove('delete model tag again', 'registered-models/delete-tag', { name: 'reg-a', key: 'k2' })
  remove('delete long model tag', 'registered-models/delete-tag', { name: 'reg-a', key: 'long' })
  remove('delete tag of an unknown model', 'registered-models/delete-tag', { name: 'reg-nowhere', key: 'k2' })
  get('get model with tags', 'registered-models/get', { name: 'reg-a' })
  post('create model to rename', 'registered-models/create', { name: 'reg-old' })
  post('version of it', 'model-versions/create', { name: 'reg-old', source: 's3://bucket/model' })
  post('rename model', 'registered-models/rename', { name: 'reg-old', new_name: 'reg-new' })
  post('rename model onto another', 'registered-models/rename', { name: 'reg-new', new_name: 'reg-a' })
  post('rename model to an empty name', 'registered-models/rename', { name: 'reg-new', new_name: '' })
  post('rename model to an odd name', 'registered-models/rename', { name: 'reg-new', new_name: 'a/b' })
  post('rename model, no new name', 'registered-models/rename', { name: 'reg-new' })
  post('rename model to itself', 'registered-models/rename', { name: 'reg-new', new_name: 'reg-new' })
  post('rename unknown model', 'registered-models/rename', { name: 'reg-nowhere', new_name: 'reg-x' })
  get('version moved with it', 'model-versions/get', { name: 'reg-new', version: '1' })
  get('old name is gone', 'registered-models/get', { name: 'reg-old' })
  remove('delete model', 'registered-models/delete', { name: 'reg-new' })
  remove('delete model again', 'registered-models/delete', { name: 'reg-new' })
  get('version of a deleted model', 'model-versions/get', { name: 'reg-new', version: '1' })
  post('create model of a deleted name', 'registered-models/create', { name: 'reg-new' })
}

function versions({ post, get, patch, delete: remove }: Plan): void {
  post('create version', 'model-versions/create', {
    name: 'reg-a',
    source: 's3://bucket/one',
    run_id: '{{run}}',
    run_link: 'http://run',
    description: 'v1',
    tags: [{ key: 'k', value: 'v' }],
  })
  post('create version 2', 'model-versions/create', { name: 'reg-a', source: 's3://bucket/two' })
  post('create version 3', 'model-versions/create', {
    name: 'reg-a',
    source: 'mlflow-artifacts:/1/abc/artifacts/model',
  })
  post('create version of an unknown model', 'model-versions/create', { name: 'reg-nowhere', source: 's3://bucket/x' })
  post('create version without a source', 'model-versions/create', { name: 'reg-a' })
  post('create version, empty source', 'model-versions/create', { name: 'reg-a', source: '' })
  post('create version, unknown run', 'model-versions/create', {
    name: 'reg-a',
    source: 's3://bucket/r',
    run_id: '6'.repeat(32),
  })
  post('create version, unknown model id', 'model-versions/create', {
    name: 'reg-a',
    source: 's3://bucket/r',
    model_id: `m-${'6'.repeat(32)}`,
  })
  post('create version, duplicate tags', 'model-versions/create', {
    name: 'reg-a',
    source: 's3://bucket/t',
    tags: [
      { key: 'a', value: '1' },
      { key: 'a', value: '2' },
    ],
  })
  for (const version of ['1', '2', '99', '0', '-1', 'abc', '', '1.5', '01', '٣'])
    get(`get version ${version}`, 'model-versions/get', { name: 'reg-a', version })
  get('get version of an unknown model', 'model-versions/get', { name: 'reg-nowhere', version: '1' })
  patch('update version', 'model-versions/update', { name: 'reg-a', version: '1', description: 'new' })
  patch('update version, number', 'model-versions/update', { name: 'reg-a', version: 1, description: 'new' })
  patch('update version, no description', 'model-versions/update', { name: 'reg-a', version: '1' })
  patch('update version, unknown', 'model-versions/update', { name: 'reg-a', version: '99', description: 'x' })
  patch('update version of text', 'model-versions/update', { name: 'reg-a', version: 'abc', description: 'x' })
  for (const [index, [version, key, value]] of (
    [
      ['1', 'k', 'w'],
      ['1', 'k2', ''],
      ['1', '', 'v'],
      ['1', long(251), 'v'],
      ['99', 'k', 'v'],
      ['abc', 'k', 'v'],
      ['1', 'a|b', 'v'],
    ] as const
  ).entries())
    post(`set version tag ${index}`, 'model-versions/set-tag', { name: 'reg-a', version, key, value })
  remove('delete version tag', 'model-versions/delete-tag', { name: 'reg-a', version: '1', key: 'k2' })
  remove('delete version tag again', 'model-versions/delete-tag', { name: 'reg-a', version: '1', key: 'k2' })
  remove('delete version tag of unknown', 'model-versions/delete-tag', { name: 'reg-a', version: '99', key: 'k2' })
  get('get version after changes', 'model-versions/get', { name: 'reg-a', version: '1' })
  get('download uri', 'model-versions/get-download-uri', { name: 'reg-a', version: '1' })
  get('download uri of unknown', 'model-versions/get-download-uri', { name: 'reg-a', version: '99' })
  post(
    'create version to delete',
    'model-versions/create',
    { name: 'reg-a', source: 's3://bucket/gone' },
    { take: { gone: 'model_version.version' } },
  )
  remove('delete version', 'model-versions/delete', { name: 'reg-a', version: '{{gone}}' })
  remove('delete version again', 'model-versions/delete', { name: 'reg-a', version: '{{gone}}' })
  get('get deleted version', 'model-versions/get', { name: 'reg-a', version: '{{gone}}' })
  get('download uri of deleted', 'model-versions/get-download-uri', { name: 'reg-a', version: '{{gone}}' })
  post('numbers are not used again', 'model-versions/create', { name: 'reg-a', source: 's3://bucket/next' })
  remove('delete version of text', 'model-versions/delete', { name: 'reg-a', version: 'abc' })
}

function sources({ post, get, delete: remove }: Plan): void {
  const all = [
    'file:///etc/passwd',
    '/etc/passwd',
    './x',
    'relative',
    'runs:/{{run}}/model',
    'runs:/unknown/model',
    'models:/reg-a/1',
    'models:/reg-a/99',
    'models:/reg-a',
    'models:/reg-a@champion',
    'models:/m-0123',
    'mlflow-artifacts:/../x',
    'mlflow-artifacts:/a/%2e%2e/b',
    'mlflow-artifacts:/a/%252e%252e/b',
    's3://bucket/../x',
    's3://bucket/a//b',
    's3://bucket/a/./b',
    's3://bucket/a\u0000b',
    'http://host/a',
    'https://host/x?y=../z',
    'dbfs:/model',
    'file://host/x',
    'FILE:///etc',
    's3://bucket/%00',
    'prompt-template',
    's3://bucket/a#../b',
    'mlflow-artifacts:/a;b',
    'C:\\x',
    'gs://b/ü',
  ]
  post('create model for sources', 'registered-models/create', { name: 'reg-src' })
  for (const [index, source] of all.entries()) {
    post(`source ${index}: ${source.slice(0, 40)}`, 'model-versions/create', { name: 'reg-src', source })
    if (/^(?:file|\/|\.|rel|runs|FILE)/v.test(source))
      post(`source with a run ${index}: ${source}`, 'model-versions/create', {
        name: 'reg-src',
        source,
        run_id: '{{run}}',
      })
  }
  get('last source', 'model-versions/search', { filter: "name = 'reg-src'", order_by: 'version_number ASC' })
  // Of a model of its own, soon gone: MLflow on PostgreSQL has no such version, and what is searched for below would differ too.
  post('create model for a long source', 'registered-models/create', { name: 'reg-long' })
  post('source, long', 'model-versions/create', { name: 'reg-long', source: `s3://b/${long(600)}` })
  remove('delete model of a long source', 'registered-models/delete', { name: 'reg-long' })
}

function stages({ post, get }: Plan): void {
  const transition = 'model-versions/transition-stage'
  for (const [index, [version, stage, archive]] of (
    [
      ['1', 'Staging', false],
      ['2', 'staging', true],
      ['1', 'Production', false],
      ['3', 'PRODUCTION', true],
      ['1', 'Archived', true],
      ['1', 'Archived', false],
      ['1', 'None', false],
      ['1', 'bogus', false],
      ['99', 'Staging', false],
      ['abc', 'Staging', false],
      ['1', '', false],
      ['1', 'Staging', undefined],
      ['1', 'Staging', 'true'],
      ['1', 'Staging', 1],
    ] as const
  ).entries())
    post(`stage ${index}`, transition, { name: 'reg-a', version, stage, archive_existing_versions: archive })
  post('latest versions', 'registered-models/get-latest-versions', { name: 'reg-a' })
  get('latest versions by GET', 'registered-models/get-latest-versions', {
    name: 'reg-a',
    stages: ['Production', 'staging'],
  })
  post('latest versions of a bad stage', 'registered-models/get-latest-versions', { name: 'reg-a', stages: ['bogus'] })
  post('latest versions of an unknown model', 'registered-models/get-latest-versions', { name: 'reg-nowhere' })
  get('get model with latest versions', 'registered-models/get', { name: 'reg-a' })
}

function aliases({ post, get, delete: remove }: Plan): void {
  const path = 'registered-models/alias'
  for (const [index, [alias, version]] of (
    [
      ['best', '1'],
      ['best', '2'],
      ['other', '2'],
      ['latest', '1'],
      ['LATEST', '1'],
      ['v1', '1'],
      ['V22', '1'],
      ['v1x', '1'],
      ['', '1'],
      ['a b', '1'],
      ['ä', '1'],
      [long(255), '1'],
      [long(256), '1'],
      ['best', '99'],
      ['best', 'abc'],
      ['best', ''],
      ['a-b_c', '3'],
      ['champ', 1],
    ] as const
  ).entries())
    post(`set alias ${index}`, path, { name: 'reg-a', alias, version })
  post('set alias of an unknown model', path, { name: 'reg-nowhere', alias: 'best', version: '1' })
  for (const alias of ['best', 'nope', 'latest', 'Latest', '', 'v1'])
    get(`get alias "${alias}"`, path, { name: 'reg-a', alias })
  get('get alias of an unknown model', path, { name: 'reg-nowhere', alias: 'best' })
  get('get model with aliases', 'registered-models/get', { name: 'reg-a' })
  get('get version with aliases', 'model-versions/get', { name: 'reg-a', version: '2' })
  remove('delete alias', path, { name: 'reg-a', alias: 'best' })
  remove('delete alias again', path, { name: 'reg-a', alias: 'best' })
  remove('delete alias of an unknown model', path, { name: 'reg-nowhere', alias: 'best' })
  remove('delete alias by query', `${path}?name=reg-a&alias=other`, undefined)
  get('get model after aliases', 'registered-models/get', { name: 'reg-a' })
}

function prompts({ post, get, delete: remove }: Plan): void {
  const tag = { key: 'mlflow.prompt.is_prompt', value: 'true' }
  const version = (name: string, text: string | undefined): object => ({
    name,
    source: 'prompt-template',
    tags: [tag, ...(text === undefined ? [] : [{ key: 'mlflow.prompt.text', value: text }])],
  })
  post('create prompt', 'registered-models/create', { name: 'reg-prompt', tags: [tag] })
  post('create prompt again', 'registered-models/create', { name: 'reg-prompt', tags: [tag] })
  post('create prompt of a model', 'registered-models/create', { name: 'reg-a', tags: [tag] })
  post('create model of a prompt', 'registered-models/create', { name: 'reg-prompt' })
  post('create prompt of an odd name', 'registered-models/create', { name: 'reg prompt!', tags: [tag] })
  post('create prompt version', 'model-versions/create', version('reg-prompt', 'Hello {{{{name}}}}'))
  post('create prompt version without text', 'model-versions/create', version('reg-prompt', undefined))
  post('create prompt version, long text', 'model-versions/create', version('reg-prompt', long(100_001)))
  post('create prompt version from a path', 'model-versions/create', {
    ...version('reg-prompt', 'x'),
    source: '/etc/passwd',
  })
  post('create prompt version of a model', 'model-versions/create', version('reg-a', 'x'))
  post('create model version of a prompt', 'model-versions/create', { name: 'reg-prompt', source: 's3://b/m' })
  get('get prompt', 'registered-models/get', { name: 'reg-prompt' })
  get('get prompt version', 'model-versions/get', { name: 'reg-prompt', version: '1' })
  get('models without prompts', 'registered-models/search', { filter: "name LIKE 'reg-p%'" })
  for (const [index, filter] of [
    "tags.`mlflow.prompt.is_prompt` = 'true'",
    "tags.`mlflow.prompt.is_prompt` != 'false'",
    "tags.`mlflow.prompt.is_prompt` = 'false'",
    "tags.`mlflow.prompt.is_prompt` != 'true'",
  ].entries()) {
    get(`prompts ${index}`, 'registered-models/search', { filter: `name LIKE 'reg-p%' AND ${filter}` })
    get(`prompt versions ${index}`, 'model-versions/search', {
      filter: `name LIKE 'reg-p%' AND ${filter}`,
      order_by: 'version_number',
    })
  }
  post('set prompt alias', 'registered-models/alias', { name: 'reg-prompt', alias: 'production', version: '1' })
  get('get prompt by alias', 'registered-models/alias', { name: 'reg-prompt', alias: 'production' })
  remove('delete prompt version', 'model-versions/delete', { name: 'reg-prompt', version: '1' })
  remove('delete prompt', 'registered-models/delete', { name: 'reg-prompt' })
}
