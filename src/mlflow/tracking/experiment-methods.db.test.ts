// Experiments as MLflow's clients use them; texts and statuses are those of its own server, 3.17.
import { expect, test } from 'vitest'
import { readArtifactLocation } from './artifact-location.ts'
import { openTracking } from './testing.ts'

const missing = (field: string) => ({
  error_code: 'INVALID_PARAMETER_VALUE',
  message: `Missing value for required parameter '${field}'. See the API docs for more information about request parameters.`,
})

test('an experiment is made, read by id and by name, and renamed', async () => {
  await using tracking = await openTracking()
  const { post, get } = tracking
  const tags = [
    { key: 'a', value: '1' },
    { key: 'b/c d', value: '' },
  ]
  expect(await post('experiments/create', { name: 'a/b: c', tags })).toEqual({
    status: 200,
    json: { experiment_id: '1' },
  })
  const { json } = await get('experiments/get', { experiment_id: ' +1' })
  expect(json.experiment).toMatchObject({
    experiment_id: '1',
    name: 'a/b: c',
    artifact_location: 'mlflow-artifacts:/1',
    lifecycle_stage: 'active',
    tags,
    workspace: 'default',
  })
  expect(await get('experiments/get-by-name', { experiment_name: 'a/b: c' })).toEqual({ status: 200, json })
  expect(await post('experiments/update', { experiment_id: '1', new_name: 'd' })).toEqual({ status: 200, json: {} })
  expect((await get('experiments/get-by-name', { experiment_name: 'a/b: c' })).json).toMatchObject({
    error_code: 'RESOURCE_DOES_NOT_EXIST',
    message: "Could not find experiment with name 'a/b: c'",
  })
  expect((await get('experiments/get', { experiment_id: '0' })).json.experiment).toMatchObject({ name: 'Default' })
  expect((await get('experiments/get', { experiment_id: '0' })).json.experiment).not.toHaveProperty('tags')
})

const refusals: [string, object, number, object][] = [
  ['experiments/create', {}, 400, missing('name')],
  ['experiments/create', { name: '' }, 400, missing('name')],
  [
    'experiments/create',
    { name: 'Default' },
    400,
    {
      error_code: 'RESOURCE_ALREADY_EXISTS',
      message: expect.stringMatching(/^Experiment\(name=Default\) already exists\./v),
    },
  ],
  [
    'experiments/create',
    { name: 'x'.repeat(501) },
    400,
    { error_code: 'INVALID_PARAMETER_VALUE', message: "'name' exceeds the maximum length of 500 characters" },
  ],
  [
    'experiments/create',
    { name: 'x', tags: [{ value: 'no key' }] },
    400,
    { error_code: 'INVALID_PARAMETER_VALUE', message: expect.stringContaining("would resolve to '.'") },
  ],
  [
    'experiments/create',
    { name: 'x', tags: [{ key: 'a' }, { key: 'a' }] },
    400,
    { error_code: 'RESOURCE_ALREADY_EXISTS' },
  ],
  [
    'experiments/create',
    { name: 'x', tags: Array.from({ length: 51 }, (_, at) => ({ key: `mlflow.customView.view${at}` })) },
    400,
    { message: expect.stringMatching(/^Unable to create another custom view; the maximum/v) },
  ],
  ['experiments/update', { experiment_id: '0' }, 400, missing('new_name')],
  [
    'experiments/update',
    { experiment_id: '9', new_name: 'x' },
    404,
    { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'No Experiment with id=9 exists' },
  ],
  [
    'experiments/delete',
    { experiment_id: 'abc' },
    400,
    {
      error_code: 'INVALID_PARAMETER_VALUE',
      message: "Invalid experiment ID 'abc'. Experiment ID must be a valid integer.",
    },
  ],
  [
    'experiments/delete',
    { experiment_id: '99999999999999999999' },
    404,
    { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'No Experiment with id=99999999999999999999 exists' },
  ],
  ['experiments/delete', { experiment_id: '3000000000' }, 404, { message: 'No Experiment with id=3000000000 exists' }],
  ['experiments/restore', { experiment_id: '0' }, 404, { message: 'No Experiment with id=0 exists' }],
  [
    'experiments/set-experiment-tag',
    { experiment_id: '0', key: '../k' },
    400,
    { message: expect.stringMatching(/^Invalid value "\.\.\/k" for parameter 'key' supplied: /v) },
  ],
  [
    'experiments/set-experiment-tag',
    { experiment_id: '0', key: 'k', value: 'x'.repeat(20_001) },
    400,
    { message: "'value' exceeds the maximum length of 20000 characters" },
  ],
  [
    'experiments/set-experiment-tag',
    { experiment_id: '0', key: 'mlflow.trace.archivalRetention', value: 'x' },
    400,
    { message: 'Trace archival config must be encoded as a JSON object.' },
  ],
  [
    'experiments/delete-experiment-tag',
    { experiment_id: '0', key: 'k' },
    404,
    { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'No tag with name: k in experiment with id 0' },
  ],
]

