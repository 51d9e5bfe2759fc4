// Walks rows down trees of the wide form, whose limits stand beside the words; else as walk.ts does, where the reasons are.
import { lanes, leafBit, type Ensemble } from './ensemble.ts'

/** Adds to the sums of the rows what each tree says of them. */
// oxlint-disable-next-line max-statements -- eight times the same, in variables of their own: in arrays they would be in memory
export function addUpWide(
  { form, slots, roots, values, weights, lookups, outputs }: Ensemble,
  ranks: Int32Array,
  sums: Float64Array,
): void {
  const { pairMask, lookupShift } = form
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
      let wordA = slots[2 * a + 1]! | 0
      let wordB = slots[2 * b + 1]! | 0
      let wordC = slots[2 * c + 1]! | 0
      let wordD = slots[2 * d + 1]! | 0
      let wordE = slots[2 * e + 1]! | 0
      let wordF = slots[2 * f + 1]! | 0
      let wordG = slots[2 * g + 1]! | 0
      let wordH = slots[2 * h + 1]! | 0
      while ((wordA & wordB & wordC & wordD & wordE & wordF & wordG & wordH & leafBit) === 0) {
        // A rank above the limit makes the difference negative: its sign is the step to the second child.
        a = (rootA + (wordA & pairMask) + ((slots[2 * a]! - ranks[base + (wordA >>> lookupShift)]!) >>> 31)) | 0
        b = (rootB + (wordB & pairMask) + ((slots[2 * b]! - ranks[base + (wordB >>> lookupShift)]!) >>> 31)) | 0
        c = (rootC + (wordC & pairMask) + ((slots[2 * c]! - ranks[base + (wordC >>> lookupShift)]!) >>> 31)) | 0
        d = (rootD + (wordD & pairMask) + ((slots[2 * d]! - ranks[base + (wordD >>> lookupShift)]!) >>> 31)) | 0
        e = (rootE + (wordE & pairMask) + ((slots[2 * e]! - ranks[base + (wordE >>> lookupShift)]!) >>> 31)) | 0
        f = (rootF + (wordF & pairMask) + ((slots[2 * f]! - ranks[base + (wordF >>> lookupShift)]!) >>> 31)) | 0
        g = (rootG + (wordG & pairMask) + ((slots[2 * g]! - ranks[base + (wordG >>> lookupShift)]!) >>> 31)) | 0
        h = (rootH + (wordH & pairMask) + ((slots[2 * h]! - ranks[base + (wordH >>> lookupShift)]!) >>> 31)) | 0
        wordA = slots[2 * a + 1]! | 0
        wordB = slots[2 * b + 1]! | 0
        wordC = slots[2 * c + 1]! | 0
        wordD = slots[2 * d + 1]! | 0
        wordE = slots[2 * e + 1]! | 0
        wordF = slots[2 * f + 1]! | 0
        wordG = slots[2 * g + 1]! | 0
        wordH = slots[2 * h + 1]! | 0
      }
      if (outputs === 1)
        sums[row]! +=
          values[a]! + values[b]! + values[c]! + values[d]! + values[e]! + values[f]! + values[g]! + values[h]!
      else for (const slot of [a, b, c, d, e, f, g, h]) addLeaf(slot, row)
    }
  }
}
