// Which variant answers: a sticky split by key, in which whoever is within the first 1 % of a ramp stays within its first 5 %.
import { unitInterval } from '../../statistics/hash.ts'

export interface Weighted {
  readonly role: 'champion' | 'canary' | 'shadow'
  readonly weight: number
}

/**
 * The unit interval has a slot for each canary. A canary takes its own slot from the bottom, so that raising one takes callers from the champion
 * alone and keeps all that it had. What does not fit into the slot goes to what the others leave free, in the order of the canaries. One that
 * is to keep its slot without answering stays a canary of weight 0.
 * @param key the caller's sticky key, or the prediction id
 */
export function chooseVariant<V extends Weighted>(variants: readonly V[], salt: string, key: string): V | undefined {
  let champion: V | undefined
  let slots = 0
  let weight = 0
  for (const variant of variants) {
    if (variant.role === 'champion') champion = variant
    else if (variant.role === 'canary') {
      slots++
      weight += variant.weight
    }
  }
  if (weight === 0) return champion
  const place = unitInterval(salt, key)
  return canaryAt(variants, place, 1 / slots) ?? champion
}

/** Undefined: the place is the champion's. */
function canaryAt<V extends Weighted>(variants: readonly V[], place: number, slot: number): V | undefined {
  let free = 0
  let start = 0
  for (const variant of variants) {
    if (variant.role !== 'canary') continue
    const taken = Math.min(variant.weight, slot)
    if (place >= start && place < start + taken) return variant
    // Of the slots up to the place, what no canary has taken of its own.
    free += Math.max(0, Math.min(place - start, slot) - taken)
    start += slot
  }
  let below = 0
  for (const variant of variants) {
    if (variant.role !== 'canary') continue
    below += Math.max(0, variant.weight - slot)
    if (free < below) return variant
  }
  return undefined
}
