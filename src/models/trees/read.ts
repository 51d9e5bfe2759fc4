// Reads the trees of a graph's node.
import { attributesOf, floatsOf, oneTextOf, oneWholeOf, textsOf, wholesOf } from '../onnx/attributes.ts'
import type { GraphNode } from '../onnx/reader.ts'
import { readTransform } from '../post-transform.ts'
import type { Ensemble } from './ensemble.ts'
import { layOut, type Leaves, type Nodes } from './layout.ts'

type Attributes = ReadonlyMap<string, Uint8Array>

/** Lists of a node's attributes; an absent one is empty. */
const listsOf = (attributes: Attributes) => {
  const none = new Uint8Array(0)
  return {
    floats: (name: string) => floatsOf(attributes.get(name) ?? none),
    wholes: (name: string) => wholesOf(attributes.get(name) ?? none),
    texts: (name: string) => textsOf(attributes.get(name) ?? none),
  }
}

/** Attributes that would make it something else than what is read here. */
const strange = /_as_tensor$/v

/**
 * What of ONNX's `TreeEnsembleClassifier` and `TreeEnsembleRegressor` (ai.onnx.ml 1 to 3) is common: sums of numbers, compared by size.
 * Undefined: the node is another one, or has something of the rest.
 * @throws MalformedProtobuf
 */
export function readEnsemble(node: GraphNode): Ensemble | undefined {
  const isClassifier = node.operator === 'TreeEnsembleClassifier'
  if (!isClassifier && node.operator !== 'TreeEnsembleRegressor') return undefined
  const attributes = attributesOf(node)
  if ([...attributes.keys()].some((name) => strange.test(name))) return undefined
  const lists = listsOf(attributes)
  const read: Omit<Nodes, 'starts'> = {
    tree: lists.wholes('nodes_treeids'),
    feature: lists.wholes('nodes_featureids'),
    mode: lists.texts('nodes_modes'),
    value: lists.floats('nodes_values'),
    whenTrue: lists.wholes('nodes_truenodeids'),
    whenFalse: lists.wholes('nodes_falsenodeids'),
    missingIsTrue: lists.wholes('nodes_missing_value_tracks_true'),
  }
  const starts = startsOf(read, lists.wholes('nodes_nodeids'))
  const answer = answerOf(attributes, isClassifier)
  if (!starts || !answer) return undefined
  const nodes: Nodes = { ...read, starts }
  const what = isClassifier ? 'class' : 'target'
  const leaves = leavesOf(nodes, answer, {
    tree: lists.wholes(`${what}_treeids`),
    node: lists.wholes(`${what}_nodeids`),
    output: lists.wholes(`${what}_ids`),
    weight: lists.floats(`${what}_weights`),
  })
  const laidOut = leaves && layOut(nodes, leaves)
  if (!laidOut) return undefined
  const { outputs, base, transform, second, isAverage } = answer
  const divisor = isAverage ? starts.size : 1
  return { ...laidOut, outputs, base, transform, second, divisor, nodes: nodes.tree.length, trees: starts.size }
}

/** Where each tree begins, by its id; undefined: its nodes are not numbered as they stand. */
function startsOf(nodes: Omit<Nodes, 'starts'>, ids: Int32Array): Map<number, number> | undefined {
  const count = nodes.tree.length
  const { feature, mode, value, whenTrue, whenFalse, missingIsTrue } = nodes
  for (const list of [feature, mode, value, whenTrue, whenFalse, ids]) if (list.length !== count) return undefined
  if (missingIsTrue.length !== count && missingIsTrue.length !== 0) return undefined
  const starts = new Map<number, number>()
  for (let at = 0; at < count; at++) {
    if (at === 0 || nodes.tree[at] !== nodes.tree[at - 1]) {
      if (starts.has(nodes.tree[at]!)) return undefined
      starts.set(nodes.tree[at]!, at)
    }
    if (ids[at] !== at - starts.get(nodes.tree[at]!)!) return undefined
  }
  return count > 0 ? starts : undefined
}

