// TensorFlow Serving's REST protocol over real HTTP: its documented requests, and KServe's.
import { expect, test } from 'vitest'
import { regressionModel, smallModel, smallSignature } from '../../../models/testing.ts'
import { smallConfig, startTestWorker, testEndpoint, testVariant, type TestWorker } from '../../testing.ts'

const date = '2001-01-31T07:45:00Z'
const rowsOf = (...x: unknown[]) => x.map((value) => ({ x: value, carrier: 'AA', date }))
const near = (...values: number[]): unknown[] => values.map((value) => expect.closeTo(value, 3) as unknown)

async function ask({ url }: TestWorker, path: string, body?: unknown): Promise<{ status: number; answer: unknown }> {
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  // No content type, as curl -d sends one of a form.
  const how = text === undefined ? {} : { method: 'POST', body: Buffer.from(text) }
  const response = await fetch(`${url}/v1/models/${path}`, how)
  return { status: response.status, answer: await response.json() }
}

const small = (): Promise<TestWorker> => startTestWorker(smallConfig(), [{ bytes: smallModel() }])

/** As TensorFlow Serving's examples are, but that they add two. */
function halfPlusOne(): Promise<TestWorker> {
  const model = regressionModel(0.5)
  return startTestWorker(
    { generation: 1, endpoints: [testEndpoint([testVariant(1, model)], { name: 'half_plus_one' })] },
    [model],
  )
}

test('the documented requests: values, lists, objects, columns, and one output without its name', async () => {
  await using gateway = await halfPlusOne()
  const predictions = { status: 200, answer: { predictions: [1.5, 2, 3.5] } }
  for (const instances of [
    [1, 2, 5],
    [[1], [2], [5]],
    [{ x: 1 }, { x: 2 }, { x: 5 }],
    [{ x: [1] }, { x: [2] }, { x: [5] }],
  ])
    expect(await ask(gateway, 'half_plus_one:predict', { instances })).toEqual(predictions)
  const outputs = { status: 200, answer: { outputs: [1.5, 2, 3.5] } }
  for (const inputs of [[1, 2, 5], [[1], [2], [5]], { x: [1, 2, 5] }, { x: [[1], [2], [5]] }])
    expect(await ask(gateway, 'half_plus_one:predict', { signature_name: 'serving_default', inputs })).toEqual(outputs)
  expect(await ask(gateway, 'half_plus_one/versions/1:predict', { instances: [] })).toMatchObject({
    answer: { predictions: [] },
  })
})

test('a classifier answers all outputs by name, or one of them by its signature', async () => {
  await using gateway = await small()
  const predict = async (body: unknown) => (await ask(gateway, 'flights:predict', body)).answer
  const [late, early] = [near(0.182, 0.818), near(0.924, 0.076)]
  expect(await predict({ instances: rowsOf(1, -3) })).toEqual({
    predictions: [
      { probabilities: late, label: 'yes' },
      { probabilities: early, label: 'no' },
    ],
  })
  const columns = { x: [1, -3], carrier: ['AA', 'AA'], date: [date, date] }
  expect(await predict({ inputs: columns })).toEqual({
    outputs: { probabilities: [late, early], label: ['yes', 'no'] },
  })
  expect(await predict({ inputs: columns, signature_name: 'predict' })).toEqual({ outputs: ['yes', 'no'] })
  expect(await predict({ inputs: columns, signature_name: 'predict_proba' })).toEqual({ outputs: [late, early] })
  expect(await predict({ instances: rowsOf(1), signature_name: 'predict_proba' })).toEqual({ predictions: [late] })
  expect(await predict({ instances: rowsOf(1), signature_name: 'classify' })).toMatchObject({
    code: 'signature_unknown',
  })
})

