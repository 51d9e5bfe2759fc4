// Messages and JSON: both spellings, integers of 64 bits, what is refused.
import { expect, test } from 'vitest'
import { FieldError, findTwiceNamed, parseMessage } from './codec.ts'
import { parseJson, parseLenientJson, printJson } from './json.ts'

test('integers of 64 bits come through as they are, and others stay numbers', () => {
  const text = '{"a":9223372036854775807,"b":-9007199254740993,"c":9007199254740991,"d":1e22,"e":1234567890123456.5}'
  const read = parseJson(text) as Record<string, unknown>
  expect(read).toEqual({
    a: 9223372036854775807n,
    b: -9007199254740993n,
    c: Number.MAX_SAFE_INTEGER,
    d: 1e22,
    e: 1234567890123456.5,
  })
  expect(printJson({ a: read['a'], list: [read['b'], 1] })).toBe(
    '{"a":9223372036854775807,"list":[-9007199254740993,1]}',
  )
  expect(parseJson('{"text":"12345678901234567890"}')).toEqual({ text: '12345678901234567890' })
})

test('JSON as Python writes it is read, and what is none is not', () => {
  const text = '\uFEFF{"a": NaN, "b": [-Infinity, "NaN, \\" Infinity"], "c": 9223372036854775807}'
  expect(parseLenientJson(text)).toEqual({ a: 'NaN', b: ['-Infinity', 'NaN, " Infinity'], c: 9223372036854775807n })
  for (const none of ['{"a": nan}', '{', "{'a': 1}", '[1,]']) expect(() => parseLenientJson(none)).toThrow(SyntaxError)
})

test('a message is read by both spellings of its fields, with numbers as text and enums as numbers', () => {
  expect(parseMessage('CreateRun', { experimentId: '3', start_time: '1700000000000', unknown: { deep: 1 } })).toEqual({
    experiment_id: '3',
    start_time: 1_700_000_000_000,
  })
  expect(parseMessage('UpdateRun', { status: 3 })).toEqual({ status: 'FINISHED' })
  expect(parseMessage('UpdateRun', { status: 'FAILED', end_time: null })).toEqual({ status: 'FAILED' })
  expect(parseMessage('UpdateRun', { status: 'NO_SUCH' })).toEqual({})
  const point = { key: 'm', value: 'NaN', timestamp: '9223372036854775807', step: -3 }
  expect(parseMessage('LogBatch', { metrics: [point, { value: '1.5e3' }, { value: '-Infinity' }] })).toEqual({
    metrics: [{ ...point, timestamp: 9223372036854775807n }, { value: 1500 }, { value: '-Infinity' }],
  })
})

test.each([
  ['LogBatch', { metrics: [{ key: 'a' }, { step: 1.5 }] }, 'metrics[1].step'],
  ['LogBatch', { metrics: {} }, 'metrics'],
  ['LogBatch', { params: [{ key: 7 }] }, 'params[0].key'],
  ['LogMetric', { value: 'high' }, 'value'],
  ['SetTag', { key: 'half \ud800' }, 'key'],
  ['LogMetric', { step: '9223372036854775808' }, 'step'],
  ['SearchRuns', { max_results: 2 ** 31 }, 'max_results'],
  ['LogLoggedModelParamsRequest', [], ''],
])('%s refuses %j and names the field', (message, json, field) => {
  const refusal = (): unknown => parseMessage(message, json)
  expect(refusal).toThrow(FieldError)
  try {
    refusal()
  } catch (error) {
    expect((error as FieldError).field).toBe(field)
  }
})

test('a field that is spelled both ways is found, at any depth', () => {
  expect(findTwiceNamed('CreateRun', { experiment_id: '1', experimentId: '2' })).toBe('experiment_id')
  expect(findTwiceNamed('LogInputs', { datasets: [{ dataset: { source_type: 'a', sourceType: 'b' } }] })).toBe(
    'source_type',
  )
  expect(findTwiceNamed('CreateRun', { experiment_id: '1', run_name: 'x' })).toBeUndefined()
})
