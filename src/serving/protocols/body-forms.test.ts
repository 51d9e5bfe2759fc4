// A body of a known form is read as it would have been whole: values, wishes and errors alike.
import { expect, test } from 'vitest'
import { DomainError } from '../../platform/errors.ts'
import { createBodyForms } from './body-forms.ts'
import { readOpenInference } from './open-inference.ts'
import { createRandom } from '../../platform/testing-random.ts'

const listIn = (json: unknown): unknown => (json as { data?: unknown }).data
const createForms = () => createBodyForms<string>({ member: 'data', listIn })

test('numbers are found in a form that was seen', () => {
  const forms = createForms()
  expect(forms.find(Buffer.from('{"data":[1]}'))).toBeUndefined()
  forms.remember(Buffer.from('{"x":"[é]","data": [1,2], "y":"]"}'), [1, 2], 'meaning')
  expect(forms.find(Buffer.from('{"x":"[é]","data": [ -0.5, 7e3 ], "y":"]"}'))).toEqual({
    meaning: 'meaning',
    values: [-0.5, 7000],
  })
  expect(forms.find(Buffer.from('{"x":"[é]","data": [null,true,0], "y":"]"}'))?.values).toEqual([null, true, 0])
  for (const other of [
    '{"x":"[e]","data": [1,2], "y":"]"}',
    '{"x":"[é]","data": [1,[2]], "y":"]"}',
    '{"x":"[é]","data": [1,"2"], "y":"]"}',
    '{"x":"[é]","data": [1,{}], "y":"]"}',
    '{"x":"[é]","data": [1],"z":[2], "y":"]"}',
    '{"x":"[é]","data": [1,], "y":"]"}',
    '{"x":"[é]","data": [1], "y":"]"',
    '{"x":"[é]","data": [',
  ])
    expect(forms.find(Buffer.from(other)), other).toBeUndefined()
})

test('what only looks like the list is not taken for it', () => {
  for (const body of [
    '{"data":[1],"name":"data","x":"[","y":"]"}',
    '{"data":[1],"x":"\\"data\\":[1]"}',
    '{"data":[1],"other":{"data":[2]}}',
    '{"d\\u0061ta":[1]}',
  ]) {
    const forms = createForms()
    forms.remember(Buffer.from(body), [1], '')
    const found = forms.find(Buffer.from(body))
    // Whichever list stands last in the text, it is remembered only where it is the one that counts.
    if (found) expect([body, found.values]).toEqual([body, listIn(JSON.parse(body))])
  }
})

test('forms that never come again are hardly looked at, and one that does is found', () => {
  const forms = createForms()
  let parsed = 0
  const place = { member: 'data', listIn: (json: unknown) => (parsed++, listIn(json)) }
  const counting = createBodyForms<string>(place)
  for (let at = 0; at < 10_000; at++) {
    const body = Buffer.from(`{"id":${at},"data":[1]}`)
    expect(counting.find(body)).toBeUndefined()
    counting.remember(body, [1], '')
  }
  expect(parsed).toBeLessThan(25)
  for (const id of ['a', 'b', 'c']) forms.remember(Buffer.from(`{"id":"${id}","data":[1]}`), [1], id)
  expect(forms.find(Buffer.from('{"id":"a","data":[2]}'))).toEqual({ meaning: 'a', values: [2] })
  const later = Buffer.from('{"id":"later","data":[1]}')
  for (let at = 0; at < 2048; at++) counting.remember(later, [1], 'later')
  expect(counting.find(later)?.meaning).toBe('later')
  // Nor are they looked at more often, nor is it forgotten, where it comes in between.
  parsed = 0
  for (let at = 0; at < 10_000; at++) {
    expect(counting.find(later)?.meaning).toBe('later')
    counting.remember(Buffer.from(`{"id":"other ${at}","data":[1]}`), [1], '')
  }
  expect(parsed).toBeLessThan(25)
})

