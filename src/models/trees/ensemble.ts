// Trees of a graph, laid out to be walked: eight bytes a node, the two children of a node side by side, and near their parent.

export type Transform = 'NONE' | 'SOFTMAX' | 'LOGISTIC'

/**
 * A slot is a node: at `2 s` of `slots` its limit, at `2 s + 1` its word: the look-up whose rank is compared (from bit 21), whether it is a leaf
 * (bit 20), and the place of its two children, in pairs of slots from its tree's root. A rank above the limit goes to the second child. A leaf is its
 * own child, whatever the rank, so that several trees are walked in step.
 */
export interface Ensemble {
  readonly slots: Int32Array
  /** Slots; a multiple of {@link lanes}, the last ones leaves that add nothing. */
  readonly roots: Int32Array
  /** By slot: a leaf's number, or its place in `weights`, where there are more outputs than one. */
  readonly values: Float32Array
  /** Of leaves, `outputs` each, where there are more outputs than one. */
  readonly weights: Float32Array
  readonly lookups: readonly Lookup[]
  /** Numbers that the trees add up for a row. */
  readonly outputs: number
  readonly nodes: number
  readonly trees: number
  readonly features: number
  readonly base: readonly number[]
  /** Sums are divided by it. */
  readonly divisor: number
  readonly transform: Transform
  /** The one sum becomes two classes: its complement and itself, its negative and itself, or nothing does. */
  readonly second: 'complement' | 'negative' | undefined
}

/** What a value is to the branches on a feature: the number of their thresholds that are below it. */
export interface Lookup {
  readonly feature: number
  /** Rising, each once. */
  readonly thresholds: Float32Array
  /** Of a missing value. */
  readonly missingRank: number
}

/** Trees that are walked in step. */
export const lanes = 8

const pairBits = 20
export const pairMask = 2 ** pairBits - 1
export const leafBit = 2 ** pairBits
export const lookupShift = pairBits + 1
export const lookupsMax = 2 ** (32 - lookupShift)

/** How many of the rising numbers are below the value. */
export function rankOf(rising: Float32Array, value: number): number {
  let low = 0
  let high = rising.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (rising[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}

const bits = new DataView(new ArrayBuffer(4))

/** The next smaller float32: what is below a value is at most that. */
export function belowOf(value: number): number {
  if (Number.isNaN(value) || value === -Infinity) return value
  bits.setFloat32(0, value)
  const whole = bits.getInt32(0)
  if (value === 0) bits.setInt32(0, -0x7f_ff_ff_ff)
  else bits.setInt32(0, value > 0 ? whole - 1 : whole + 1)
  return bits.getFloat32(0)
}
