// Trees of a graph, laid out to be walked: four bytes a node where that is enough, its two children side by side, and near their parent.
import type { Transform } from '../post-transform.ts'

/**
 * What a node's word has, from its lowest bit: whether it is a leaf, the place of its two children in pairs of slots from its tree's root, the
 * look-up whose rank is compared, and its limit; in a wide form the limit is a number of its own, since a word has no room for it.
 */
export interface Form {
  readonly isWide: boolean
  /** Of a word, the slots from its tree's root to its first child. */
  readonly pairMask: number
  readonly lookupShift: number
  /** After the shift. */
  readonly lookupMask: number
  /** Of a limit in its word, and of the ranks that are compared with it; 0 in a wide form. */
  readonly rankShift: number
}

/**
 * A slot is a node: its word, or, in a wide form, its limit and its word. A rank above the limit goes to the second child. A leaf is its own child,
 * whatever the rank, so that several trees are walked in step.
 */
export interface Ensemble {
  readonly form: Form
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

/** What a value is to the branches on a feature: the number of their thresholds that are below it, from {@link rankMin} on. */
export interface Lookup {
  readonly feature: number
  /** Rising, each once. */
  readonly thresholds: Float32Array
  /** Of a missing value. */
  readonly missingRank: number
}

/** Trees that are walked in step. */
export const lanes = 8

export const leafBit = 1
/** Of a value that is below every threshold; what is missing and goes with such values has the one before it. */
export const rankMin = 2
/** Below the rank of every value, and what is missing. */
export const limitMin = 0

/** The limit of a node whose threshold is so many above the least. */
export const limitOf = (place: number): number => place + rankMin

/** For what is missing and goes with values above all thresholds. */
export const rankMax = (thresholds: number): number => thresholds + rankMin + 1

const bitsOf = (most: number): number => 32 - Math.clz32(most)

const wordBits = 32
/** A limit is compared as a signed number. */
const narrowBits = 31
const leafBits = 1
const widePairBits = 20

/** Undefined: it fits neither. */
export function formOf(sizes: {
  /** Of two children, from their tree's root. */
  readonly pair: number
  readonly lookups: number
  readonly limit: number
}): Form | undefined {
  const lookupBits = bitsOf(sizes.lookups - 1)
  const of = (pairBits: number, isWide: boolean): Form => ({
    isWide,
    pairMask: (2 ** pairBits - 1) * 2,
    lookupShift: leafBits + pairBits,
    lookupMask: 2 ** lookupBits - 1,
    rankShift: isWide ? 0 : leafBits + pairBits + lookupBits,
  })
  const narrow = of(bitsOf(sizes.pair), false)
  if (narrow.rankShift + bitsOf(sizes.limit) <= narrowBits) return narrow
  const wide = of(widePairBits, true)
  return bitsOf(sizes.pair) <= widePairBits && wide.lookupShift + lookupBits <= wordBits ? wide : undefined
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
