// JSON as Python and TensorFlow write it: bare NaN and Infinity, and whole numbers beyond 2^53 exactly.
import { isUtf8 } from 'node:buffer'
import { assertNotTooDeep, invalidJson } from './json-body.ts'

/** 2^64 has 20 digits; what is longer fits no column, and would take long to convert. */
const digitsMax = 20
/**
 * A whole number of so many digits that a double may not hold it; digits after a point are none. Bounded: millions of digits would be too
 * many for the stack of a regular expression.
 */
const longInteger = /(?<![.\d])\d{16,20}(?![.\deE])/v

/**
 * NaN is null, a missing value; whole numbers that a double cannot hold are bigints.
 * @throws DomainError json_too_deep, json_invalid
 */
export function parseLenientJson(body: Buffer): unknown {
  assertNotTooDeep(body)
  if (!isUtf8(body)) throw invalidJson('it is no UTF-8 text. Ensure that input is a valid UTF-8 encoded string')
  const text = body.toString('utf8')
  const revive = longInteger.test(text) ? exactIntegers : undefined
  try {
    return JSON.parse(text, revive) as unknown
  } catch (error) {
    // Looked for only now: strict JSON pays nothing for those who write it otherwise.
    const strict = strictJson(body)
    if (!strict) throw invalidJson((error as Error).message)
    return parseStrict(strict.toString('utf8'), revive)
  }
}

type Reviver = (key: string, value: unknown) => unknown

function parseStrict(text: string, revive: Reviver | undefined): unknown {
  try {
    return JSON.parse(text, revive) as unknown
  } catch (error) {
    throw invalidJson((error as Error).message)
  }
}

// The third argument is ES2025's; the library's types do not have it yet.
const exactIntegers = ((_key: string, value: unknown, { source }: { source?: string }): unknown => {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || source === undefined) return value
  return source.length <= digitsMax + 1 && /^-?\d+$/v.test(source) ? BigInt(source) : value
}) as Reviver

const quote = 0x22
const backslash = 0x5c
const upperN = 0x4e
const upperI = 0x49
const nan = Buffer.from('null')
/** Beyond the largest double, which a parser reads as infinity; a sign stands before it. */
const infinity = Buffer.from('1e999')

/** The same with each bare NaN and Infinity as strict JSON that reads as it; undefined: it holds none. By hand, in one pass. */
function strictJson(body: Buffer): Buffer | undefined {
  const parts: Buffer[] = []
  let start = 0
  let inString = false
  for (let at = 0; at < body.length; at++) {
    const byte = body[at]
    if (inString) {
      if (byte === backslash) at++
      else if (byte === quote) inString = false
      continue
    }
    if (byte === quote) inString = true
    if (byte !== upperN && byte !== upperI) continue
    const word = byte === upperN ? 'NaN' : 'Infinity'
    if (!standsAlone(body, at, word)) return undefined
    parts.push(body.subarray(start, at), byte === upperN ? nan : infinity)
    start = at + word.length
    at = start - 1
  }
  return parts.length === 0 ? undefined : Buffer.concat([...parts, body.subarray(start)])
}

const isDigitOrPoint = (byte: number | undefined): boolean =>
  byte !== undefined && ((byte >= 0x30 && byte <= 0x39) || byte === 0x2e)

/** `5Infinity` must not become a number that can be read. */
const standsAlone = (body: Buffer, at: number, word: string): boolean =>
  body.toString('latin1', at, at + word.length) === word &&
  !isDigitOrPoint(body[at - 1]) &&
  !isDigitOrPoint(body[at + word.length])
