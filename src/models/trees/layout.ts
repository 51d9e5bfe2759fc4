// Where each node of a tree lies: three levels of a branch together, the two children of a node side by side.
import { lowerBound } from '../../statistics/lower-bound.ts'
import {
  belowOf,
  formOf,
  lanes,
  leafBit,
  limitMin,
  limitOf,
  rankMax,
  rankMin,
  type Ensemble,
  type Form,
  type Lookup,
} from './ensemble.ts'

/** The lists of a node of trees, as its graph has them. */
export interface Nodes {
  readonly tree: Int32Array
  /** By the id of each tree, where it begins; its nodes are numbered as they stand. */
  readonly starts: ReadonlyMap<number, number>
  readonly feature: Int32Array
  readonly mode: readonly string[]
  readonly value: Float32Array
  readonly whenTrue: Int32Array
  readonly whenFalse: Int32Array
  /** Empty: for none. */
  readonly missingIsTrue: Int32Array
}

export interface Leaves {
  /** By node: which leaf it is, from 1 on; 0: none. */
  readonly places: Int32Array
  /** `outputs` each. */
  readonly weights: Float32Array
  readonly outputs: number
}

/** How each mode compares: the true branch is that of smaller values or of larger ones, an equal value with it or not. */
const modes: Readonly<Record<string, { readonly isTrueSmaller: boolean; readonly isEqualTrue: boolean }>> = {
  BRANCH_LEQ: { isTrueSmaller: true, isEqualTrue: true },
  BRANCH_LT: { isTrueSmaller: true, isEqualTrue: false },
  BRANCH_GTE: { isTrueSmaller: false, isEqualTrue: true },
  BRANCH_GT: { isTrueSmaller: false, isEqualTrue: false },
}

type LaidOut = Pick<Ensemble, 'form' | 'slots' | 'roots' | 'values' | 'weights' | 'lookups' | 'features'>

/** A branch as the walk knows it. */
interface Branch {
  /** Of `lookups`. */
  readonly lookup: number
  /** What is above it goes to `right`. */
  readonly threshold: number
  readonly left: number
  readonly right: number
}

interface Placed {
  readonly node: number
  readonly slot: number
  /** Below the branch that is laid out together with those beneath it. */
  readonly level: number
}

const levelsTogether = 3

/** Undefined: a way of comparing, or a size, that does not fit. */
export function layOut(nodes: Nodes, leaves: Leaves): LaidOut | undefined {
  const { starts } = nodes
  const count = nodes.tree.length
  const trees = Math.ceil(starts.size / lanes) * lanes
  const draft: Draft = {
    pairs: new Int32Array(count + trees),
    branches: new Int32Array(count + trees).fill(nobody),
    values: new Float32Array(count + trees),
    thresholds: new Float32Array(count + trees),
    tables: createTables(),
    isPlaced: new Uint8Array(count),
    free: 0,
  }
  const roots = new Int32Array(trees)
  let tree = 0
  for (const start of starts.values()) {
    roots[tree++] = draft.free
    if (!placeTree(draft, { nodes, leaves, start })) return undefined
  }
  for (; tree < trees; tree++) {
    roots[tree] = draft.free
    placeLeaf(draft, { slot: draft.free, root: draft.free }, 0)
    draft.free += 1
  }
  const lookups = draft.tables.all.map(lookupOf)
  const above = lookups.reduce((most, { thresholds }) => Math.max(most, rankMax(thresholds.length)), rankMin) + 1
  const pair = draft.pairs.reduce((most, each) => Math.max(most, each), 0)
  const form = formOf({ pair, lookups: Math.max(1, lookups.length), limit: above })
  if (!form) return undefined
  const features = lookups.reduce((most, { feature }) => Math.max(most, feature + 1), 0)
  const slots = slotsOf(draft, { form, lookups, above })
  return { form, slots, roots, values: draft.values, weights: leaves.weights, lookups, features }
}

/** `above`: a limit that no rank is above. */
function slotsOf(
  { pairs, branches, thresholds, free }: Draft,
  { form, lookups, above }: { form: Form; lookups: readonly Lookup[]; above: number },
): Int32Array {
  const { isWide, lookupShift, rankShift } = form
  const width = isWide ? 2 : 1
  const slots = new Int32Array(pairs.length * width)
  for (let slot = 0; slot < free; slot++) {
    const branch = branches[slot]!
    if (branch === nobody) continue
    const children = pairs[slot]! * 2
    // A leaf is the first or the second of the two that are its children.
    const place = branch >= 0 ? lowerBound(lookups[branch]!.thresholds, thresholds[slot]!) : 0
    const limit = branch >= 0 ? limitOf(place) : branch === firstLeaf ? above : limitMin
    const word = children | (branch >= 0 ? branch << lookupShift : leafBit)
    if (isWide) slots[2 * slot] = limit
    slots[width * slot + width - 1] = isWide ? word : word | (limit << rankShift)
  }
  return slots
}

