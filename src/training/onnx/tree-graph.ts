// Trees as an ONNX node, and the features they read.
import type { Ensemble, Tree } from '../boosting/tree.ts'
import type { Feature } from '../feature.ts'
import { addCalendar, addCategoryValues, addCodes } from './feature-graph.ts'
import { ML_DOMAIN, type Attribute, type Graph } from './graph.ts'

/**
 * Members of a set that ONNX Runtime tests at once: it merges a chain of BRANCH_EQ nodes on one feature into one look at a bit mask, if the values
 * are 1 to the mantissa's bits of a float. So a category column becomes several features of so many categories each, 0 where the value is in
 * another one of them.
 */
const CATEGORIES_PER_FEATURE = 23

/** Where a feature lies in the matrix that the trees read. */
interface Place {
  readonly first: number
  readonly width: number
}

/** Adds the features and the sum of trees; the result is `[N, outputs]`. */
export function addEnsemble(graph: Graph, features: readonly Feature[], ensemble: Ensemble): string {
  const read = readFeatures(features, ensemble)
  const { matrix, places } = addMatrix(graph, features, read)
  const regression = ensemble.outputs === 1
  const attributes = treeAttributes(ensemble, places)
  // One score is added in the graph: a far larger baseline would cost the sum of small leaves its last digits.
  const base = regression ? {} : { base_values: { floats: ensemble.baseline } }
  const scores = graph.node('TreeEnsembleRegressor', [matrix], {
    domain: ML_DOMAIN,
    attributes: { ...attributes, ...base },
  })
  if (!regression) return scores
  return graph.node('Add', [scores, graph.constant({ type: 'float', dims: [1, 1], values: ensemble.baseline })])
}

/** Features that some tree looks at; the first one if none does, since the node needs a matrix. */
function readFeatures(features: readonly Feature[], { trees }: Ensemble): ReadonlySet<number> {
  const read = new Set(trees.flatMap((iteration) => iteration.flatMap(({ feature }) => [...feature])))
  read.delete(-1)
  return read.size > 0 ? read : new Set(features.length > 0 ? [0] : [])
}

function addMatrix(
  graph: Graph,
  features: readonly Feature[],
  read: ReadonlySet<number>,
): { matrix: string; places: Map<number, Place> } {
  const places = new Map<number, Place>()
  const pieces: string[] = []
  let width = 0
  for (let index = 0; index < features.length; index++) {
    const feature = features[index]!
    if (!read.has(index)) continue
    if (feature.kind === 'calendar') {
      if (places.has(index)) continue
      const parts = features.flatMap((other, at) =>
        other.kind === 'calendar' && other.column === feature.column && read.has(at) ? [{ at, part: other.part }] : [],
      )
      pieces.push(
        addCalendar(
          graph,
          feature.column,
          parts.map(({ part }) => part),
        ),
      )
      for (const { at } of parts) places.set(at, { first: width++, width: 1 })
      continue
    }
    const place = {
      first: width,
      width: feature.kind === 'number' ? 1 : Math.ceil(symbolCount(feature) / CATEGORIES_PER_FEATURE),
    }
    pieces.push(feature.kind === 'number' ? feature.column : addCategory(graph, feature, place.width))
    places.set(index, place)
    width += place.width
  }
  const matrix =
    pieces.length === 1 ? pieces[0]! : graph.node('Concat', pieces, { attributes: { axis: { integer: 1 } } })
  return { matrix, places }
}

/** Codes of a category feature, the missing one included, which is the last. */
const symbolCount = (feature: Feature & { kind: 'category' }): number =>
  feature.categories.length + (feature.pooled ? 2 : 1)

function addCategory(graph: Graph, feature: Feature & { kind: 'category' }, width: number): string {
  const symbols = symbolCount(feature)
  const symbolOf = (code: number) => (code < 0 ? symbols - 1 : code)
  if (width === 1) return addCategoryValues(graph, feature, (code) => symbolOf(code) + 1)
  const table = new Float32Array(symbols * width)
  for (let symbol = 0; symbol < symbols; symbol++) {
    table[symbol * width + Math.floor(symbol / CATEGORIES_PER_FEATURE)] = (symbol % CATEGORIES_PER_FEATURE) + 1
  }
  const constant = graph.constant({ type: 'float', dims: [symbols, width], values: table })
  const rows = graph.node('Gather', [constant, addCodes(graph, feature, symbolOf)], {
    attributes: { axis: { integer: 0 } },
  })
  return graph.node('Flatten', [rows], { attributes: { axis: { integer: 1 } } })
}

interface NodeTable {
  readonly tree: number[]
  readonly id: number[]
  readonly feature: number[]
  readonly mode: string[]
  readonly value: number[]
  readonly whenTrue: number[]
  readonly whenFalse: number[]
  readonly missingIsTrue: number[]
}

