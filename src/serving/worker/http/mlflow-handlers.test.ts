// MLflow's scoring protocol over real HTTP, of an endpoint and at the root. What is expected is what MLflow 3.17.2's server answers.
import { expect, test } from 'vitest'
import { regressionModel, smallModel, smallSignature } from '../../../models/testing.ts'
import { smallConfig, startTestWorker, testEndpoint, testVariant, type TestWorker } from '../../testing.ts'

const json = 'application/json'
const date = '2001-01-31T07:45:00Z'

interface Asked {
  readonly contentType?: string | undefined
  readonly path?: string
}

async function invoke(
  { url }: TestWorker,
  body: unknown,
  { contentType = json, path = '/invocations' }: Asked = {},
): Promise<{ status: number; text: string; answer: unknown }> {
  const content = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
  const response = await fetch(url + path, {
    method: 'POST',
    // As bytes, so that no content type is sent that was not asked for.
    body: Buffer.from(content as string),
    headers: contentType === '' ? {} : { 'content-type': contentType },
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type') === json
  return { status: response.status, text, answer: isJson ? (JSON.parse(text) as unknown) : text }
}

const small = (): Promise<TestWorker> => startTestWorker(smallConfig(), [{ bytes: smallModel() }])
const rowsOf = (...x: unknown[]) => x.map((value) => ({ x: value, carrier: 'AA', date }))

test('the four formats and CSV, with the columns in any order, are the same rows', async () => {
  await using gateway = await small()
  const bodies = [
    {
      dataframe_split: {
        columns: ['x', 'carrier', 'date'],
        data: [
          [1, 'AA', date],
          [-3, 'AA', date],
        ],
      },
    },
    {
      dataframe_split: {
        columns: ['date', 'x', 'carrier'],
        index: [5, 6],
        data: [
          [date, 1, 'AA'],
          [date, -3, 'AA'],
        ],
      },
    },
    {
      dataframe_split: {
        data: [
          [1, 'AA', date],
          [-3, 'AA', date],
        ],
      },
    },
    { dataframe_records: rowsOf(1, -3) },
    { instances: rowsOf(1, -3) },
    {
      instances: [
        [1, 'AA', date],
        [-3, 'AA', date],
      ],
    },
    { inputs: { date: [date, date], carrier: ['AA', 'AA'], x: [[1], [-3]] } },
    { inputs: rowsOf(1, -3), params: null, signature_name: 'x', more: 1 },
  ]
  for (const body of bodies) expect((await invoke(gateway, body)).answer).toEqual({ predictions: ['yes', 'no'] })
  const csv = `carrier,date,x,more\r\nAA,${date},1,a\r\n"AA",${date},-3,b\r\n`
  expect((await invoke(gateway, csv, { contentType: 'text/csv; charset=UTF-8' })).answer).toEqual({
    predictions: ['yes', 'no'],
  })
})

test('predict_method and the endpoint say what is answered of a classifier', async () => {
  await using gateway = await small()
  const ask = async (params?: unknown) => (await invoke(gateway, { dataframe_records: rowsOf(1), params })).answer
  const probabilities = [expect.closeTo(0.182, 3), expect.closeTo(0.818, 3)]
  expect(await ask({ predict_method: 'predict' })).toEqual({ predictions: ['yes'] })
  expect(await ask({ predict_method: 'predict_proba' })).toEqual({ predictions: [probabilities] })
  expect(await ask({ predict_method: 'records', other: 1 })).toEqual({ predictions: [{ probabilities, label: 'yes' }] })
  expect(await ask({ predict_method: 'transform' })).toMatchObject({ error_code: 'BAD_REQUEST' })
  const { endpoints } = smallConfig()
  const [endpoint] = endpoints
  const options = { ...endpoint!.options, predictions: 'probabilities' as const }
  await gateway.worker.apply({ generation: 2, endpoints: [{ ...endpoint!, options }] })
  expect(await ask()).toEqual({ predictions: [probabilities] })
  expect(await ask({ predict_method: 'predict' })).toEqual({ predictions: ['yes'] })
})

test('class names that are whole numbers or flags are answered as such, exactly', async () => {
  for (const [classes, written] of [
    [['9007199254740992', '9007199254740993'], '9007199254740993'],
    [['false', 'true'], 'true'],
    [['0', '01'], '"01"'],
  ] as const) {
    const model = { bytes: smallModel(), signature: { ...smallSignature, classes: [...classes] } }
    await using gateway = await startTestWorker({ generation: 1, endpoints: [testEndpoint([testVariant(1, model)])] }, [
      model,
    ])
    expect((await invoke(gateway, { inputs: rowsOf(1) })).text).toBe(`{"predictions":[${written}]}`)
  }
})

test('values are of the signature’s types: texts of digits stay texts in columns of texts', async () => {
  await using gateway = await small()
  const csv = async (rows: string) =>
    (await invoke(gateway, `x,carrier,date\n${rows}`, { contentType: 'text/csv' })).answer
  expect(await csv(`1.5,0012,${date}\n-1e1,"12",2001-01-31\n 2 ,,\n`)).toEqual({ predictions: ['yes', 'no', 'yes'] })
  expect(await csv(`nan,AA,981000000000\n,NA,${date}\n`)).toMatchObject({ code: 'model_failed' }) // No number, no answer.
  expect(await csv(`one,AA,${date}\n`)).toMatchObject({ error_code: 'BAD_REQUEST', code: 'input_value' })
  expect(await csv(`1,AA,20010131\n`)).toMatchObject({ code: 'input_value' })
  const body = {
    dataframe_records: [
      { x: '2.5', carrier: 'AA', date },
      { x: true, carrier: null, date: 981_000_000_000 },
    ],
  }
  expect((await invoke(gateway, body)).answer).toEqual({ predictions: ['yes', 'yes'] })
  const numeric = { dataframe_records: [{ x: 1, carrier: 12, date }] }
  expect((await invoke(gateway, numeric)).answer).toMatchObject({ code: 'input_value' })
})

test('what the stock client writes for a missing value is read as one', async () => {
  await using gateway = await small()
  const body = `{"dataframe_split": {"columns": ["x", "carrier", "date"], "data": [[1.0, NaN, "${date}"]]}}`
  expect((await invoke(gateway, body)).answer).toEqual({ predictions: ['yes'] })
  const infinite = `{"dataframe_split": {"columns": ["x", "carrier", "date"], "data": [[Infinity, "AA", "${date}"]]}}`
  expect((await invoke(gateway, infinite)).answer).toMatchObject({ code: 'input_value' })
})

test('bad requests are answered with the statuses, codes and texts of MLflow', async () => {
  await using gateway = await small()
  const cases: [unknown, string, string][] = [
    ['{"inputs":', 'BAD_REQUEST', 'Ensure that input is a valid JSON formatted string'],
    ['', 'BAD_REQUEST', 'Ensure that input is a valid JSON formatted string'],
    [Buffer.from([0x22, 0xff, 0x22]), 'BAD_REQUEST', 'valid UTF-8 encoded string'],
    [[1], 'BAD_REQUEST', 'The input must be a JSON dictionary with exactly one of the input fields'],
    ['null', 'BAD_REQUEST', 'The input must be a JSON dictionary with exactly one of the input fields'],
    [{}, 'BAD_REQUEST', 'The input must be a JSON dictionary with exactly one of the input fields'],
    [{ inputs: [], instances: [] }, 'BAD_REQUEST', 'with exactly one of the input fields'],
    [{ dataframe_split: [] }, 'BAD_REQUEST', 'Dataframe split format must be a dictionary. Got list'],
    [{ dataframe_split: { columns: [] } }, 'BAD_REQUEST', "Dataframe split format must have 'data' field"],
    [{ dataframe_split: { data: [], extra: 1 } }, 'BAD_REQUEST', "Dataframe split format must have 'data' field"],
    [{ dataframe_split: { columns: [{ toString: 1 }], data: [] } }, 'BAD_REQUEST', 'a column is named by a text'],
    [{ dataframe_split: { data: 1 } }, 'BAD_REQUEST', 'Provided dataframe_split field is not a valid dataframe'],
    [{ dataframe_split: { columns: ['x'], data: [[1, 2]] } }, 'BAD_REQUEST', 'row 0 must be a list of 1 values'],
    [{ dataframe_split: { columns: ['x', 'x'], data: [] } }, 'BAD_REQUEST', 'stands twice'],
    [
      { dataframe_split: { columns: ['y'], data: [[1]] } },
      'INVALID_PARAMETER_VALUE',
      "Model is missing inputs ['x', 'carrier', 'date']",
    ],
    [
      { dataframe_records: { x: 1 } },
      'BAD_REQUEST',
      'Dataframe records format must be a list of records. Got dictionary',
    ],
    [{ dataframe_records: [{ X: 1, carrier: '', date }] }, 'INVALID_PARAMETER_VALUE', "extra inputs: ['X']"],
    [{ dataframe_records: [1] }, 'BAD_REQUEST', 'row 0 must be an object'],
    [{ dataframe_records: [{}] }, 'INVALID_PARAMETER_VALUE', 'Model is missing inputs'],
    [
      { instances: [...rowsOf(1), { x: 1 }] },
      'BAD_REQUEST',
      'The length of values for each input/column name are not the same',
    ],
    [{ inputs: { x: [1, 2], carrier: ['AA'], date: [date] } }, 'INVALID_PARAMETER_VALUE', 'has 1 rows'],
    [{ inputs: 3 }, 'BAD_REQUEST', '"inputs" must be'],
    [{ dataframe_records: Array.from({ length: 10_001 }, () => ({})) }, 'BAD_REQUEST', 'may have 10000 rows'],
  ]
  for (const [body, code, message] of cases) {
    const { status, answer } = await invoke(gateway, body)
    expect([body, status, answer]).toEqual([
      body,
      message.includes('10000') ? 413 : 400,
      expect.objectContaining({ error_code: code, message: expect.stringContaining(message) }),
    ])
  }
  const csv = await invoke(gateway, 'x\n"', { contentType: 'text/csv' })
  expect(csv).toMatchObject({
    status: 400,
    answer: { message: expect.stringContaining('Failed to parse input as a Pandas DataFrame') },
  })
  expect((await invoke(gateway, { dataframe_records: [] })).answer).toEqual({ predictions: [] })
  expect((await invoke(gateway, { dataframe_records: rowsOf(1) })).status).toBe(200)
})

test('a content type that is not taken is a 415 in plain text', async () => {
  await using gateway = await small()
  for (const [contentType, text] of [
    ['', 'Got none'],
    ['application/xml', 'Got application/xml'],
    ['application/json; charset=latin-1', 'The scoring server only supports UTF-8'],
    ['application/json; format=pandas-split', 'Unrecognized content type parameters: format'],
    ['application/vnd.apache.parquet', 'send application/json or text/csv'],
  ]) {
    expect(await invoke(gateway, '{}', { contentType })).toMatchObject({
      status: 415,
      answer: expect.stringContaining(text!),
    })
  }
})

test('ping, health and version, of an endpoint and at the root', async () => {
  await using gateway = await small()
  const get = async (path: string): Promise<unknown[]> => {
    const response = await fetch(gateway.url + path)
    return [response.status, response.headers.get('content-type'), await response.text()]
  }
  for (const path of ['/ping', '/endpoints/flights/ping', '/endpoints/flights/health'])
    expect(await get(path)).toEqual([200, json, '\n'])
  for (const path of ['/version', '/endpoints/flights/version'])
    expect(await get(path)).toEqual([200, json, expect.stringMatching(/^\d+\.\d+\.\d+$/v)])
  expect((await get('/endpoints/other/ping'))[0]).toBe(404)
  await gateway.worker.apply({ generation: 2, endpoints: [testEndpoint([])] })
  expect((await get('/ping'))[0]).toBe(503)
  const [endpoint] = smallConfig().endpoints
  await gateway.worker.apply({ generation: 3, endpoints: [{ ...endpoint!, stopped: 'wrong prices' }] })
  expect((await get('/ping'))[0]).toBe(503)
})

test('the root is the only endpoint, or the one that is named, and else says how to name one', async () => {
  const model = regressionModel()
  const price = testEndpoint([testVariant(2, model)], { name: 'price' })
  const { endpoints } = smallConfig()
  const models = [{ bytes: smallModel() }, model]
  await using gateway = await startTestWorker({ generation: 1, endpoints: [...endpoints, price] }, models)
  const body = { inputs: { x: [1] } }
  expect(await invoke(gateway, body)).toMatchObject({
    status: 404,
    answer: { error_code: 'RESOURCE_DOES_NOT_EXIST', code: 'root_endpoint_unknown' },
  })
  expect((await fetch(`${gateway.url}/ping`)).status).toBe(200)
  expect((await invoke(gateway, body, { path: '/endpoints/price/invocations' })).answer).toEqual({ predictions: [3] })
  await gateway.worker.apply({ generation: 2, endpoints: [price] })
  expect((await invoke(gateway, body)).answer).toEqual({ predictions: [3] })
  const wanted = { inputs: { x: [1] }, params: { predict_method: 'predict_proba' } }
  expect(await invoke(gateway, wanted)).toMatchObject({ status: 400 })
  const records = { inputs: { x: [1] }, params: { predict_method: 'records' } }
  expect((await invoke(gateway, records)).answer).toEqual({ predictions: [{ prediction: 3 }] })
})
