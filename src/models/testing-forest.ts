// For tests: a forest that is walked in the worker.
import type { Generator } from '../statistics/random.ts'
import { Signature } from './signature.ts'
import { valueInfo } from './testing.ts'
import { treesModel, treesNode } from './trees/testing.ts'

const float = 1

/** A regression of enough trees that they are walked here. */
export function forestModel(
  names: readonly string[],
  generator: Generator,
): { readonly bytes: Uint8Array; readonly signature: Signature } {
  const trees = treesNode(
    {
      operator: 'TreeEnsembleRegressor',
      trees: 60,
      depth: 6,
      features: names.length,
      outputs: 1,
      modes: ['BRANCH_LEQ'],
      ids: [0],
      weight: () => generator.normal(),
    },
    generator,
  )
  const bytes = treesModel(trees, {
    features: names.length,
    output: 'said',
    nodes: [{ ...trees, 2: ['prediction'] }],
    outputs: [valueInfo('prediction', float, ['N', 1])],
  })
  const signature = Signature.parse({
    task: 'regression',
    inputs: names.map((name) => ({ name, type: 'float' })),
    classes: [],
    tensors: [{ name: 'X', elementType: 'float32', columns: names }],
  })
  return { bytes, signature }
}