interface LeafTable {
  readonly tree: number[]
  readonly node: number[]
  readonly output: number[]
  readonly weight: number[]
}

function treeAttributes({ outputs, trees }: Ensemble, places: ReadonlyMap<number, Place>): Record<string, Attribute> {
  const nodes: NodeTable = {
    tree: [],
    id: [],
    feature: [],
    mode: [],
    value: [],
    whenTrue: [],
    whenFalse: [],
    missingIsTrue: [],
  }
  const leaves: LeafTable = { tree: [], node: [], output: [], weight: [] }
  // A model without a tree still needs one: a leaf that adds nothing.
  const all = trees.length > 0 ? trees.flat() : [emptyTree]
  all.forEach((tree, index) => {
    addTree(nodes, leaves, { tree, index, output: index % outputs, places })
  })
  return {
    n_targets: { integer: outputs },
    nodes_treeids: { integers: nodes.tree },
    nodes_nodeids: { integers: nodes.id },
    nodes_featureids: { integers: nodes.feature },
    nodes_modes: { texts: nodes.mode },
    nodes_values: { floats: nodes.value },
    nodes_truenodeids: { integers: nodes.whenTrue },
    nodes_falsenodeids: { integers: nodes.whenFalse },
    nodes_missing_value_tracks_true: { integers: nodes.missingIsTrue },
    target_treeids: { integers: leaves.tree },
    target_nodeids: { integers: leaves.node },
    target_ids: { integers: leaves.output },
    target_weights: { floats: leaves.weight },
    aggregate_function: { text: 'SUM' },
    post_transform: { text: 'NONE' },
  }
}

const emptyTree: Tree = {
  feature: Int32Array.of(-1),
  threshold: new Float32Array(1),
  missingLeft: new Uint8Array(1),
  goesLeft: [undefined],
  left: new Int32Array(1),
  right: new Int32Array(1),
  value: new Float64Array(1),
  gain: new Float64Array(1),
}

interface TreeInput {
  readonly tree: Tree
  readonly index: number
  readonly output: number
  readonly places: ReadonlyMap<number, Place>
}

function addTree(nodes: NodeTable, leaves: LeafTable, { tree, index, output, places }: TreeInput): void {
  // Nodes keep their ids; the further nodes of a set's chain come after them.
  let fresh = tree.feature.length
  const add = (
    id: number,
    mode: string,
    branch: { feature?: number; value?: number; whenTrue?: number; whenFalse?: number; missing?: number },
  ) => {
    nodes.tree.push(index)
    nodes.id.push(id)
    nodes.mode.push(mode)
    nodes.feature.push(branch.feature ?? 0)
    nodes.value.push(branch.value ?? 0)
    nodes.whenTrue.push(branch.whenTrue ?? 0)
    nodes.whenFalse.push(branch.whenFalse ?? 0)
    nodes.missingIsTrue.push(branch.missing ?? 0)
  }
  for (let node = 0; node < tree.feature.length; node++) {
    const place = places.get(tree.feature[node]!)
    const [left, right] = [tree.left[node]!, tree.right[node]!]
    const goesLeft = tree.goesLeft[node]
    if (!place || tree.feature[node]! < 0) {
      add(node, 'LEAF', {})
      leaves.tree.push(index)
      leaves.node.push(node)
      leaves.output.push(output)
      leaves.weight.push(tree.value[node]!)
    } else if (!goesLeft) {
      const branch = { feature: place.first, value: tree.threshold[node]!, whenTrue: left, whenFalse: right }
      add(node, 'BRANCH_LEQ', { ...branch, missing: tree.missingLeft[node]! })
    } else {
      const { members, areLeft } = shorterSide(goesLeft)
      const [whenTrue, otherwise] = areLeft ? [left, right] : [right, left]
      members.forEach((symbol, position) => {
        const id = position === 0 ? node : fresh++
        const branch = {
          feature: place.first + Math.floor(symbol / CATEGORIES_PER_FEATURE),
          value: (symbol % CATEGORIES_PER_FEATURE) + 1,
        }
        add(id, 'BRANCH_EQ', { ...branch, whenTrue, whenFalse: position === members.length - 1 ? otherwise : fresh })
      })
    }
  }
}

/** The set that goes left or the one that goes right: the one that touches fewer features, then the smaller one. */
function shorterSide(goesLeft: Uint8Array): { members: number[]; areLeft: boolean } {
  const symbols = Array.from(goesLeft.keys())
  const left = symbols.filter((symbol) => goesLeft[symbol] === 1)
  const right = symbols.filter((symbol) => goesLeft[symbol] !== 1)
  const cost = (members: number[]) =>
    new Set(members.map((symbol) => Math.floor(symbol / CATEGORIES_PER_FEATURE))).size * symbols.length + members.length
  return cost(left) <= cost(right) ? { members: left, areLeft: true } : { members: right, areLeft: false }
}
