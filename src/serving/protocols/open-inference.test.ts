// Requests and answers of the Open Inference Protocol, byte by byte: JSON, raw tensors beside it, raw bytes alone.
import { expect, test } from 'vitest'
import type { Signature } from '../../models/signature.ts'
import { assertWanted, writeOpenInference } from './open-inference-answer.ts'
import { jsonBytesOf, readOpenInference, readRawInference } from './open-inference.ts'

const signature: Signature = {
  task: 'multiclass',
  inputs: [{ name: 'x', type: 'double', required: true }],
  classes: ['a', 'b:c', 'd'],
}
const facts = { endpoint: 'flights', version: 'flights/3', predictionId: 'prd_1', callerId: undefined }

const read = (body: unknown, ...raw: readonly Uint8Array[]) => {
  const json = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  return readOpenInference(Buffer.concat([json, ...raw]), json.length)
}
const tensor = (datatype: string, shape: readonly number[], data: unknown) => ({
  inputs: [{ name: 'x', datatype, shape, data }],
})
const valuesOf = (...given: Parameters<typeof read>): unknown[] => Array.from(read(...given).inputs[0]!.values)

test('data comes flat, or nested exactly as the shape says', () => {
  expect(valuesOf(tensor('FP64', [2, 2], [1, 2, 3, null]))).toEqual([1, 2, 3, null])
  expect(
    valuesOf(
      tensor(
        'FP64',
        [2, 2],
        [
          [1, 2],
          [3, 4],
        ],
      ),
    ),
  ).toEqual([1, 2, 3, 4])
  expect(valuesOf(tensor('BYTES', [1, 1, 2], [[['a', '']]]))).toEqual(['a', ''])
  for (const data of [[[1, 2], [3]], [[1, 2], 3, 4], [[1, 2, 3, 4]], [[[1, 2]], [[3, 4]]], [1, [2], 3, 4]]) {
    expect(() => read(tensor('FP64', [2, 2], data))).toThrow('input "x"')
  }
})

test('whole numbers of 64 bits are exact, whatever else is in the body', () => {
  const text =
    '{"inputs":[{"name":"x","datatype":"INT64","shape":[3],"data":[9007199254740993,-9223372036854775808,1]}]}'
  expect(valuesOf(text)).toEqual([9007199254740993n, -(2n ** 63n), 1])
  expect(valuesOf(text.replace('INT64', 'UINT64').replace('-9223372036854775808', '18446744073709551615'))).toEqual([
    9007199254740993n,
    2n ** 64n - 1n,
    1,
  ])
  expect(() => read(text.replace('9007199254740993', '9223372036854775808'))).toThrow(
    'is 9223372036854775808 in row 0, which is no INT64',
  )
  expect(() => read(text.replace('9007199254740993', '9'.repeat(100_000)))).toThrow('which is no INT64')
  expect(() => read(text.replace('9007199254740993', '1.5'))).toThrow('is 1.5 in row 0, which is no INT64')
})

test('a bare NaN, as Python writes it, is a missing value', () => {
  expect(valuesOf('{"inputs":[{"name":"x","datatype":"FP32","shape":[2],"data":[NaN,1]}]}')).toEqual([null, 1])
})

test('raw tensors are taken in order, beside tensors in JSON', () => {
  const inputs = [
    { name: 'a', datatype: 'INT32', shape: [2], parameters: { binary_data_size: 8 } },
    { name: 'b', datatype: 'FP64', shape: [1], data: [0.5] },
    { name: 'c', datatype: 'BYTES', shape: [1], parameters: { binary_data_size: 5 } },
  ]
  const numbers = new Uint8Array(Int32Array.of(-1, 7).buffer)
  const found = read({ inputs }, numbers, Uint8Array.of(1, 0, 0, 0, 0x68))
  expect(found.inputs.map(({ values }) => Array.from(values))).toEqual([[-1, 7], [0.5], ['h']])
  expect(() => read({ inputs }, numbers, Uint8Array.of(1, 0, 0, 0))).toThrow(
    'wants 5 raw bytes, and the body has 4 more',
  )
  expect(() => read({ inputs }, numbers, Uint8Array.of(1, 0, 0, 0, 0x68, 0))).toThrow('1 bytes follow the raw tensors')
  const both = { ...inputs[0], data: [1, 2] }
  expect(() => read({ inputs: [both] }, numbers)).toThrow('has both "data" and "binary_data_size"')
  const region = { ...inputs[0], parameters: { shared_memory_region: 'r', shared_memory_byte_size: 8 } }
  expect(() => read({ inputs: [region] })).toThrow('shared memory')
})

test('the header that parts JSON from raw bytes must be true', () => {
  const body = Buffer.alloc(10)
  expect(jsonBytesOf(body, undefined)).toBe(10)
  expect(jsonBytesOf(body, '10')).toBe(10)
  for (const header of ['11', '-1', '1.5', '', '0x1', '5, 5', '9'.repeat(30)]) {
    expect(() => jsonBytesOf(body, header)).toThrow('Inference-Header-Content-Length')
  }
})

test('raw bytes alone are the rows of the one input, and text is one row', () => {
  const values = Float64Array.of(1, 2, 3)
  const found = readRawInference(Buffer.from(values.buffer), signature)
  expect(found).toMatchObject({ isBinary: true, inputs: [{ name: 'x', datatype: 'FP64', shape: [3, 1] }] })
  expect(Array.from(found.inputs[0]!.values)).toEqual([1, 2, 3])
  const ofText: Signature = { ...signature, inputs: [{ name: 't', type: 'string', required: true }] }
  expect(readRawInference(Buffer.from('Zürich'), ofText).inputs[0]!.values).toEqual(['Zürich'])
  expect(() => readRawInference(Buffer.alloc(9), signature)).toThrow('no whole number of FP64 values')
  const two: Signature = { ...signature, inputs: [...signature.inputs, ...ofText.inputs] }
  expect(() => readRawInference(Buffer.alloc(8), two)).toThrow('a model with one input, and this one has 2')
})