const around: readonly (readonly [before: string, after: string])[] = [
  ['{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[', ']}]}'],
  ['{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP64","data":[[', ']]}],"outputs":[{"name":"label"}]}'],
  ['{ "id": "7", "inputs": [ { "name": "x", "shape": [3], "datatype": "INT64", "data": [', '] } ] }'],
  ['{"inputs":[{"data":[', '],"name":"ä[","shape":[3,1],"datatype":"INT32"}],"parameters":{"timeout":1000,"priority":2}}'],
  ['{"inputs":[{"name":"data","shape":[3],"datatype":"BOOL","data":[', ']}],"parameters":{"binary_data_output":true}}'],
  ['{"inputs":[{"name":"x","shape":[3],"datatype":"FP32","data":[0],"data":[', ']}]}'],
  ['{"inputs":[{"name":"x","shape":[3],"datatype":"FP32","data":[', '],"data":[4,5,6]}]}'],
  ['{"inputs":[{"name":"x","shape":[3],"datatype":"FP32","data":[', ']}],"inputs":[]}'],
  ['{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[9]},{"name":"y","shape":[3],"datatype":"FP32","data":[', ']}]}'],
] // prettier-ignore

const lists = [
  '1,2,3', '0.1,-2e-7,3', ' 1 , 2\n,\t3 ', '0,1,0', 'true,false,true', '1,null,3', '9007199254740993,2,-9007199254740993', '1e400,2,3', '1,2',
  '1,2,3,4', '', '1,"2",3', '[1],[2],[3]', '[1,2,3]', '1,{"a":2},3', '1,2,é', 'NaN,1,2', '1,2,3],[4', '01,2,3', '-0,1.5,2', `${'['.repeat(200)}${']'.repeat(200)}`,
] // prettier-ignore

/** Longer than any form that is remembered. */
const padding = ' '.repeat(5_000)

const resultOf = (body: Buffer, jsonBytes = body.length): unknown => {
  try {
    return readOpenInference(body, jsonBytes)
  } catch (error) {
    // What JSON's parser says shows the text around the fault, the padding too.
    return error instanceof DomainError && error.code === 'json_invalid' ? error.code : error
  }
}

test('each is read as if no form had been seen', () => {
  const random = createRandom(1)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  for (let at = 0; at < 20_000; at++) {
    const [before, after] = pick(around)
    const body = Buffer.from(before + pick(random() < 0.6 ? lists.slice(0, 5) : lists) + after)
    if (random() < 0.1) body[Math.floor(random() * body.length)] = pick([0x5b, 0x5d, 0x22, 0x2c, 0x31, 0xe9, 0x20])
    expect(resultOf(body), body.toString('latin1')).toEqual(resultOf(Buffer.concat([body, Buffer.from(padding)])))
  }
})

const raw = (name: string, datatype: string, bytes: number): object => ({
  name,
  datatype,
  shape: [2],
  parameters: { binary_data_size: bytes },
})

const heads: readonly object[] = [
  { inputs: [raw('x', 'FP32', 8)] },
  { inputs: [raw('x', 'FP32', 8)], outputs: [{ name: 'label', parameters: { binary_data: true } }] },
  { inputs: [raw('x', 'FP32', 8), raw('y', 'INT64', 16)], id: 'é' },
  { inputs: [raw('x', 'FP32', 8), { name: 'y', datatype: 'INT32', shape: [2], data: [1, 2] }] },
  { inputs: [raw('x', 'FP64', 8)] },
  { inputs: [raw('x', 'BYTES', 12)], parameters: { binary_data_output: true } },
]

test('each with raw tensors is read as if its JSON had not been seen', () => {
  const random = createRandom(2)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  const texts = [Buffer.from('\u0002\0\0\0ab\u0002\0\0\0cd'), Buffer.from('\u0002\0\0\0ab\u0003\0\0\0cd')]
  for (let at = 0; at < 10_000; at++) {
    const json = Buffer.from(JSON.stringify(pick(heads)))
    if (random() < 0.1) json[Math.floor(random() * json.length)] = pick([0x5b, 0x22, 0x2c, 0x31, 0xe9, 0x20])
    const numbers = Buffer.from(Float64Array.from({ length: pick([1, 1, 1, 3, 3, 2]) }, random).buffer)
    const values = random() < 0.2 ? pick(texts) : numbers
    const padded = Buffer.concat([json, Buffer.from(padding), values])
    const found = resultOf(Buffer.concat([json, values]), json.length)
    expect(found, json.toString('latin1')).toEqual(resultOf(padded, json.length + padding.length))
  }
})
