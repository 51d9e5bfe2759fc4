// Statuses and texts are those that MLflow's server 3.17.2 answered to the same calls.
import { expect, test } from 'vitest'
import { createLabellingServer } from './testing.ts'

const path = '3.0/mlflow/datasets'

test('an evaluation dataset takes records, merges those of the same inputs, and answers every number as it came', async () => {
  await using server = await createLabellingServer()
  const { call } = server
  const tags = '{"a": "b", "mlflow.user": "me"}'
  const made = (await call('POST', `${path}/create`, { name: 'ds', experiment_ids: ['0'], tags })).json.dataset
  expect(made).toMatchObject({ name: 'ds', tags, created_by: 'me', last_updated_by: 'me', experiment_ids: ['0'] })
  expect(made.dataset_id).toMatch(/^d-[0-9a-f]{32}$/v)
  expect(made.digest).toMatch(/^[0-9a-f]{8}$/v)
  const one = `${path}/${made.dataset_id as string}`
  const first = `[{"inputs": {"q": "a", "n": 1.0}, "outputs": {"x": 1}, "expectations": {"e": true, "big": 9223372036854775808},
    "tags": {"mlflow.user": "u2"}, "source": {"source_type": "human", "source_data": {"source_id": "s1"}}},
    {"inputs": {"q": "b"}}, {"inputs": {"q": "c", "x": NaN}, "outputs": null, "expectations": {}},
    {"inputs": {"q": "d"}, "outputs": "text", "source": {"source_type": "TRACE", "source_data": {"trace_id": "tr-1"}}}]`
  expect(await call('POST', `${one}/records`, { records: first })).toEqual({
    status: 200,
    json: { inserted_count: 4, updated_count: 0 },
  })
  const second = `[{"inputs": {"n": 1.0, "q": "a"}, "expectations": {"f": [1, 2]}, "tags": {"z": "1"}},
    {"inputs": {"q": "b"}, "outputs": [1]}, {"inputs": {"q": "b"}}]`
  expect((await call('POST', `${one}/records`, { records: second })).json).toEqual({
    inserted_count: 0,
    updated_count: 3,
  })
  const text = (await call('GET', `${one}/records`)).json.records as string
  expect(text).toContain('"inputs": {"q": "a", "n": 1.0}')
  expect(text).toContain('"expectations": {"e": true, "big": 9223372036854775808, "f": [1, 2]}')
  expect(text).toContain('"inputs": {"q": "c", "x": NaN}')
  const records = JSON.parse(text.replace('NaN', '0')) as Record<string, unknown>[]
  expect(records.map(({ outputs }) => outputs)).toEqual([{ x: 1 }, [1], undefined, 'text'])
  expect(records[0]).toMatchObject({
    dataset_id: made.dataset_id,
    tags: { 'mlflow.user': 'u2', z: '1' },
    source: { source_type: 'HUMAN', source_data: { source_id: 's1' } },
    source_id: 's1',
    source_type: 'HUMAN',
    created_by: 'u2',
    last_updated_by: 'u2',
  })
  expect(records[2]).toMatchObject({ expectations: {}, tags: {} })
  expect(records[3]).toMatchObject({ source_id: 'tr-1', source_type: 'TRACE' })
  const { dataset } = (await call('GET', one)).json
  expect(JSON.parse(dataset.schema as string)).toEqual({
    inputs: { q: 'string', n: 'float', x: 'float' },
    outputs: { x: 'integer' },
    expectations: { e: 'boolean', big: 'integer', f: 'array' },
    version: '1.0',
  })
  expect(dataset.profile).toBe('{"num_records": 4}')
  expect(dataset.digest).not.toBe(made.digest)
})

test('records are read in pages, in the order of their arrival, and deleted by id', async () => {
  await using server = await createLabellingServer()
  const { call } = server
  const id = (await call('POST', `${path}/create`, { name: 'ds' })).json.dataset.dataset_id as string
  const records = JSON.stringify(Array.from({ length: 250 }, (_, at) => ({ inputs: { at } })))
  await call('POST', `${path}/${id}/records`, { records })
  const seen: { inputs: { at: number }; dataset_record_id: string }[] = []
  for (let token: string | undefined = ''; token !== undefined;) {
    const { json } = await call('GET', `${path}/${id}/records`, { max_results: 100, page_token: token })
    seen.push(...(JSON.parse(json.records as string) as typeof seen))
    token = json.next_page_token as string | undefined
  }
  expect(seen.map(({ inputs }) => inputs.at)).toEqual(Array.from({ length: 250 }, (_, at) => at))
  expect((await call('GET', `${path}/${id}/records`, { page_token: 'junk' })).status).toBe(400)
  const ids = seen.slice(0, 150).map((record) => record.dataset_record_id)
  const gone = await call('DELETE', `${path}/${id}/records`, { dataset_record_ids: [...ids, 'none'] })
  expect(gone.json).toEqual({ deleted_count: 150 })
  expect((await call('GET', `${path}/${id}`)).json.dataset.profile).toBe('{"num_records": 100}')
  expect(await call('DELETE', `${path}/${id}`)).toEqual({ status: 200, json: {} })
  expect(await call('DELETE', `${path}/${id}`)).toEqual({ status: 200, json: {} })
  expect(await call('GET', `${path}/${id}`)).toMatchObject({ status: 404 })
})