test('rows without names, and one name for all columns, are in the signature’s order', async () => {
  await using gateway = await small()
  const row = [1, 'AA', date]
  for (const body of [{ instances: [row] }, { instances: [{ dense_input: row }] }])
    expect((await ask(gateway, 'flights:predict', { ...body, signature_name: 'predict' })).answer).toEqual({
      predictions: ['yes'],
    })
  for (const inputs of [[row], { dense_input: [row] }])
    expect((await ask(gateway, 'flights:predict', { inputs, signature_name: 'predict' })).answer).toEqual({
      outputs: ['yes'],
    })
})

test('texts come as base64 too, and numbers as TensorFlow writes them', async () => {
  await using gateway = await small()
  const b64 = (text: string) => ({ b64: Buffer.from(text).toString('base64') })
  const predict = (instances: unknown) => ask(gateway, 'flights:predict', { instances, signature_name: 'predict' })
  expect((await predict([{ x: -0.2, carrier: b64('AA'), date: [b64(date)] }])).answer).toEqual({ predictions: ['yes'] })
  expect((await predict([{ x: -0.2, carrier: b64('Zürich'), date }])).answer).toEqual({ predictions: ['no'] })
  expect((await predict([{ x: 1, carrier: { b64: 'A' }, date }])).answer).toMatchObject({ code: 'input_value' })
  expect((await predict([{ x: 1, carrier: { b64: '/w==' }, date }])).answer).toMatchObject({
    error: expect.stringContaining('column "carrier", row 0'),
  })
  const bare = `{"signature_name":"predict","instances":[{"x":1e0,"carrier":NaN,"date":"${date}"}]}`
  expect((await ask(gateway, 'flights:predict', bare)).answer).toEqual({ predictions: ['yes'] })
  const infinite = `{"instances":[{"x":-Infinity,"carrier":"AA","date":"${date}"}]}`
  expect((await ask(gateway, 'flights:predict', infinite)).answer).toMatchObject({
    error: expect.stringContaining('-Infinity is out of range'),
  })
})

test('bad requests are told in the protocol’s form', async () => {
  await using gateway = await small()
  const cases: [unknown, string][] = [
    ['{"instances"', 'json_invalid'],
    [[1], 'request_invalid'],
    [{}, 'request_invalid'],
    [{ instances: [], inputs: [] }, 'request_invalid'],
    [{ instances: {} }, 'request_invalid'],
    [{ instances: [{}] }, 'input_column_missing'],
    [{ instances: [{ ...rowsOf(1)[0], z: 1 }] }, 'input_column_unknown'],
    [{ instances: [...rowsOf(1), { x: 1 }] }, 'request_invalid'],
    [{ instances: [...rowsOf(1), 1] }, 'request_invalid'],
    [{ instances: [1] }, 'request_invalid'],
    [{ instances: rowsOf([1, 2]) }, 'input_value'],
    [{ instances: rowsOf({ b64: 'AA==', more: 1 }) }, 'input_value'],
    [{ inputs: 1 }, 'request_invalid'],
    [{ inputs: { x: [1] } }, 'input_column_missing'],
    [{ inputs: { x: [1, 2], carrier: ['AA'], date: [date] } }, 'input_rows_unequal'],
    [{ inputs: { x: 1, carrier: 'AA', date, 'y"z': 1 } }, 'input_column_unknown'],
    [{ instances: rowsOf(1), signature_name: 3 }, 'signature_unknown'],
  ]
  for (const [body, code] of cases) {
    const { status, answer } = await ask(gateway, 'flights:predict', body)
    expect([body, status, answer]).toEqual([body, 400, { error: expect.any(String), code }])
  }
  expect(await ask(gateway, 'other:predict', { instances: [] })).toMatchObject({ status: 404 })
  expect(await ask(gateway, 'flights/versions/9:predict', { instances: [] })).toMatchObject({ status: 404 })
  for (const path of ['flights:classify', 'flights:regress', 'flights/versions/1:explain'])
    expect(await ask(gateway, path, {})).toMatchObject({
      status: 501,
      answer: { error: expect.stringContaining(':predict') },
    })
  expect(await ask(gateway, 'flights:predict')).toMatchObject({ status: 405 })
})

