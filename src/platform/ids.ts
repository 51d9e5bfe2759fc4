// Identifiers: sortable by time, unguessable, safe in a URL and never a path.
import { randomBytes } from 'node:crypto'
import { systemClock, type Clock } from './clock.ts'

/** Makes a new id such as `run_01jd2x4q7k8m…`: a prefix, 9 characters of time, 16 random ones (Crockford base 32, lower case). */
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

export function createIds(clock: Clock = systemClock): IdSource {
  return (prefix) => {
    let random = ''
    for (const byte of randomBytes(16)) random += alphabet[byte % 32]
    return `${prefix}_${base32(clock(), 9)}${random}`
  }
}
