// Experiments and runs: life cycle, names, tags, inputs and outputs, valid and not.
import type { Plan } from '../call.ts'

const long = (length: number): string => 'x'.repeat(length)
const names = [
  'with space',
  'ünïcödé 模型 🚀',
  long(500),
  long(501),
  '',
  '   ',
  'a/b',
  "quote'd",
  '0',
  '\u0000',
  'null\u0000inside',
]
const locations = [
  'file:///tmp/some/where',
  '/tmp/some/where',
  's3://bucket/prefix',
  'mlflow-artifacts:/elsewhere',
  'relative/folder',
  '',
  's3://bucket/prefix#fragment',
  's3://bucket/prefix?versionId=1',
  'file:///tmp/../etc',
  'runs:/abc/model',
  'models:/x/1',
  'http://host/path;a=b',
  'dbfs:/x',
  'file:///tmp/%2e%2e/etc',
  `s3://bucket/${long(2100)}`,
]

export function planRuns(plan: Plan): void {
  experiments(plan)
  runs(plan)
  tags(plan)
  inputs(plan)
}

function experiments({ post, get, pick }: Plan): void {
  post(
    'create experiment',
    'experiments/create',
    {
      name: 'runs-base',
      tags: [
        { key: 'a', value: 'b' },
        { key: 'ü', value: '模' },
      ],
    },
    { take: { exp: 'experiment_id' } },
  )
  get('get experiment', 'experiments/get', { experiment_id: '{{exp}}' })
  get('get experiment by name', 'experiments/get-by-name', { experiment_name: 'runs-base' })
  get('get experiment by unknown name', 'experiments/get-by-name', { experiment_name: 'nowhere' })
  get('get experiment by empty name', 'experiments/get-by-name', { experiment_name: '' })
  post('create experiment again', 'experiments/create', { name: 'runs-base' })
  for (const [index, name] of names.entries()) post(`create experiment named ${index}`, 'experiments/create', { name })
  for (const [index, artifact_location] of locations.entries()) {
    post(
      `create experiment at ${index}`,
      'experiments/create',
      { name: `at ${index}`, artifact_location },
      { take: { [`at${index}`]: 'experiment_id' } },
    )
    get(`get experiment at ${index}`, 'experiments/get', { experiment_id: `{{at${index}}}` })
  }
  for (const id of ['0', '-1', '999999', 'abc', '', '1.5', '00', '99999999999999999999'])
    get(`get experiment id "${id}"`, 'experiments/get', { experiment_id: id })
  post('create experiment with duplicate tags', 'experiments/create', {
    name: 'dup-tags',
    tags: [
      { key: 'a', value: '1' },
      { key: 'a', value: '2' },
    ],
  })
  post('create experiment with tag without value', 'experiments/create', { name: 'tag-no-value', tags: [{ key: 'a' }] })
  post('create experiment with long tag', 'experiments/create', {
    name: 'tag-long',
    tags: [{ key: 'a', value: long(5001) }],
  })
  for (const [index, [key, value]] of (
    [
      ['k', 'v'],
      ['k', ''],
      ['', 'v'],
      [long(250), 'v'],
      [long(251), 'v'],
      ['k', long(5000)],
      ['k', long(5001)],
      ['a/../b', 'v'],
      ['bad|key', 'v'],
      ['ü', '🚀'],
      ['mlflow.note.content', 'note'],
    ] as const
  ).entries())
    post(`set experiment tag ${index}`, 'experiments/set-experiment-tag', { experiment_id: '{{exp}}', key, value })
  get('get experiment with its tags', 'experiments/get', { experiment_id: '{{exp}}' })
  post('delete experiment tag', 'experiments/delete-experiment-tag', { experiment_id: '{{exp}}', key: 'k' })
  post('delete experiment tag again', 'experiments/delete-experiment-tag', { experiment_id: '{{exp}}', key: 'k' })
  post('set experiment tag unknown experiment', 'experiments/set-experiment-tag', {
    experiment_id: '999999',
    key: 'k',
    value: 'v',
  })
  post('rename experiment', 'experiments/update', { experiment_id: '{{exp}}', new_name: 'runs-renamed' })
  post('rename experiment to the same', 'experiments/update', { experiment_id: '{{exp}}', new_name: 'runs-renamed' })
  post('rename experiment to a taken name', 'experiments/update', { experiment_id: '{{exp}}', new_name: 'Default' })
  post('rename experiment to nothing', 'experiments/update', { experiment_id: '{{exp}}' })
  post('rename experiment to empty', 'experiments/update', { experiment_id: '{{exp}}', new_name: '' })
  post('rename unknown experiment', 'experiments/update', { experiment_id: '999999', new_name: 'x' })
  post('delete default experiment', 'experiments/delete', { experiment_id: '0' })
  post('restore default experiment', 'experiments/restore', { experiment_id: '0' })
  post('create experiment to delete', 'experiments/create', { name: 'runs-gone' }, { take: { gone: 'experiment_id' } })
  post(
    'create run to go with it',
    'runs/create',
    { experiment_id: '{{gone}}', run_name: 'goes', start_time: 1 },
    { take: { goes: 'run.info.run_id' } },
  )
  post('restore active experiment', 'experiments/restore', { experiment_id: '{{gone}}' })
  post('delete experiment', 'experiments/delete', { experiment_id: '{{gone}}' })
  post('delete experiment again', 'experiments/delete', { experiment_id: '{{gone}}' })
  get('get deleted experiment', 'experiments/get', { experiment_id: '{{gone}}' })
  get('get deleted experiment by name', 'experiments/get-by-name', { experiment_name: 'runs-gone' })
  get('get run of deleted experiment', 'runs/get', { run_id: '{{goes}}' })
  post('create experiment of a deleted name', 'experiments/create', { name: 'runs-gone' })
  post('rename deleted experiment', 'experiments/update', { experiment_id: '{{gone}}', new_name: 'x' })
  post('set tag on deleted experiment', 'experiments/set-experiment-tag', {
    experiment_id: '{{gone}}',
    key: 'k',
    value: 'v',
  })
  post('create run in deleted experiment', 'runs/create', { experiment_id: '{{gone}}' })
  post('rename active experiment to a deleted name', 'experiments/update', {
    experiment_id: '{{exp}}',
    new_name: 'runs-gone',
  })
  post('restore experiment', 'experiments/restore', { experiment_id: '{{gone}}' })
  get('get run of restored experiment', 'runs/get', { run_id: '{{goes}}' })
  post('delete unknown experiment', 'experiments/delete', { experiment_id: pick(['123456', '654321']) })
}

