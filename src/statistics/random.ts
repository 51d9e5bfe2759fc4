// Seeded random numbers: the same seed gives the same numbers on every machine. xoshiro128** 1.1 (Blackman and Vigna, 2018).
import { hashString } from './hash.ts'

/** Arrays that can be shuffled in place: plain ones and typed ones. */
export interface Shufflable<T> {
  readonly length: number
  [index: number]: T
}

/** A stream of random numbers, owned by one caller: two users of one stream change each other's numbers, so `fork` instead. */
export interface Generator {
  /** Uniform in [0, 1), 53 bits. */
  uniform(): number
  /** Uniform integer in [0, n): exactly so to n = 2^21, to within 2^(log2 n − 53) above. `n` from 1 to 2^53 − 1. */
  integer(n: number): number
  /** Standard normal (Marsaglia's polar method). */
  normal(): number
  /** Uniform unsigned 32-bit integer. */
  bits(): number
  /** Fisher-Yates in place; returns the same array. */
  shuffle<A extends Shufflable<unknown>>(array: A): A
  /** An independent stream that depends on the seed and the label only, not on how much was drawn before. */
  fork(label: string): Generator
}

/** The bare algorithm on its four words of state, which it changes. At least one word must not be 0. */
export function xoshiro128(state: Uint32Array): () => number {
  return () => {
    const second = state[1]!
    const scrambled = Math.imul(second, 5)
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0
    const shifted = second << 9
    state[2]! ^= state[0]!
    state[3]! ^= second
    state[1]! ^= state[2]!
    state[0]! ^= state[3]!
    state[2]! ^= shifted
    const last = state[3]!
    state[3] = (last << 11) | (last >>> 21)
    return result
  }
}

function stateOf(seed: string): Uint32Array {
  const state = Uint32Array.of(
    hashString(seed, 0x9e3779b9),
    hashString(seed, 0x243f6a88),
    hashString(seed, 0xb7e15162),
    hashString(seed, 0x6a09e667),
  )
  if (state.every((word) => word === 0)) state[0] = 1
  return state
}

/** The largest n whose product with 32 bits is exact. Above it a scaled 53-bit number is taken. */
const EXACT_PRODUCT = 2_097_152

/** A generator from a seed. A number and its decimal text are the same seed. */
export function createGenerator(seed: number | string): Generator {
  const text = String(seed)
  const bits = xoshiro128(stateOf(text))
  let spare: number | undefined

  const uniform = (): number => ((bits() >>> 5) * 67_108_864 + (bits() >>> 6)) / 9_007_199_254_740_992

  const integer = (n: number): number => {
    if (!(n >= 1 && n <= Number.MAX_SAFE_INTEGER)) throw new RangeError(`integer(n) wants 1 <= n <= 2^53 - 1, got ${n}`)
    if (n > EXACT_PRODUCT) return Math.floor(uniform() * n)
    // Lemire (2019): the high half of a product, drawn again where the low half would favour some results.
    for (;;) {
      const product = bits() * n
      const low = product >>> 0
      if (low >= n || low >= 4_294_967_296 % n) return (product - low) / 4_294_967_296
    }
  }

  const normal = (): number => {
    if (spare !== undefined) {
      const kept = spare
      spare = undefined
      return kept
    }
    for (;;) {
      const x = 2 * uniform() - 1
      const y = 2 * uniform() - 1
      const square = x * x + y * y
      if (square >= 1 || square === 0) continue
      const scale = Math.sqrt((-2 * Math.log(square)) / square)
      spare = y * scale
      return x * scale
    }
  }

  return {
    uniform,
    integer,
    normal,
    bits,
    shuffle: (array) => {
      for (let last = array.length - 1; last > 0; last--) {
        const other = integer(last + 1)
        const kept = array[last]
        array[last] = array[other]
        array[other] = kept
      }
      return array
    },
    fork: (label) => createGenerator(`${text}/${label}`),
  }
}
