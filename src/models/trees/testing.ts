// For tests: graphs with random trees.
import type { Generator } from '../../statistics/random.ts'
import {
  floatsAttribute,
  modelFile,
  node,
  textAttribute,
  textsAttribute,
  valueInfo,
  wholesAttribute,
  type GraphText,
  type Message,
} from '../testing.ts'

const float = 1

export interface TreesText {
  readonly operator: 'TreeEnsembleClassifier' | 'TreeEnsembleRegressor'
  readonly trees: number
  readonly depth: number
  readonly features: number
  /** Classes, or targets. */
  readonly outputs: number
  /** One of them is drawn for each branch. */
  readonly modes: readonly string[]
  /** Ids of the classes or targets that a leaf has weights for. */
  readonly ids: readonly number[]
  /** The same for one leaf, by its node's id; `ids` by default. */
  readonly idsOf?: (leaf: number) => readonly number[]
  /** Of a leaf in the list of thresholds. */
  readonly leafValue?: number
  readonly weight: () => number
  readonly base?: readonly number[]
  readonly transform?: string
  readonly aggregate?: string
  /** Share of branches that a missing value leaves by the true side. */
  readonly missing?: number
}

interface Lists {
  readonly tree: number[]
  readonly id: number[]
  readonly feature: number[]
  readonly mode: string[]
  readonly value: number[]
  readonly whenTrue: number[]
  readonly whenFalse: number[]
  readonly missing: number[]
  readonly leafTree: number[]
  readonly leafNode: number[]
  readonly leafId: number[]
  readonly weight: number[]
}

/** A node from `X` [N,features] to `said` [N,outputs]; its thresholds are few, so that rows meet them. */
export function treesNode(text: TreesText, generator: Generator): Message {
  const lists: Lists = {
    tree: [],
    id: [],
    feature: [],
    mode: [],
    value: [],
    whenTrue: [],
    whenFalse: [],
    missing: [],
    leafTree: [],
    leafNode: [],
    leafId: [],
    weight: [],
  }
  for (let tree = 0; tree < text.trees; tree++) addTree(lists, text, tree, generator)
  const isClassifier = text.operator === 'TreeEnsembleClassifier'
  const what = isClassifier ? 'class' : 'target'
  const attributes = [
    wholesAttribute('nodes_treeids', lists.tree),
    wholesAttribute('nodes_nodeids', lists.id),
    wholesAttribute('nodes_featureids', lists.feature),
    textsAttribute('nodes_modes', lists.mode),
    floatsAttribute('nodes_values', lists.value),
    wholesAttribute('nodes_truenodeids', lists.whenTrue),
    wholesAttribute('nodes_falsenodeids', lists.whenFalse),
    wholesAttribute('nodes_missing_value_tracks_true', lists.missing),
    wholesAttribute(`${what}_treeids`, lists.leafTree),
    wholesAttribute(`${what}_nodeids`, lists.leafNode),
    wholesAttribute(`${what}_ids`, lists.leafId),
    floatsAttribute(`${what}_weights`, lists.weight),
    textAttribute('post_transform', text.transform ?? 'NONE'),
    ...(text.base ? [floatsAttribute('base_values', text.base)] : []),
    ...(text.aggregate ? [textAttribute('aggregate_function', text.aggregate)] : []),
    isClassifier
      ? wholesAttribute(
          'classlabels_int64s',
          Array.from({ length: text.outputs }, (_, index) => index),
        )
      : { 1: 'n_targets', 3: text.outputs, 20: 2 },
  ]
  const outputs = isClassifier ? ['label', 'said'] : ['said']
  return node({ operator: text.operator, inputs: ['X'], outputs, domain: 'ai.onnx.ml', attributes })
}

// oxlint-disable-next-line max-params -- a step of `treesNode`
function addTree(lists: Lists, text: TreesText, tree: number, generator: Generator): void {
  const first = lists.id.length
  const add = (level: number): number => {
    const id = lists.id.length - first
    const at = lists.id.length
    const isLeaf = level === text.depth || (level > 1 && generator.uniform() < 0.2)
    lists.tree.push(tree)
    lists.id.push(id)
    lists.feature.push(isLeaf ? 0 : generator.integer(text.features))
    lists.mode.push(isLeaf ? 'LEAF' : text.modes[generator.integer(text.modes.length)]!)
    lists.value.push(isLeaf ? (text.leafValue ?? 0) : generator.integer(9) / 4 - 1)
    lists.missing.push(!isLeaf && generator.uniform() < (text.missing ?? 0) ? 1 : 0)
    lists.whenTrue.push(0)
    lists.whenFalse.push(0)
    if (isLeaf) {
      for (const leafId of text.idsOf?.(id) ?? text.ids) {
        lists.leafTree.push(tree)
        lists.leafNode.push(id)
        lists.leafId.push(leafId)
        lists.weight.push(text.weight())
      }
      return id
    }
    lists.whenTrue[at] = add(level + 1)
    lists.whenFalse[at] = add(level + 1)
    return id
  }
  add(0)
}

/** A model of one such node, or of what else is given, whose answer is `output`. */
export function treesModel(
  trees: Message,
  { features, output, ...text }: { features: number; output: string } & Partial<GraphText>,
): Uint8Array {
  return modelFile({
    nodes: [trees],
    inputs: [valueInfo('X', float, ['N', features])],
    outputs: [valueInfo(output, float, ['N', 'C'])],
    ...text,
  })
}
