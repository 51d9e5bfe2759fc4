// Walks rows down the trees of an ensemble: the numbers of `TreeEnsembleClassifier` and `TreeEnsembleRegressor`, summed in double precision.
import { lowerBound } from '../../statistics/lower-bound.ts'
import { logistic, transformRows } from '../post-transform.ts'
import { lanes, leafBit, rankMin, type Ensemble } from './ensemble.ts'
import { addUpWide } from './walk-wide.ts'

export interface Rows {
  /** Row after row, `width` values each; what lies beyond the rows is not looked at. */
  readonly values: Float32Array
  readonly width: number
  readonly rows: number
}

/** Numbers a row of the answer. */
export const widthOf = ({ outputs, second }: Ensemble): number => (second ? 2 : outputs)

/** Rows whose ranks are in memory at a time. */
const rowsTogether = 256

/** `widthOf` numbers a row, row after row. A row has at least `features` values. */
export function walk(ensemble: Ensemble, { values, width, rows }: Rows): Float32Array {
  const { outputs, lookups } = ensemble
  const sums = new Float64Array(rows * outputs)
  const ranks = new Int32Array(Math.min(rows, rowsTogether) * lookups.length)
  for (let from = 0; from < rows; from += rowsTogether) {
    const to = Math.min(rows, from + rowsTogether)
    rank(ensemble, { values: values.subarray(from * width, to * width), width, rows: to - from }, ranks)
    const add = ensemble.form.isWide ? addUpWide : addUp
    add(ensemble, ranks, sums.subarray(from * outputs, to * outputs))
  }
  return answerOf(ensemble, sums)
}

/** Row after row, a rank for each look-up, shifted as the limits are. */
function rank({ lookups, form: { rankShift } }: Ensemble, { values, width, rows }: Rows, ranks: Int32Array): void {
  const count = lookups.length
  for (let row = 0; row < rows; row++) {
    for (let index = 0; index < count; index++) {
      const { feature, thresholds, missingRank } = lookups[index]!
      const value = values[row * width + feature]!
      const found = Number.isNaN(value) ? missingRank : lowerBound(thresholds, value) + rankMin
      ranks[row * count + index] = found << rankShift
    }
  }
}

/**
 * Eight trees in step: the processor waits for the memory of all at once, and no branch depends on a comparison, which it would guess wrong half of
 * the time. Tree after tree, so that a tree's nodes are in its cache for all rows but the first.
 */
// oxlint-disable-next-line max-statements -- eight times the same, in variables of their own: in arrays they would be in memory
function addUp(
  { form, slots, roots, values, weights, lookups, outputs }: Ensemble,
  ranks: Int32Array,
  sums: Float64Array,
): void {
  const { pairMask, lookupShift, lookupMask } = form
  const rows = sums.length / outputs
  const addLeaf = (slot: number, row: number): void => {
    const leaf = values[slot]! * outputs
    const start = row * outputs
    for (let output = 0; output < outputs; output++) sums[start + output]! += weights[leaf + output]!
  }
  for (let tree = 0; tree < roots.length; tree += lanes) {
    const rootA = roots[tree + 0]! | 0
    const rootB = roots[tree + 1]! | 0
    const rootC = roots[tree + 2]! | 0
    const rootD = roots[tree + 3]! | 0
    const rootE = roots[tree + 4]! | 0
    const rootF = roots[tree + 5]! | 0
    const rootG = roots[tree + 6]! | 0
    const rootH = roots[tree + 7]! | 0
    for (let row = 0, base = 0; row < rows; row++, base = (base + lookups.length) | 0) {
      let a = rootA
      let b = rootB
      let c = rootC
      let d = rootD
      let e = rootE
      let f = rootF
      let g = rootG
      let h = rootH
      let wordA = slots[a]! | 0
      let wordB = slots[b]! | 0
      let wordC = slots[c]! | 0
      let wordD = slots[d]! | 0
      let wordE = slots[e]! | 0
      let wordF = slots[f]! | 0
      let wordG = slots[g]! | 0
      let wordH = slots[h]! | 0
      while ((wordA & wordB & wordC & wordD & wordE & wordF & wordG & wordH & leafBit) === 0) {
        // A rank above the limit makes the difference negative, whatever the bits below: its sign is the step to the second child.
        a = (rootA + (wordA & pairMask) + ((wordA - ranks[base + ((wordA >>> lookupShift) & lookupMask)]!) >>> 31)) | 0
        b = (rootB + (wordB & pairMask) + ((wordB - ranks[base + ((wordB >>> lookupShift) & lookupMask)]!) >>> 31)) | 0
        c = (rootC + (wordC & pairMask) + ((wordC - ranks[base + ((wordC >>> lookupShift) & lookupMask)]!) >>> 31)) | 0
        d = (rootD + (wordD & pairMask) + ((wordD - ranks[base + ((wordD >>> lookupShift) & lookupMask)]!) >>> 31)) | 0
        e = (rootE + (wordE & pairMask) + ((wordE - ranks[base + ((wordE >>> lookupShift) & lookupMask)]!) >>> 31)) | 0
        f = (rootF + (wordF & pairMask) + ((wordF - ranks[base + ((wordF >>> lookupShift) & lookupMask)]!) >>> 31)) | 0
        g = (rootG + (wordG & pairMask) + ((wordG - ranks[base + ((wordG >>> lookupShift) & lookupMask)]!) >>> 31)) | 0
        h = (rootH + (wordH & pairMask) + ((wordH - ranks[base + ((wordH >>> lookupShift) & lookupMask)]!) >>> 31)) | 0
        wordA = slots[a]! | 0
        wordB = slots[b]! | 0
        wordC = slots[c]! | 0
        wordD = slots[d]! | 0
        wordE = slots[e]! | 0
        wordF = slots[f]! | 0
        wordG = slots[g]! | 0
        wordH = slots[h]! | 0
      }
      if (outputs === 1)
        sums[row]! +=
          values[a]! + values[b]! + values[c]! + values[d]! + values[e]! + values[f]! + values[g]! + values[h]!
      else for (const slot of [a, b, c, d, e, f, g, h]) addLeaf(slot, row)
    }
  }
}

function answerOf({ outputs, base, divisor, transform, second }: Ensemble, sums: Float64Array): Float32Array {
  for (let at = 0; at < sums.length; at++) sums[at] = sums[at]! / divisor + (base[at % outputs] ?? 0)
  if (!second) {
    transformRows(sums, transform, outputs)
    return Float32Array.from(sums)
  }
  const answer = new Float32Array(sums.length * 2)
  for (let row = 0; row < sums.length; row++) {
    const sum = sums[row]!
    const isLogistic = transform === 'LOGISTIC'
    answer[2 * row] = second === 'complement' ? 1 - sum : isLogistic ? logistic(-sum) : -sum
    answer[2 * row + 1] = isLogistic ? logistic(sum) : sum
  }
  return answer
}