interface Answer extends Pick<Ensemble, 'outputs' | 'base' | 'transform' | 'second'> {
  readonly isAverage: boolean
  /** Two classes with a sum each. */
  readonly isBoth: boolean
}

function answerOf(attributes: Attributes, isClassifier: boolean): Answer | undefined {
  const lists = listsOf(attributes)
  const text = (name: string) => oneTextOf(attributes.get(name) ?? new Uint8Array(0))
  const transform = readTransform(text('post_transform'))
  const aggregate = text('aggregate_function') ?? 'SUM'
  if (!transform) return undefined
  if (aggregate !== 'SUM' && aggregate !== 'AVERAGE') return undefined
  const base = [...lists.floats('base_values')]
  if (!isClassifier) {
    const outputs = oneWholeOf(attributes.get('n_targets') ?? new Uint8Array(0)) ?? 1
    if (outputs < 1 || transform !== 'NONE' || (base.length > 0 && base.length !== outputs)) return undefined
    return { outputs, base, transform, second: undefined, isAverage: aggregate === 'AVERAGE', isBoth: false }
  }
  const classes = Math.max(lists.wholes('classlabels_int64s').length, lists.texts('classlabels_strings').length)
  const ids = lists.wholes('class_ids')
  if (classes !== 2 || ids.some((id) => id !== 0)) {
    // Two classes with weights for the second alone, or with sums to begin with, are computed in ways of their own.
    const isPlain = classes > 2 ? base.length === 0 || base.length === classes : base.length === 0
    if (!isPlain || classes < 2) return undefined
    return { outputs: classes, base, transform, second: undefined, isAverage: false, isBoth: classes === 2 }
  }
  if (base.length > 1 || transform === 'SOFTMAX') return undefined
  const isPositive = lists.floats('class_weights').every((weight) => weight >= 0)
  // ONNX Runtime: all weights positive are probabilities, whatever the transform; else they are margins.
  if (isPositive && transform !== 'NONE') return undefined
  return {
    outputs: 1,
    base,
    transform,
    second: isPositive ? 'complement' : 'negative',
    isAverage: false,
    isBoth: false,
  }
}

interface LeafEntries {
  readonly tree: Int32Array
  readonly node: Int32Array
  readonly output: Int32Array
  readonly weight: Float32Array
}

/** The places are numbers of float32 in the end. */
const placesMax = 2 ** 24
const weightsMax = 2 ** 26

/**
 * Undefined as well where ONNX Runtime has ways of its own: a leaf with two weights for one output, with none but a number, or with one for only
 * one of two classes.
 */
function leavesOf(nodesRead: Nodes, { outputs, isBoth }: Answer, entries: LeafEntries): Leaves | undefined {
  const { tree: trees, starts, mode, value } = nodesRead
  const { tree, node, output, weight } = entries
  const nodes = trees.length
  const places = new Int32Array(nodes)
  const found = new Uint16Array(nodes)
  let count = 0
  for (let entry = 0; entry < weight.length; entry++) {
    const at = starts.get(tree[entry]!)! + node[entry]!
    if (!(at < nodes) || !(output[entry]! < outputs)) return undefined
    if (places[at] === 0) places[at] = ++count
    found[at]! += 1
  }
  for (let at = 0; at < nodes; at++) {
    if (mode[at] !== 'LEAF') continue
    if (found[at] === 0 ? value[at] !== 0 : isBoth && found[at] !== 2) return undefined
  }
  if (count >= placesMax || (count + 1) * outputs > weightsMax) return undefined
  const weights = new Float32Array((count + 1) * outputs)
  const isGiven = new Uint8Array(weights.length)
  for (let entry = 0; entry < weight.length; entry++) {
    const at = starts.get(tree[entry]!)! + node[entry]!
    const place = places[at]! * outputs + output[entry]!
    if (isGiven[place] === 1) return undefined
    isGiven[place] = 1
    weights[place] = weight[entry]!
  }
  return { places, weights, outputs }
}