/** What a slot is that is no branch: the second one of a root, a leaf that stands first of two, one that stands second. */
const [nobody, firstLeaf, secondLeaf] = [-1, -2, -3]

interface Draft extends Pick<Ensemble, 'values'> {
  /** By slot: where its children are, from the root of its tree. */
  readonly pairs: Int32Array
  /** By slot: the look-up of a branch. */
  readonly branches: Int32Array
  /** Of branches, by slot. */
  readonly thresholds: Float32Array
  readonly tables: Tables
  /** By node. */
  readonly isPlaced: Uint8Array
  /** The first slot that nobody has. */
  free: number
}

function placeLeaf({ pairs, branches, values }: Draft, at: { slot: number; root: number }, value: number): void {
  const place = at.slot - at.root
  pairs[at.slot] = Math.floor(place / 2)
  branches[at.slot] = place % 2 === 0 ? firstLeaf : secondLeaf
  values[at.slot] = value
}

/** False: it is no tree, or does not fit. */
function placeTree(draft: Draft, { nodes, leaves, start }: { nodes: Nodes; leaves: Leaves; start: number }): boolean {
  const { pairs, branches, thresholds, tables, isPlaced } = draft
  const root = draft.free
  // A root stands alone, where a pair would be.
  draft.free += 2
  const waiting: Placed[] = [{ node: start, slot: root, level: 0 }]
  for (let block = waiting.pop(); block; block = waiting.pop()) {
    const near: Placed[] = [{ ...block, level: 0 }]
    for (const { node, slot, level } of near) {
      if (level === levelsTogether) {
        waiting.push({ node, slot, level })
        continue
      }
      // A child of two parents, or of its own: no tree.
      if (nodes.tree[node] !== nodes.tree[start] || isPlaced[node] === 1) return false
      isPlaced[node] = 1
      if (nodes.mode[node] === 'LEAF') {
        const leaf = leaves.places[node]!
        placeLeaf(draft, { slot, root }, leaves.outputs === 1 ? leaves.weights[leaf]! : leaf)
        continue
      }
      const branch = branchOf(nodes, { node, start }, tables)
      if (!branch) return false
      thresholds[slot] = branch.threshold
      pairs[slot] = (draft.free - root) / 2
      branches[slot] = branch.lookup
      near.push({ node: branch.left, slot: draft.free, level: level + 1 })
      near.push({ node: branch.right, slot: draft.free + 1, level: level + 1 })
      draft.free += 2
    }
  }
  return true
}

interface Table {
  readonly feature: number
  readonly isMissingLeft: boolean
  readonly thresholds: number[]
}

interface Tables {
  readonly all: Table[]
  readonly of: (feature: number, isMissingLeft: boolean) => number
}

function createTables(): Tables {
  const all: Table[] = []
  const places = new Map<number, number>()
  return {
    all,
    of(feature, isMissingLeft) {
      const key = feature * 2 + (isMissingLeft ? 1 : 0)
      const known = places.get(key)
      if (known !== undefined) return known
      places.set(key, all.length)
      return all.push({ feature, isMissingLeft, thresholds: [] }) - 1
    },
  }
}

function lookupOf({ feature, isMissingLeft, thresholds }: Table): Lookup {
  const all = Float32Array.from(thresholds).toSorted()
  const rising = all.filter((value, at) => at === 0 || value !== all[at - 1])
  return { feature, thresholds: rising, missingRank: isMissingLeft ? rankMin - 1 : rankMax(rising.length) }
}

function branchOf(nodes: Nodes, { node, start }: { node: number; start: number }, tables: Tables): Branch | undefined {
  const mode = modes[nodes.mode[node]!]
  const value = nodes.value[node]!
  if (!mode || Number.isNaN(value)) return undefined
  const { isTrueSmaller, isEqualTrue } = mode
  const isMissingLeft = (nodes.missingIsTrue[node] === 1) === isTrueSmaller
  const lookup = tables.of(nodes.feature[node]!, isMissingLeft)
  const threshold = isTrueSmaller === isEqualTrue ? value : belowOf(value)
  tables.all[lookup]!.thresholds.push(threshold)
  const [whenTrue, whenFalse] = [start + nodes.whenTrue[node]!, start + nodes.whenFalse[node]!]
  return isTrueSmaller
    ? { lookup, threshold, left: whenTrue, right: whenFalse }
    : { lookup, threshold, left: whenFalse, right: whenTrue }
}
