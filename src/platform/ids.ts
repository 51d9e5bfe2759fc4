// Identifiers: sortable by time, unguessable, safe in a URL and never a path.
import { randomFillSync, randomUUID } from 'node:crypto'
import { systemClock, type Clock } from './clock.ts'

/**
 * Makes a new id such as `run_01jd2x4q7k8m…`: a prefix, 9 characters of time, 2 that count within a millisecond, 14 random ones (Crockford base
 * 32, lower case). Each sorts after those that the same source made before it, also when the clock is set back.
 */
export type IdSource = (prefix: string) => string

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

function base32(value: number, length: number): string {
  let text = ''
  let rest = value
  for (let i = 0; i < length; i++) {
    text = alphabet[rest % 32] + text
    rest = Math.floor(rest / 32)
  }
  return text
}

const countDigits = 2
const countMax = 32 ** countDigits
const randomCharacters = 14

/** Randomness is fetched for hundreds of ids at once: each time costs tens of microseconds, and each request gets an id. */
const pool = Buffer.alloc(4096)
let used = pool.length

function randomText(): string {
  if (used + randomCharacters > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  let text = ''
  for (const byte of pool.subarray(used, used + randomCharacters)) text += alphabet[byte % 32]
  used += randomCharacters
  return text
}

export function createIds(clock: Clock = systemClock): IdSource {
  let lastMs = 0
  let count = 0
  return (prefix) => {
    const nowMs = clock()
    if (nowMs > lastMs) {
      lastMs = nowMs
      count = 0
    } else if (++count === countMax) {
      lastMs++
      count = 0
    }
    return `${prefix}_${base32(lastMs, 9)}${base32(count, countDigits)}${randomText()}`
  }
}

/** 32 random hexadecimal digits: the ids that MLflow's clients know. */
export const hexId = (): string => randomUUID().replaceAll('-', '')
