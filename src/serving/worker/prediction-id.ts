// Ids of predictions: sortable by time, unique across workers, unguessable, and cheap enough for every request.
import type { Clock } from '../../platform/clock.ts'

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
const timeLength = 9
const counterLength = 3
const randomLength = 13
const poolBytes = 4096

function base32(value: number, length: number): string {
  let text = ''
  let rest = value
  for (let at = 0; at < length; at++) {
    text = alphabet[rest % 32] + text
    rest = Math.floor(rest / 32)
  }
  return text
}

/**
 * Ids such as `prd_01jd2x4q70008m…`: 9 characters of milliseconds, 3 of a counter, 13 (65 bits) of randomness.
 * @param fill fills the bytes with randomness of cryptographic quality
 */
export function createPredictionIds(clock: Clock, fill: (bytes: Uint8Array) => void): () => string {
  const pool = new Uint8Array(poolBytes)
  let used = poolBytes
  let counter = 0
  let lastMs = -1
  let timeText = ''
  return () => {
    const nowMs = clock()
    if (nowMs !== lastMs) {
      lastMs = nowMs
      timeText = base32(nowMs, timeLength)
    }
    if (used + randomLength > poolBytes) {
      fill(pool)
      used = 0
    }
    counter = (counter + 1) % 32 ** counterLength
    let text = `prd_${timeText}${base32(counter, counterLength)}`
    for (let at = 0; at < randomLength; at++) text += alphabet[pool[used + at]! & 31]
    used += randomLength
    return text
  }
}
