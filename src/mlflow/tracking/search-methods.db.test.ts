// Searches as MLflow's clients ask for them; texts and statuses are those of its own server, 3.17.
import { expect, test } from 'vitest'
import { readerOf } from '../../platform/reader.ts'
import { bind } from '../rpc.ts'
import { createMlflowTestServer, type Answer } from '../testing.ts'
import { searchMethods } from './search-methods.ts'
import { openTracking, type TrackingTest } from './testing.ts'
import { createRunWriter } from '../../experiments/run-writer.ts'

interface SearchTest extends AsyncDisposable {
  readonly tracking: TrackingTest
  readonly search: (what: 'experiments' | 'runs', fields?: object) => Promise<Answer>
  readonly ask: (path: string, fields?: object) => Promise<Answer>
  readonly get: (path: string, fields?: object) => Promise<Answer>
  /** Names of the runs that are found. */
  readonly names: (fields: object) => Promise<string[]>
}

/** Runs a to f of experiments 1 (a, b, c, d) and 2 (e, f), each begun later than the one before. */
async function openSearch(): Promise<SearchTest> {
  await using stack = new AsyncDisposableStack()
  const tracking = stack.use(await openTracking())
  const { db, post } = tracking
  const mlflow = stack.use(await createMlflowTestServer(bind(searchMethods, { db, reader: readerOf(db) })))
  const writer = createRunWriter(db)
  for (const name of ['one', 'two']) await post('experiments/create', { name, tags: [{ key: 'area', value: name }] })
  for (const [at, run_name] of ['a', 'b', 'c', 'd', 'e', 'f'].entries()) {
    const experiment_id = at < 4 ? '1' : '2'
    const fields = { experiment_id, run_name, user_id: at % 2 ? 'bob' : 'ann', start_time: 1000 + at }
    const { run_id } = (await post('runs/create', fields)).json.run.info
    const loss = at === 2 ? Number.NaN : at / 10
    const metrics = at === 5 ? [] : [9, loss].map((value, step) => ({ key: 'loss', value, step, atMs: 1 }))
    await writer.log(run_id, { metrics, params: { p: at < 3 ? 'low' : 'High' } })
    if (at === 1) await post('runs/update', { run_id, status: 'FAILED', end_time: 5000 })
    const dataset = { name: `d${at % 2}`, digest: '1', source_type: 'local', source: '{}' }
    const tags = at < 2 ? [{ key: 'mlflow.data.context', value: 'train' }] : []
    await post('runs/log-inputs', { run_id, datasets: [{ dataset, tags }] })
  }
  const owned = stack.move()
  const ask = (path: string, fields?: object) => mlflow.call('POST', `2.0/mlflow/${path}`, fields)
  const search: SearchTest['search'] = (what, fields) => ask(`${what}/search`, fields)
  return {
    tracking,
    search,
    ask,
    get: (path, fields) => mlflow.call('GET', `2.0/mlflow/${path}`, fields),
    names: async (fields) => {
      const { json } = await search('runs', { experiment_ids: ['1', '2'], ...fields })
      return (json.runs ?? []).map(({ info }: { info: { run_name: string } }) => info.run_name)
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

const filters: readonly [string, string][] = [
  ['', 'fedcba'],
  ['metrics.loss < 0.35', 'dba'],
  ['metrics.loss != 0.3', 'ecba'],
  ['min(metrics.loss) <= 0 OR max(metrics.loss) < 1', 'a'],
  ['metrics.loss BETWEEN 0.1 AND 0.3', 'db'],
  ["params.p = 'low'", 'cba'],
  ["params.p LIKE 'h%'", ''],
  ["params.p ILIKE 'h%'", 'fed'],
  ["params.p IN ('low', 'x')", 'cba'],
  ["NOT (params.p = 'low' OR user_id = 'ann')", 'fd'],
  ["status = 'FAILED'", 'b'],
  ["status != 'FAILED'", 'fedca'],
  ["status LIKE '%UNNIN_'", 'fedca'],
  ["status IN ('FINISHED')", ''],
  ["status = 'failed'", ''],
  ["run_name = 'c'", 'c'],
  ["tags.mlflow.runName = 'c'", 'c'],
  ["tags.mlflow.note IS NULL AND user_id = 'bob'", 'fdb'],
  ['start_time > 1003', 'fe'],
  ['created <= 1000.5', 'a'],
  ['end_time = 5000', 'b'],
  ["dataset.name = 'd1' AND datasets.context = 'train'", 'b'],
  ["datasets.context != 'test'", 'ba'],
  ["artifact_uri LIKE 'mlflow-artifacts:/2/%'", 'fe'],
]

test('runs are found by every kind of key', async () => {
  await using searching = await openSearch()
  for (const [filter, expected] of filters) {
    expect([filter, (await searching.names({ filter })).join('')]).toEqual([filter, expected])
  }
})

test('runs come in the order that is asked for, those without a value last', async () => {
  await using searching = await openSearch()
  const ordered = async (...order_by: string[]): Promise<string> => (await searching.names({ order_by })).join('')
  expect(await ordered('metrics.loss')).toBe('abdecf')
  expect(await ordered('metrics.loss DESC')).toBe('edbacf')
  expect(await ordered('params.p', 'start_time ASC')).toBe('defabc')
  expect(await ordered('user_id desc', 'attributes.run_name')).toBe('bdface')
  expect(await ordered('min(metrics.loss) DESC')).toBe('cedbaf')
  expect(await ordered('status')).toBe('bfedca')
})

test('pages follow each other whatever is added meanwhile, and a token is of one order', async () => {
  await using searching = await openSearch()
  const { search, names, tracking } = searching
  const asked = { experiment_ids: ['1', '2'], max_results: 4, order_by: ['metrics.loss DESC'] }
  const { json } = await search('runs', asked)
  expect(json.runs).toHaveLength(4)
  await tracking.post('runs/create', { experiment_id: '1', run_name: 'g' })
  const page = { ...asked, page_token: json.next_page_token }
  expect(await names(page)).toEqual(['c', 'f', 'g'])
  for (const fields of [
    { ...page, order_by: [] },
    { ...asked, page_token: 'junk' },
    { ...asked, page_token: 'e30=' },
  ]) {
    const { status, json: error } = await search('runs', fields)
    expect([status, error.error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE'])
    expect(error.message).toContain('Invalid page token')
  }
})

test('a run is found with all that it has', async () => {
  await using searching = await openSearch()
  const { json } = await searching.search('runs', { experiment_ids: ['1'], filter: "run_name = 'b'" })
  const [run] = json.runs
  expect(run).toEqual((await searching.tracking.get('runs/get', { run_id: run.info.run_id })).json.run)
  expect(run.data.metrics).toEqual([{ key: 'loss', value: 0.1, step: 1, timestamp: 1 }])
  expect(await searching.names({ experiment_ids: [] })).toEqual([])
  expect(await searching.names({ experiment_ids: ['2', '77', '2'] })).toEqual(['f', 'e'])
  await searching.tracking.post('runs/delete', { run_id: run.info.run_id })
  expect(await searching.names({ filter: "run_name = 'b'" })).toEqual([])
  expect(await searching.names({ run_view_type: 'DELETED_ONLY' })).toEqual(['b'])
  expect(await searching.names({ run_view_type: 'ALL', max_results: 50_000 })).toHaveLength(6)
})

const refused: readonly [object, string][] = [
  [{ filter: 'metrics.loss' }, "Invalid clause(s) in filter string: 'metrics.loss'"],
  [{ order_by: ['junk'] }, "Invalid attribute key 'junk' specified."],
  [{ order_by: ['metrics.a', 'metrics.a DESC'] }, '`order_by` contains duplicate fields'],
  [{ max_results: 0 }, "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer"],
  [{ max_results: 50_001 }, "Invalid value 50001 for parameter 'max_results' supplied"],
  [{ experiment_ids: ['abc'] }, "Invalid experiment ID 'abc'. Experiment ID must be a valid integer."],
]

test('a search that makes no sense is refused as MLflow refuses it', async () => {
  await using searching = await openSearch()
  for (const [fields, text] of refused) {
    const { status, json } = await searching.search('runs', { experiment_ids: ['1'], ...fields })
    expect([fields, status, json.error_code]).toEqual([fields, 400, 'INVALID_PARAMETER_VALUE'])
    expect(json.message).toContain(text)
  }
  expect((await searching.search('experiments')).json.message).toContain('Invalid value 0')
  expect((await searching.search('experiments', { max_results: 50_001 })).json.message).toContain('at most 50000')
})

test('experiments are found by name, id, times and tags, newest first, page after page', async () => {
  await using searching = await openSearch()
  const names = async (fields: object): Promise<string[]> => {
    const { json } = await searching.search('experiments', { max_results: 10, ...fields })
    return (json.experiments ?? []).map(({ name }: { name: string }) => name)
  }
  expect(await names({ order_by: ['name'] })).toEqual(['Default', 'one', 'two'])
  expect(await names({ order_by: ['experiment_id DESC'] })).toEqual(['two', 'one', 'Default'])
  expect(await names({ filter: "name LIKE '%o%'", order_by: ['name DESC', 'name ASC'] })).toEqual(['two', 'one'])
  expect(await names({ filter: "tags.area = 'two' OR experiment_id IN ('0', '+1')", order_by: ['name'] })).toEqual([
    'Default',
    'one',
    'two',
  ])
  expect(await names({ filter: "experiment_id != '1' AND NOT tags.area IS NULL" })).toEqual(['two'])
  expect(await names({ filter: 'creation_time < 5 OR last_update_time = 5' })).toEqual([])
  await searching.tracking.post('experiments/delete', { experiment_id: '1' })
  expect(await names({ order_by: ['name'] })).toEqual(['Default', 'two'])
  expect(await names({ view_type: 'DELETED_ONLY' })).toEqual(['one'])
  const all = { view_type: 'ALL', order_by: 'name', max_results: '2' }
  const { json } = await searching.get('experiments/search', all)
  expect(json.experiments.map(({ name }: { name: string }) => name)).toEqual(['Default', 'one'])
  const page_token = json.next_page_token
  expect(await names({ view_type: 'ALL', order_by: ['name'], page_token })).toEqual(['two'])
  for (const token of ['junk', page_token]) {
    const { status, json: error } = await searching.search('experiments', { max_results: 1, page_token: token })
    expect([status, error.message]).toEqual([400, 'Invalid page token'])
  }
})

test('datasets are told with what they were read for', async () => {
  await using searching = await openSearch()
  const found = await searching.ask('experiments/search-datasets', { experiment_ids: ['1', '2', '9'] })
  expect(found.json.dataset_summaries).toEqual([
    { experiment_id: '1', name: 'd0', digest: '1' },
    { experiment_id: '1', name: 'd0', digest: '1', context: 'train' },
    { experiment_id: '1', name: 'd1', digest: '1' },
    { experiment_id: '1', name: 'd1', digest: '1', context: 'train' },
    { experiment_id: '2', name: 'd0', digest: '1' },
    { experiment_id: '2', name: 'd1', digest: '1' },
  ])
  expect((await searching.ask('experiments/search-datasets', { experiment_ids: ['9'] })).json).toEqual({})
  const many = Array.from({ length: 21 }, (_, at) => String(at))
  for (const experiment_ids of [[], many]) {
    const { status, json } = await searching.ask('experiments/search-datasets', { experiment_ids })
    expect([status, json.error_code]).toEqual([400, 'INVALID_PARAMETER_VALUE'])
  }
})