test('status tells every version, in TensorFlow Serving’s and KServe’s form at once', async () => {
  const [champion, canary] = [{ bytes: smallModel() }, { bytes: smallModel({ weight: 2 }) }]
  const endpoint = testEndpoint([
    testVariant(3, champion, { weight: 0.5 }),
    testVariant(4, canary, { role: 'canary', weight: 0.5, quarantined: true }),
  ])
  await using gateway = await startTestWorker({ generation: 1, endpoints: [endpoint] }, [champion, canary])
  const available = { version: '3', state: 'AVAILABLE', status: { error_code: 'OK', error_message: '' } }
  const ended = { version: '4', state: 'END', status: { error_code: 'UNAVAILABLE', error_message: expect.any(String) } }
  const flights = { name: 'flights', ready: true }
  expect((await ask(gateway, 'flights')).answer).toEqual({ ...flights, model_version_status: [available, ended] })
  expect((await ask(gateway, 'flights/versions/3')).answer).toEqual({ ...flights, model_version_status: [available] })
  expect((await ask(gateway, 'flights/labels/canary')).answer).toEqual({
    ...flights,
    ready: false,
    model_version_status: [ended],
  })
  await gateway.worker.apply({ generation: 2, endpoints: [{ ...endpoint, stopped: 'wrong prices' }] })
  expect((await ask(gateway, 'flights')).answer).toMatchObject({
    ready: false,
    model_version_status: [{ version: '3', state: 'END', status: { error_message: 'wrong prices' } }, { version: '4' }],
  })
  const listed = await fetch(`${gateway.url}/v1/models`)
  expect(await listed.json()).toEqual({ models: ['flights'] })
  expect(await (await fetch(gateway.url)).json()).toEqual({ status: 'alive' })
})

test('labels are the roles of versions', async () => {
  const [champion, canary] = [{ bytes: smallModel() }, { bytes: smallModel({ weight: -5 }) }]
  const endpoint = testEndpoint([
    testVariant(3, champion, { weight: 0.9 }),
    testVariant(4, canary, { role: 'canary', weight: 0.1 }),
  ])
  await using gateway = await startTestWorker({ generation: 1, endpoints: [endpoint] }, [champion, canary])
  const body = { instances: rowsOf(1), signature_name: 'predict' }
  expect((await ask(gateway, 'flights/labels/champion:predict', body)).answer).toEqual({ predictions: ['yes'] })
  expect((await ask(gateway, 'flights/labels/canary:predict', body)).answer).toEqual({ predictions: ['no'] })
  expect(await ask(gateway, 'flights/labels/stable:predict', body)).toMatchObject({ status: 404 })
})

test('metadata names the tensors of each signature', async () => {
  const model = { bytes: smallModel(), signature: { ...smallSignature, classes: ['1', '2'] } }
  await using gateway = await startTestWorker({ generation: 1, endpoints: [testEndpoint([testVariant(7, model)])] }, [
    model,
  ])
  const { answer } = await ask(gateway, 'flights/metadata')
  const tensor = (name: string, dtype: string, ...sizes: string[]) => ({
    name,
    dtype,
    tensor_shape: { unknown_rank: false, dim: sizes.map((size) => ({ size, name: '' })) },
  })
  const label = { label: tensor('label', 'DT_INT64', '-1') }
  expect(answer).toMatchObject({
    model_spec: { name: 'flights', signature_name: '', version: '7' },
    metadata: {
      signature_def: {
        signature_def: {
          serving_default: {
            inputs: { carrier: tensor('carrier', 'DT_STRING', '-1', '1') },
            outputs: { ...label, probabilities: tensor('probabilities', 'DT_FLOAT', '-1', '2') },
            method_name: 'tensorflow/serving/predict',
          },
        },
      },
    },
  })
  expect(answer).toHaveProperty('metadata.signature_def.signature_def.predict.outputs', label)
  expect((await ask(gateway, 'flights/labels/champion/metadata')).answer).toEqual(answer)
  expect((await ask(gateway, 'flights/versions/7/metadata')).answer).toEqual(answer)
})
