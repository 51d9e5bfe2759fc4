// For slow tests: a model that policy and validation let pass, and that is as good as hung for some of its inputs.
import type { Signature } from '../../models/signature.ts'
import {
  floatTensor,
  integerAttribute,
  longTensor,
  modelFile,
  node,
  regressionModel,
  valueInfo,
  type Message,
} from '../../models/testing.ts'

const float = 1
const int64 = 7
const products = 40

/** `x` + something tiny, by way of products of matrices of x rows and columns: microseconds for 1, minutes for 4,000. */
export function slowModel(): { bytes: Uint8Array; signature: Signature } {
  const fill: Message = { 1: 'value', 5: floatTensor('fill', [1], [1e-9]), 20: 4 }
  const product = (_: unknown, at: number): Message =>
    node({
      operator: 'MatMul',
      inputs: [at === 0 ? 'matrix' : `product${at - 1}`, 'matrix'],
      outputs: [`product${at}`],
    })
  const bytes = modelFile({
    inputs: [valueInfo('x', float, ['N', 1])],
    outputs: [valueInfo('prediction', float, ['N', 1])],
    initializers: [longTensor('one', [1], [1])],
    nodes: [
      node({ operator: 'ReduceMax', inputs: ['x'], outputs: ['most'], attributes: [integerAttribute('keepdims', 0)] }),
      node({ operator: 'Cast', inputs: ['most'], outputs: ['size'], attributes: [integerAttribute('to', int64)] }),
      node({ operator: 'Reshape', inputs: ['size', 'one'], outputs: ['side'] }),
      node({
        operator: 'Concat',
        inputs: ['side', 'side'],
        outputs: ['shape'],
        attributes: [integerAttribute('axis', 0)],
      }),
      node({ operator: 'ConstantOfShape', inputs: ['shape'], outputs: ['matrix'], attributes: [fill] }),
      ...Array.from({ length: products }, product),
      node({
        operator: 'ReduceMean',
        inputs: [`product${products - 1}`],
        outputs: ['mean'],
        attributes: [integerAttribute('keepdims', 0)],
      }),
      node({ operator: 'Add', inputs: ['x', 'mean'], outputs: ['prediction'] }),
    ],
  })
  return { bytes, signature: regressionModel().signature }
}
