// Rows of files and of options, and the tensors that they become.
import { expect, test } from 'vitest'
import { wholeNumber } from './arguments.ts'
import { predictionsOf, renderPredictions, tensors } from './predict.ts'
import { readRows, rowsOfCsv, rowsOfLines, rowsOfText } from './rows.ts'

test('rows are read from a list, from one object, from lines and from CSV alike', () => {
  const rows = [
    { a: 1, b: 'x' },
    { a: 2, b: 'y' },
  ]
  expect(rowsOfText(JSON.stringify(rows))).toEqual(rows)
  expect(rowsOfText(JSON.stringify(rows[0]))).toEqual([rows[0]])
  expect(rowsOfText(rows.map((row) => JSON.stringify(row)).join('\n'))).toEqual(rows)
  expect(rowsOfText('a,b\n1,x\n2,y\n')).toEqual([
    { a: '1', b: 'x' },
    { a: '2', b: 'y' },
  ])
})

test('CSV may have quotes with commas and line ends in them; an empty field is missing', () => {
  expect(rowsOfCsv('a,b\r\n"x, ""y""\nz",\r\n')).toEqual([{ a: 'x, "y"\nz', b: null }])
})

test.each([
  ['a,b\n1,2\n3\n', 'line 3 has 1 fields, and the header has 2'],
  ['a,b\n1,"2\n', 'line 2: a quote is not closed'],
  ['', 'there is nothing in it'],
  ['[1]', 'row 1 is no object'],
  ['[{"a":1}', 'it is no JSON'],
])('%j is refused with the reason', (text, reason) => {
  expect(() => rowsOfText(text)).toThrow(reason)
})

test('a line that is no JSON is named', () => {
  expect(() => rowsOfLines('{"a":1}\n{"a":')).toThrow('line 2 is no JSON')
})

test('a file that is not there is named', async () => {
  await expect(readRows('/tmp/no-such-file.csv')).rejects.toMatchObject({ code: 'file_not_found', kind: 'not_found' })
})

test('a column becomes a tensor of the datatype that the model names, and an unknown one goes along', () => {
  const inputs = [
    { name: 'amount', datatype: 'FP32' },
    { name: 'country', datatype: 'BYTES' },
    { name: 'known', datatype: 'BOOL' },
  ]
  const rows = [
    { amount: '1.5', country: '7', known: 'true', extra: 1 },
    { amount: null, country: 'us', known: 'x' },
  ]
  expect(tensors(rows, { inputs })).toEqual([
    { name: 'amount', datatype: 'FP32', shape: [2], data: [1.5, null] },
    { name: 'country', datatype: 'BYTES', shape: [2], data: ['7', 'us'] },
    { name: 'known', datatype: 'BOOL', shape: [2], data: [true, 'x'] },
    { name: 'extra', datatype: 'FP64', shape: [2], data: [1, null] },
  ])
})

test('each row of an answer has its own prediction id and its probabilities by class', () => {
  const answer = {
    parameters: { prediction_id: 'prd_1', version: 'churn/2' },
    outputs: [
      { name: 'probabilities', shape: [2, 2], data: [0.75, 0.25, 0.125, 0.875] },
      { name: 'label', shape: [2], data: [false, true] },
    ],
  }
  const predictions = predictionsOf(answer, 2, ['false', 'true'])
  expect(predictions).toEqual([
    { predictionId: 'prd_1.0', version: 'churn/2', probabilities: { false: 0.75, true: 0.25 }, prediction: 'false' },
    { predictionId: 'prd_1.1', version: 'churn/2', probabilities: { false: 0.125, true: 0.875 }, prediction: 'true' },
  ])
  expect(renderPredictions(predictions).split('\n')[1]).toBe('prd_1.0        churn/2  false           0.75     0.25')
  const number = { ...answer, outputs: [{ name: 'prediction', shape: [1, 1], data: [3.25] }] }
  expect(predictionsOf(number, 1, [])).toEqual([
    { predictionId: 'prd_1', version: 'churn/2', probabilities: null, prediction: 3.25 },
  ])
})

test.each([
  [['0', '1'], 1, '1'],
  [['7', '9007199254740993'], Number('9007199254740993'), '9007199254740993'],
  [['no', 'yes'], 'yes', 'yes'],
])('of the classes %j the label %j is the class %j', (classes, label, expected) => {
  const outputs = [
    { name: 'probabilities', shape: [1, 2], data: [0.25, 0.75] },
    { name: 'label', shape: [1], data: [label] },
  ]
  const answer = { parameters: { prediction_id: 'prd_1', version: 'churn/2' }, outputs }
  expect(predictionsOf(answer, 1, classes)[0]!.prediction).toBe(expected)
})

test('an option that takes a whole number says which', () => {
  expect(wholeNumber('5', '--limit', { min: 1, max: 10 })).toBe(5)
  for (const text of ['0', '11', '1.5', 'x', '']) {
    expect(() => wholeNumber(text, '--limit', { min: 1, max: 10 })).toThrow('it takes a whole number from 1 to 10')
  }
})
