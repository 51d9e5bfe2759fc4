// Extending an exported graph: the answer changes as the new nodes say, all else stays, and what is no such graph is refused.
import * as ort from 'onnxruntime-node'
import { beforeAll, expect, test } from 'vitest'
import { extendGraph, type GraphExtension } from './graph-extension.ts'
import { runtimeFeeds, syntheticFrame } from './testing.ts'
import { LogisticRegressionSpec } from './trainer-spec.ts'
import { train } from './trainer.ts'

const frame = syntheticFrame({ rows: 300, seed: 1, objective: 'binary' })
let onnx: Uint8Array

beforeAll(async () => {
  const spec = LogisticRegressionSpec.parse({ trainer: 'logistic_regression' })
  onnx = (await train({ spec, frame, seed: 1, threads: 1 })).onnx
})

/** Half of what it was. */
const halved: GraphExtension = {
  output: 'probabilities',
  prefix: 'more:',
  extend: (graph, original) => {
    const half = graph.constant({ type: 'float', dims: [1, 1], values: [0.5] })
    graph.node('Mul', [original, half], { output: 'probabilities' })
  },
}

async function answersOf(bytes: Uint8Array): Promise<{ probabilities: Float32Array; label: BigInt64Array }> {
  const session = await ort.InferenceSession.create(bytes)
  const { probabilities, label } = await session.run(runtimeFeeds(frame))
  await session.release()
  return { probabilities: probabilities!.data as Float32Array, label: label!.data as BigInt64Array }
}

test('the output passes through the new nodes; what else was made from it is as before', async () => {
  const before = await answersOf(onnx)
  const after = await answersOf(extendGraph(onnx, halved))
  expect(after.probabilities).toEqual(before.probabilities.map((value) => value / 2))
  expect(after.label).toEqual(before.label)
})

test('a graph is extended the same way each time, and more than once under another prefix', async () => {
  const once = extendGraph(onnx, halved)
  expect(extendGraph(onnx, halved)).toEqual(once)
  const twice = await answersOf(extendGraph(once, { ...halved, prefix: 'again:' }))
  expect(twice.probabilities).toEqual((await answersOf(onnx)).probabilities.map((value) => value / 4))
})

test('an output that is not there, and bytes that are no graph, are refused', () => {
  expect(() => extendGraph(onnx, { ...halved, output: 'prediction' })).toThrow('0 nodes of the graph make the output')
  expect(() => extendGraph(onnx.subarray(0, onnx.length - 1), halved)).toThrow('fits at byte')
  expect(() => extendGraph(new Uint8Array(0), halved)).toThrow('the file holds 0 graphs')
})