const statuses = ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED', 'BOGUS', 'running', 1, 3, 99, '3', null]

function runs({ post, get }: Plan): void {
  const run = {
    experiment_id: '{{exp}}',
    user_id: 'ann',
    run_name: 'first',
    start_time: 1_600_000_000_000,
    tags: [
      { key: 'mlflow.user', value: 'bob' },
      { key: 't', value: '1' },
    ],
  }
  post('create run', 'runs/create', run, { take: { run: 'run.info.run_id' } })
  get('get run', 'runs/get', { run_id: '{{run}}' })
  get('get run by run_uuid', 'runs/get', { run_uuid: '{{run}}' })
  get('get run by neither', 'runs/get')
  get('get unknown run', 'runs/get', { run_id: '0123456789abcdef0123456789abcdef' })
  get('get run with an odd id', 'runs/get', { run_id: '../x' })
  const created: [string, unknown][] = [
    ['nothing else', {}],
    ['no experiment', { experiment_id: undefined }],
    ['empty experiment', { experiment_id: '' }],
    ['unknown experiment', { experiment_id: '999999' }],
    ['experiment of text', { experiment_id: 'abc' }],
    ['number experiment', { experiment_id: 0 }],
    ['name and equal tag', { run_name: 'n', tags: [{ key: 'mlflow.runName', value: 'n' }] }],
    ['name and other tag', { run_name: 'n', tags: [{ key: 'mlflow.runName', value: 'm' }] }],
    ['tag name only', { tags: [{ key: 'mlflow.runName', value: 'm' }] }],
    ['empty name', { run_name: '' }],
    ['long name', { run_name: long(300) }],
    ['unicode name', { run_name: 'läuft 🚀' }],
    ['negative start', { start_time: -5 }],
    ['text start', { start_time: '1600000000001' }],
    ['bad start', { start_time: 'soon' }],
    ['float start', { start_time: 1.5 }],
    ['whole float start', { start_time: 15.0 }],
    [
      'duplicate tags',
      {
        tags: [
          { key: 'a', value: '1' },
          { key: 'a', value: '2' },
        ],
      },
    ],
    ['tag without value', { tags: [{ key: 'a' }] }],
    ['tag without key', { tags: [{ value: 'a' }] }],
    ['tag of a number', { tags: [{ key: 'a', value: 5 }] }],
    ['tags of text', { tags: 'abc' }],
    ['tag too long', { tags: [{ key: 'a', value: long(8001) }] }],
    ['tag key too long', { tags: [{ key: long(251), value: '1' }] }],
    ['bad tag key', { tags: [{ key: '../a', value: '1' }] }],
    ['unknown field', { nonsense: 1 }],
    ['null name', { run_name: null }],
    ['null tags', { tags: null }],
    ['parent tag', { tags: [{ key: 'mlflow.parentRunId', value: '{{run}}' }] }],
  ]
  for (const [label, fields] of created)
    post(`create run, ${label}`, 'runs/create', { experiment_id: '{{exp}}', start_time: 7, ...(fields as object) })
  post(
    'create run, start beyond int64',
    'runs/create',
    '{"experiment_id": "{{exp}}", "start_time": 9223372036854775808}',
  )
  post(
    'create run, greatest start',
    'runs/create',
    '{"experiment_id": "{{exp}}", "start_time": 9223372036854775807, "run_name": "late"}',
    { take: { late: 'run.info.run_id' } },
  )
  get('get run of the greatest start', 'runs/get', { run_id: '{{late}}' })
  post('delete run of the greatest start', 'runs/delete', { run_id: '{{late}}' })
  for (const [index, status] of statuses.entries())
    post(`update run status ${index}`, 'runs/update', {
      run_id: '{{run}}',
      status,
      end_time: 1_600_000_001_000 + index,
    })
  post('update run, nothing', 'runs/update', { run_id: '{{run}}' })
  post('update run, name only', 'runs/update', { run_id: '{{run}}', run_name: 'second' })
  get('get run after renaming', 'runs/get', { run_id: '{{run}}' })
  post('update run, empty name', 'runs/update', { run_id: '{{run}}', run_name: '' })
  post('update run by run_uuid', 'runs/update', { run_uuid: '{{run}}', status: 'FINISHED', end_time: 5 })
  post('update run, end 0', 'runs/update', { run_id: '{{run}}', end_time: 0 })
  post('update unknown run', 'runs/update', { run_id: 'f'.repeat(32), status: 'FINISHED' })
  get('get run after updates', 'runs/get', { run_id: '{{run}}' })
  post('restore active run', 'runs/restore', { run_id: '{{run}}' })
  post(
    'create run to delete',
    'runs/create',
    { experiment_id: '{{exp}}', run_name: 'gone', start_time: 3 },
    { take: { deleted: 'run.info.run_id' } },
  )
  post('delete run', 'runs/delete', { run_id: '{{deleted}}' })
  post('delete run again', 'runs/delete', { run_id: '{{deleted}}' })
  get('get deleted run', 'runs/get', { run_id: '{{deleted}}' })
  post('update deleted run', 'runs/update', { run_id: '{{deleted}}', status: 'FINISHED' })
  post('set tag on deleted run', 'runs/set-tag', { run_id: '{{deleted}}', key: 'a', value: 'b' })
  post('delete tag of deleted run', 'runs/delete-tag', { run_id: '{{deleted}}', key: 'a' })
  post('restore run', 'runs/restore', { run_id: '{{deleted}}' })
  post('restore unknown run', 'runs/restore', { run_id: 'e'.repeat(32) })
  post('delete unknown run', 'runs/delete', { run_id: 'e'.repeat(32) })
}

