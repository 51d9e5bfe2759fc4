// Stable, non-cryptographic hashing of strings, for sticky traffic splits and seeds. Never for identity of content or for secrets.

const encoder = new TextEncoder()

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}

function mixBlock(block: number): number {
  return Math.imul(rotate(Math.imul(block, 0xcc9e2d51), 15), 0x1b873593)
}

function finish(hash: number, length: number): number {
  let mixed = hash ^ length
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

function hashBytes(bytes: Uint8Array, seed: number): number {
  const length = bytes.length
  const whole = length & ~3
  let hash = seed | 0
  for (let at = 0; at < whole; at += 4) {
    const block = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    hash = (Math.imul(rotate(hash ^ mixBlock(block), 13), 5) + 0xe6546b64) | 0
  }
  let tail = 0
  for (let at = length - 1; at >= whole; at--) tail = (tail << 8) | bytes[at]!
  if (whole < length) hash ^= mixBlock(tail)
  return finish(hash, length)
}

/**
 * MurmurHash3 (x86, 32 bit; Appleby 2011) of the text's UTF-8 bytes.
 * @returns an unsigned 32-bit integer, the same on every machine and in every release.
 */
export function hashString(text: string, seed = 0): number {
  const length = text.length
  const whole = length & ~3
  let hash = seed | 0
  // ASCII, the usual case, needs no encoding: its bytes are its code units.
  let seen = 0
  for (let at = 0; at < whole; at += 4) {
    const first = text.charCodeAt(at)
    const second = text.charCodeAt(at + 1)
    const third = text.charCodeAt(at + 2)
    const fourth = text.charCodeAt(at + 3)
    seen |= first | second | third | fourth
    hash =
      (Math.imul(rotate(hash ^ mixBlock(first | (second << 8) | (third << 16) | (fourth << 24)), 13), 5) + 0xe6546b64) |
      0
  }
  let tail = 0
  for (let at = length - 1; at >= whole; at--) {
    const unit = text.charCodeAt(at)
    seen |= unit
    tail = (tail << 8) | unit
  }
  if (seen > 0x7f) return hashBytes(encoder.encode(text), seed)
  if (whole < length) hash ^= mixBlock(tail)
  return finish(hash, length)
}

/**
 * Where a key falls in [0, 1) under a salt: uniform over keys, independent between salts, and always the same for the same pair, so that
 * whoever is within the first 1 % of a split stays within its first 5 %. Resolution 2^-32.
 */
export function unitInterval(salt: string, key: string): number {
  return hashString(key, hashString(salt)) / 4_294_967_296
}
