// Which variant answers: a sticky split by key, in which whoever is within the first 1 % of a ramp stays within its first 5 %.
import { unitInterval } from '../../statistics/hash.ts'

export interface Weighted {
  readonly role: 'champion' | 'canary' | 'shadow'
  readonly weight: number
}

/**
 * Canaries take the lowest part of the unit interval, in their order, and the champion all of the rest.
 * @param key the caller's sticky key, or the prediction id
 */
export function chooseVariant<V extends Weighted>(variants: readonly V[], salt: string, key: string): V | undefined {
  let champion: V | undefined
  let canaries = 0
  for (const variant of variants) {
    if (variant.role === 'champion') champion = variant
    else if (variant.role === 'canary') canaries += variant.weight
  }
  if (canaries === 0) return champion
  const place = unitInterval(salt, key)
  let below = 0
  for (const variant of variants) {
    if (variant.role !== 'canary') continue
    below += variant.weight
    if (place < below) return variant
  }
  return champion
}