function tags({ post, get, some }: Plan): void {
  const values: [string, unknown, unknown][] = [
    ['plain', 'k', 'v'],
    ['again', 'k', 'w'],
    ['empty value', 'k2', ''],
    ['empty key', '', 'v'],
    ['missing value', 'k3', undefined],
    ['long key', long(250), 'v'],
    ['too long key', long(251), 'v'],
    ['long value', 'k4', long(8000)],
    ['too long value', 'k5', long(8001)],
    ['slash', 'a/b', 'v'],
    ['dots', 'a/../b', 'v'],
    ['leading slash', '/a', 'v'],
    ['colon', 'a:b', 'v'],
    ['pipe', 'a|b', 'v'],
    ['unicode', 'größe 模', '🚀'],
    ['newline value', 'k6', 'a\nb'],
    ['newline key', 'a\nb', 'v'],
    ['number value', 'k7', 5],
    ['bool value', 'k8', true],
    ['null value', 'k9', null],
    ['dot', '.', 'v'],
    ['double slash', 'a//b', 'v'],
    ['trailing slash', 'a/', 'v'],
  ]
  for (const [label, key, value] of values) post(`set tag, ${label}`, 'runs/set-tag', { run_id: '{{run}}', key, value })
  post('set tag by run_uuid', 'runs/set-tag', { run_uuid: '{{run}}', key: 'by-uuid', value: 'v' })
  post('set tag, unknown run', 'runs/set-tag', { run_id: 'd'.repeat(32), key: 'k', value: 'v' })
  post('set tag, no run', 'runs/set-tag', { key: 'k', value: 'v' })
  post('set tag renames', 'runs/set-tag', { run_id: '{{run}}', key: 'mlflow.runName', value: 'third' })
  get('get run after a renaming tag', 'runs/get', { run_id: '{{run}}' })
  for (const key of some(['k', 'k2', 'nope', '', 'mlflow.user'], 5))
    post(`delete tag "${key}"`, 'runs/delete-tag', { run_id: '{{run}}', key })
  get('get run after tags', 'runs/get', { run_id: '{{run}}' })
}

