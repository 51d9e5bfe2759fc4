// Ids of predictions: sortable by time, unique across workers, unguessable, and cheap enough for every request.
import type { Clock } from '../../platform/clock.ts'

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
const timeLength = 9
const counterLength = 3
const randomLength = 13
const poolBytes = 4096
const prefix = 'prd_'
const timePlace = { length: timeLength, end: prefix.length + timeLength }
const counterPlace = { length: counterLength, end: timePlace.end + counterLength }

const codes = Buffer.from(alphabet)

/** Writes the digits of `value` up to `end`, the last of them just before it. */
function writeBase32(id: Buffer, value: number, { length, end }: { length: number; end: number }): void {
  let rest = value
  for (let at = end - 1; at >= end - length; at--) {
    id[at] = codes[rest % 32]!
    rest = Math.floor(rest / 32)
  }
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
  // One text a request is made from it: digits that are added to each other would be as many texts.
  const id = Buffer.from(prefix + alphabet[0]!.repeat(timeLength + counterLength + randomLength))
  return () => {
    const nowMs = clock()
    if (nowMs !== lastMs) {
      lastMs = nowMs
      writeBase32(id, nowMs, timePlace)
    }
    if (used + randomLength > poolBytes) {
      fill(pool)
      used = 0
    }
    counter = (counter + 1) % 32 ** counterLength
    writeBase32(id, counter, counterPlace)
    for (let at = 0; at < randomLength; at++) id[counterPlace.end + at] = codes[pool[used + at]! & 31]!
    used += randomLength
    return id.toString('latin1')
  }
}