test('what is not allowed is refused in MLflow’s words', async () => {
  await using tracking = await openTracking()
  for (const [path, fields, status, json] of refusals) {
    expect(await tracking.post(path, fields)).toMatchObject({ status, json })
  }
})

test('a deleted experiment takes nothing, keeps its name, and comes back', async () => {
  await using tracking = await openTracking()
  const { post, get } = tracking
  const { experiment_id } = (await post('experiments/create', { name: 'a' })).json
  const { run_id } = (await post('runs/create', { experiment_id })).json.run.info
  expect((await post('experiments/delete', { experiment_id })).json).toEqual({})
  expect((await get('experiments/get', { experiment_id })).json.experiment.lifecycle_stage).toBe('deleted')
  expect((await get('runs/get', { run_id })).json.run.info.lifecycle_stage).toBe('deleted')
  const inactive = {
    error_code: 'INVALID_PARAMETER_VALUE',
    message: "The experiment 1 must be in the 'active' state. Current state is deleted.",
  }
  expect((await post('runs/create', { experiment_id })).json).toMatchObject(inactive)
  expect((await post('experiments/set-experiment-tag', { experiment_id, key: 'k', value: 'v' })).json).toMatchObject(
    inactive,
  )
  expect((await post('experiments/delete-experiment-tag', { experiment_id, key: 'k' })).json).toMatchObject(inactive)
  expect(await post('experiments/update', { experiment_id, new_name: 'b' })).toMatchObject({
    status: 500,
    json: { error_code: 'INVALID_STATE', message: 'Cannot rename a non-active experiment.' },
  })
  expect((await post('experiments/create', { name: 'a' })).json.error_code).toBe('RESOURCE_ALREADY_EXISTS')
  expect((await post('experiments/delete', { experiment_id })).status).toBe(404)
  expect((await post('experiments/restore', { experiment_id })).json).toEqual({})
  expect((await get('runs/get', { run_id })).json.run.info.lifecycle_stage).toBe('active')
})

const rules = {
  artifactRoot: 'mlflow-artifacts:/',
  directory: '/srv/mlflow',
  allowedSchemes: new Set<string>(),
  lengthMax: 2048,
}

test.each([
  ['s3://b/p', 's3://b/p'],
  ['s3://b/../p', 's3://b/../p'],
  ['/abs/p', '/abs/p'],
  ['rel/./p', '/srv/mlflow/rel/p'],
  ['..', '/srv/mlflow/..'],
  ['file:///x/y', 'file:///x/y'],
  ['file:rel', 'file:///srv/mlflow/rel'],
  ['mlflow-artifacts:/x', 'mlflow-artifacts:/x'],
  ['wasbs://c@h/x', 'wasbs://c@h/x'],
])('artifacts may be kept at %s', (given, stored) => {
  expect(readArtifactLocation(given, rules)).toBe(stored)
})

test.each([
  ['runs:/x', "Artifact location cannot be a runs:/ URI. Given: 'runs:/x'"],
  ['s3://b/p#f', "'artifact_location' URL can't include fragments or params."],
  ['http://h/p;a=1', "'artifact_location' URL can't include fragments or params."],
  ['s3://b/p?x=../..', 'Invalid query string'],
  ['s3://b/p?x=%252e%252e/y', 'Invalid query string'],
  ['x'.repeat(2049), 'Invalid artifact path length.'],
  ['https://h:1/x', "'artifact_location' cannot use the 'https' scheme"],
  ['mlflow-artifacts://host/x', "'artifact_location' cannot use the 'mlflow-artifacts' scheme"],
  [String.raw`http://a\@b/x`, "'artifact_location' cannot use the 'http' scheme"],
  ['file://remote/x', 'names a file of another host'],
])('artifacts may not be kept at %s', (given, message) => {
  expect(() => readArtifactLocation(given, rules)).toThrow(message)
})

test('a location is as long as the server is set to take', () => {
  expect(readArtifactLocation('s3://bucket', { ...rules, lengthMax: 11 })).toBe('s3://bucket')
  expect(() => readArtifactLocation('s3://buckets', { ...rules, lengthMax: 11 })).toThrow('greater than 11 characters')
})

test('the host of the server’s own root may be named, and schemes that are allowed', () => {
  const own = { ...rules, artifactRoot: 'http://store:5000/api/2.0/mlflow-artifacts/artifacts' }
  expect(readArtifactLocation('http://STORE:5000/x', own)).toBe('http://STORE:5000/x')
  expect(() => readArtifactLocation('http://store/x', own)).toThrow("'http' scheme")
  expect(readArtifactLocation('sftp://h/x', { ...rules, allowedSchemes: new Set(['sftp']) })).toBe('sftp://h/x')
})