test('datasets are tagged, linked to experiments and searched', async () => {
  await using server = await createLabellingServer()
  const { call } = server
  const create = async (name: string, fields: object = {}): Promise<string> =>
    (await call('POST', `${path}/create`, { name, ...fields })).json.dataset.dataset_id as string
  const [a, b] = [await create('alpha', { experiment_ids: ['0'] }), await create('beta')]
  const tags = '{"a": "c", "n": null, "x": 1, "t": true}'
  expect(await call('PATCH', `${path}/${a}/tags`, { tags })).toEqual({ status: 200, json: {} })
  expect(JSON.parse((await call('GET', `${path}/${a}`)).json.dataset.tags as string)).toEqual({
    a: 'c',
    x: '1',
    t: 'True',
  })
  expect((await call('GET', `${path}/${a}/experiment-ids`)).json).toEqual({ experiment_ids: ['0'] })
  expect((await call('POST', `${path}/${b}/add-experiments`, { experiment_ids: ['0'] })).status).toBe(200)
  expect((await call('POST', `${path}/${a}/remove-experiments`, { experiment_ids: ['0', '5'] })).status).toBe(200)
  const names = async (fields: object): Promise<string[]> => {
    const { json } = await call('POST', `${path}/search`, fields)
    return ((json.datasets ?? []) as { name: string }[]).map(({ name }) => name)
  }
  expect((await names({})).toSorted()).toEqual(['alpha', 'beta'])
  expect(await names({ experiment_ids: ['0'] })).toEqual(['beta'])
  expect(await names({ experiment_ids: ['x'] })).toEqual([])
  expect(await names({ experiment_ids: ['x', '0'] })).toEqual(['beta'])
  expect((await call('POST', `${path}/${b}/remove-experiments`, { experiment_ids: ['x'] })).status).toBe(200)
  expect(await names({ filter_string: "name = 'alpha' AND tags.t = 'True'" })).toEqual(['alpha'])
  expect(await names({ filter_string: "name LIKE '%et%'" })).toEqual(['beta'])
  expect(await names({ order_by: ['name DESC'] })).toEqual(['beta', 'alpha'])
  const first = await call('POST', `${path}/search`, { max_results: 1, order_by: ['name'] })
  expect(first.json.next_page_token).toBe('eyJvZmZzZXQiOiAxfQ==')
  const page_token = first.json.next_page_token as string
  expect(await names({ max_results: 1, order_by: ['name'], page_token })).toEqual(['beta'])
  const refused = async (fields: object): Promise<unknown> =>
    (await call('POST', `${path}/search`, fields)).json.message as unknown
  expect(await refused({ max_results: 60_000 })).toBe(
    "Invalid value 60000 for parameter 'max_results' supplied. It must be at most 50000",
  )
  expect(await refused({ page_token: 'x' })).toBe('Invalid page token, could not base64-decode')
  expect(await refused({ page_token: 'anVuaw==' })).toBe("Invalid page token, decoded value=b'junk'")
  expect(await refused({ page_token: 'junk' })).toBe(String.raw`Invalid page token, decoded value=b'\x8e\xe9\xe4'`)
})

test('what is not there, and what is no dataset, is told', async () => {
  await using server = await createLabellingServer()
  const { call } = server
  const notFound = (message: string) => ({ status: 404, json: { error_code: 'RESOURCE_DOES_NOT_EXIST', message } })
  expect(await call('GET', `${path}/nope`)).toMatchObject(notFound("Evaluation dataset with id 'nope' not found"))
  expect(await call('PATCH', `${path}/nope/tags`, { tags: '{"a": "b"}' })).toMatchObject(
    notFound('Could not find evaluation dataset with ID nope'),
  )
  expect(await call('POST', `${path}/nope/add-experiments`, { experiment_ids: ['0'] })).toMatchObject(
    notFound("Dataset 'nope' not found"),
  )
  const some = (await call('POST', `${path}/create`, { name: 'some' })).json.dataset.dataset_id as string
  expect(await call('POST', `${path}/${some}/add-experiments`, { experiment_ids: ['77'] })).toMatchObject(
    notFound('No Experiment with id=77'),
  )
  expect((await call('DELETE', `${path}/nope/tags/a`)).status).toBe(200)
  expect((await call('GET', `${path}/nope/experiment-ids`)).json).toEqual({})
  expect((await call('GET', `${path}/nope/records`)).json).toEqual({ records: '[]' })
  expect((await call('DELETE', `${path}/nope/records`, { dataset_record_ids: ['x'] })).json).toEqual({
    deleted_count: 0,
  })
  expect((await call('POST', `${path}/nope/records`, { records: '[{"inputs": {}}]' })).status).toBe(404)
  const id = (await call('POST', `${path}/create`, { name: 'x' })).json.dataset.dataset_id as string
  const bad = async (records: string): Promise<string> => {
    const { status, json } = await call('POST', `${path}/${id}/records`, { records })
    expect([status, json.error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE'])
    return json.message as string
  }
  await bad('junk')
  await bad('{}')
  expect(await bad('[{"inputs": {}}, 1]')).toContain('record 2')
  await bad('[{"inputs": null}]')
  await bad('[{"inputs": {}, "tags": [1]}]')
  expect(await bad('[{"inputs": {}, "source": {"source_type": "what"}}]')).toContain(
    "Invalid dataset record source type: WHAT. Valid source types: ['UNSPECIFIED', 'TRACE', 'HUMAN', 'DOCUMENT', 'CODE']",
  )
  expect((await call('POST', `${path}/create`, { name: 'x', tags: '[1]' })).status).toBe(400)
  expect((await call('POST', `${path}/create`, { name: 'x', experiment_ids: ['99'] })).status).toBe(404)
})