test('parameters keep their JSON type, and those that mean nothing here are let pass', () => {
  const inputs = tensor('FP64', [1], [1]).inputs
  const parameters = { priority: 2, timeout: 1500, binary_data_output: true, sequence_id: 'x', custom: { a: 1 } }
  expect(read({ inputs, parameters })).toMatchObject({ priority: 2, timeoutMs: 1.5, isBinary: true })
  expect(read({ inputs, parameters: null, outputs: null, id: null })).toMatchObject({
    priority: 0,
    timeoutMs: undefined,
  })
  for (const wrong of [{ priority: '1' }, { timeout: -1 }, { timeout: 1.5 }, { binary_data_output: 'false' }, []]) {
    expect(() => read({ inputs, parameters: wrong })).toThrow('parameter')
  }
  expect(() => read({ inputs, id: 7 })).toThrow('"id" must be text')
  expect(() => read({ inputs, outputs: [{ name: 'a' }, { name: 'a' }] })).toThrow('twice')
  expect(() => read({ inputs, outputs: [{ name: 'a', parameters: { binary_data: 'no' } }] })).toThrow('true or false')
  expect(() => read({ inputs, outputs: ['a'] })).toThrow('each of "outputs"')
})

const predictions = { rows: 3, width: 3, values: Float32Array.of(9, 9, 9, 0.25, 0.5, 0.25, 0.125, 0.125, 0.75) }
const rows = { predictions, offset: 1, rows: 2 }

test('an answer is JSON, or JSON with raw tensors behind it where they were asked for', () => {
  const plain = writeOpenInference(signature, rows, { facts, wanted: { outputs: undefined, isBinary: false } })
  expect(JSON.parse(plain.body as string)).toEqual({
    model_name: 'flights',
    model_version: '3',
    id: 'prd_1',
    parameters: { prediction_id: 'prd_1', version: 'flights/3' },
    outputs: [
      { name: 'probabilities', shape: [2, 3], datatype: 'FP32', data: [0.25, 0.5, 0.25, 0.125, 0.125, 0.75] },
      { name: 'label', shape: [2], datatype: 'BYTES', data: ['b:c', 'd'] },
    ],
  })
  const outputs = [
    { name: 'label', isBinary: true, classes: 0 },
    { name: 'probabilities', isBinary: false, classes: 0 },
  ]
  const mixed = writeOpenInference(signature, rows, { facts, wanted: { outputs, isBinary: false } })
  const bytes = Buffer.from(mixed.body)
  const length = Number(mixed.headers?.[1])
  expect(mixed.headers?.[0]).toBe('inference-header-content-length')
  expect(JSON.parse(bytes.toString('utf8', 0, length))).toMatchObject({
    outputs: [
      { name: 'label', shape: [2], datatype: 'BYTES', parameters: { binary_data_size: 12 } },
      { name: 'probabilities', data: [0.25, 0.5, 0.25, 0.125, 0.125, 0.75] },
    ],
  })
  expect(bytes.subarray(length)).toEqual(Buffer.from('\u0003\0\0\0b:c\u0001\0\0\0d'))
})

test('raw tensors keep every bit, in a short answer as in a long one', () => {
  for (const count of [2, 1000]) {
    const values = Float32Array.from({ length: count }, (_, at) => Math.sin(at + 1) / 3)
    const answer = { predictions: { rows: count, width: 1, values }, offset: 0, rows: count }
    const regression: Signature = { ...signature, task: 'regression', classes: [] }
    const written = writeOpenInference(regression, answer, { facts, wanted: { outputs: undefined, isBinary: true } })
    const found = Uint8Array.from(Buffer.from(written.body).subarray(Number(written.headers?.[1])))
    expect(new Float32Array(found.buffer)).toEqual(values)
  }
})

test('the likeliest classes are text: value, index and class', () => {
  const outputs = [{ name: 'probabilities', isBinary: false, classes: 2 }]
  assertWanted(signature, outputs)
  const { body } = writeOpenInference(signature, rows, { facts, wanted: { outputs, isBinary: false } })
  expect((JSON.parse(body as string) as { outputs: unknown[] }).outputs).toEqual([
    {
      name: 'probabilities',
      shape: [2, 2],
      datatype: 'BYTES',
      data: ['0.5:1:b:c', '0.25:0:a', '0.75:2:d', '0.125:0:a'],
    },
  ])
  expect(() => assertWanted(signature, [{ name: 'label', isBinary: false, classes: 1 }])).toThrow('classification')
  expect(() => assertWanted(signature, [{ name: 'logits', isBinary: false, classes: 0 }])).toThrow('no output "logits"')
})

test('numbers that JSON has not are null', () => {
  const regression: Signature = { ...signature, task: 'regression', classes: [] }
  const values = Float32Array.of(Number.NaN, 1, Infinity)
  const answer = { predictions: { rows: 3, width: 1, values }, offset: 0, rows: 3 }
  const { body } = writeOpenInference(regression, answer, { facts, wanted: { outputs: undefined, isBinary: false } })
  expect((JSON.parse(body as string) as { outputs: unknown[] }).outputs).toEqual([
    { name: 'prediction', shape: [3, 1], datatype: 'FP32', data: [null, 1, null] },
  ])
})