function inputs({ post, get, pick }: Plan): void {
  const dataset = {
    name: 'd',
    digest: 'abc',
    source_type: 'local',
    source: '{}',
    schema: '{"a":1}',
    profile: '{"rows":1}',
  }
  const bad: [string, object][] = [
    ['no name', { ...dataset, name: undefined }],
    ['empty name', { ...dataset, name: '' }],
    ['no digest', { ...dataset, digest: undefined }],
    ['long digest', { ...dataset, digest: long(37) }],
    ['long name', { ...dataset, name: long(501) }],
    ['no source', { ...dataset, source: undefined }],
    ['no source type', { ...dataset, source_type: undefined }],
    ['long source', { ...dataset, name: 'ls', source: long(65_536) }],
    ['no schema', { ...dataset, name: 'ns', schema: undefined }],
  ]
  post('log inputs', 'runs/log-inputs', {
    run_id: '{{run}}',
    datasets: [{ dataset, tags: [{ key: 'mlflow.data.context', value: 'train' }] }],
  })
  post('log inputs again, other tags', 'runs/log-inputs', {
    run_id: '{{run}}',
    datasets: [{ dataset, tags: [{ key: 'mlflow.data.context', value: 'eval' }] }],
  })
  post('log inputs, none', 'runs/log-inputs', { run_id: '{{run}}', datasets: [] })
  post('log inputs, absent', 'runs/log-inputs', { run_id: '{{run}}' })
  post('log inputs, no tags', 'runs/log-inputs', {
    run_id: '{{run}}',
    datasets: [{ dataset: { ...dataset, name: 'e' } }],
  })
  post('log inputs, long tag', 'runs/log-inputs', {
    run_id: '{{run}}',
    datasets: [{ dataset, tags: [{ key: long(256), value: 'x' }] }],
  })
  post('log inputs, no dataset', 'runs/log-inputs', { run_id: '{{run}}', datasets: [{ tags: [] }] })
  post('log inputs, unknown run', 'runs/log-inputs', { run_id: 'a'.repeat(32), datasets: [{ dataset }] })
  for (const [label, one] of bad)
    post(`log inputs, ${label}`, 'runs/log-inputs', { run_id: '{{run}}', datasets: [{ dataset: one }] })
  get('get run with inputs', 'runs/get', { run_id: '{{run}}' })
  post('log model, legacy', 'runs/log-model', {
    run_id: '{{run}}',
    model_json: JSON.stringify({
      artifact_path: 'model',
      flavors: { sklearn: {} },
      utc_time_created: '2020-01-01',
      run_id: pick(['x', 'y']),
    }),
  })
  post('log model, not JSON', 'runs/log-model', { run_id: '{{run}}', model_json: '{' })
  post('log model, no path', 'runs/log-model', { run_id: '{{run}}', model_json: '{}' })
  post('log model, empty', 'runs/log-model', { run_id: '{{run}}', model_json: '' })
  get('get run after log model', 'runs/get', { run_id: '{{run}}' })
  post('log outputs, unknown model', 'runs/outputs', {
    run_id: '{{run}}',
    models: [{ model_id: `m-${'0'.repeat(32)}`, step: 1 }],
  })
  post('log outputs, no step', 'runs/outputs', { run_id: '{{run}}', models: [{ model_id: `m-${'0'.repeat(32)}` }] })
  post('log outputs, none', 'runs/outputs', { run_id: '{{run}}', models: [] })
}
