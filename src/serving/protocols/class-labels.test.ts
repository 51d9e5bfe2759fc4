// A label is the class itself, in the datatype that its names have.
import { expect, test } from 'vitest'
import type { Signature } from '../../models/signature.ts'
import { labelDatatype, labelValues } from './class-labels.ts'
import { outputTensor, tensorsOfSignature } from './tensors.ts'

const signatureOf = (classes: readonly string[]): Signature => ({
  task: classes.length === 2 ? 'binary' : 'multiclass',
  inputs: [{ name: 'x', type: 'double', required: true }],
  classes: [...classes],
})
/** Two rows, the first of the last class, the second of the first. */
function answerOf(classes: readonly string[]) {
  const width = classes.length
  const values = new Float32Array(3 * width)
  values[width + width - 1] = 1
  values[2 * width] = 1
  return { predictions: { rows: 3, width, values }, offset: 1, rows: 2 }
}

test.each([
  [['0', '1'], 'INT64', BigInt64Array.of(1n, 0n)],
  [['-7', '9223372036854775807'], 'INT64', BigInt64Array.of(2n ** 63n - 1n, -7n)],
  [['0', '1', '9223372036854775808'], 'BYTES', ['9223372036854775808', '0']],
  [['01', '1'], 'BYTES', ['1', '01']],
  [['false', 'true'], 'BOOL', [true, false]],
  [['no', 'maybe', 'yes'], 'BYTES', ['yes', 'no']],
] as const)('classes %j are %s', (classes, datatype, expected) => {
  const signature = signatureOf(classes)
  expect(labelDatatype(signature)).toBe(datatype)
  expect(labelValues(answerOf(classes), signature)).toEqual(expected)
  expect(outputTensor(answerOf(classes), 'label', signature)).toMatchObject({ datatype, shape: [2], values: expected })
  expect(tensorsOfSignature(signature).outputs[1]).toEqual({ name: 'label', datatype, shape: [-1] })
})
