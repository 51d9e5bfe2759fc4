// Graphs that end in a linear layer and whatever a test puts behind it, and what they answer once they are adapted.
import { createBatch } from './batch.ts'
import { adaptGraph, type GraphWish } from './graph-adaptation.ts'
import { loadModel } from './inference.ts'
import type { Message } from './onnx/message.ts'
import { appendRow } from './rows.ts'
import { floatTensor, integerAttribute, node, valueInfo, type GraphText } from './testing.ts'

/** Tensor element types by their number in the format. */
export const [float, int64, text, double] = [1, 7, 8, 11] as const

/** `X` [N,2] through weights to `width` numbers named `raw`. */
export const linear = (
  width: number,
  { rows = 'N' as string | number, element = float as number } = {},
): GraphText => ({
  inputs: [valueInfo('X', element, [rows, 2])],
  outputs: [],
  initializers: [
    floatTensor(
      'W',
      [2, width],
      Array.from({ length: 2 * width }, (_, at) => (at % 3) - 1),
    ),
  ],
  nodes: [node({ operator: 'MatMul', inputs: ['X', 'W'], outputs: ['raw'] })],
})

export const softmax = (output: string): Message =>
  node({ operator: 'Softmax', inputs: ['raw'], outputs: [output], attributes: [integerAttribute('axis', 1)] })

export const columns = (...names: string[]): GraphWish => ({
  inputs: names.map((name) => ({ name, types: ['double', 'float'], required: true })),
})

/** What the adapted graph answers for rows of its columns in their order; null is a missing value. */
export async function answers(
  file: Uint8Array,
  wish: GraphWish,
  rows: readonly (readonly (number | null)[])[],
): Promise<number[]> {
  const { bytes, signature } = adaptGraph(file, wish)
  const model = await loadModel(bytes, { signature })
  const batch = createBatch(signature)
  for (const row of rows) {
    appendRow(batch, Object.fromEntries(signature.inputs.map(({ name }, at) => [name, row[at]])))
  }
  const { values } = await model.run(batch)
  await model.release()
  return [...values]
}

export function softmaxOf(raw: readonly number[]): number[] {
  const powers = raw.map(Math.exp)
  const sum = powers.reduce((total, power) => total + power)
  return powers.map((power) => power / sum)
}
