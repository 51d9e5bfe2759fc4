// Bytes of a request body into JSON: bounded in depth before anything is parsed.
import { isUtf8 } from 'node:buffer'
import { DomainError, messageOf } from '../../platform/errors.ts'
import { jsonDepthMax } from '../contract/gateway-limits.ts'

const quote = 0x22
const backslash = 0x5c
const openBracket = 0x5b
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

/** Smaller bodies are read as fast as they are searched. */
const searchedBytesMin = 1024

/** Whether the text nests deeper than allowed; reads each byte once and allocates nothing. */
export function isTooDeep(body: Uint8Array, depthMax = jsonDepthMax): boolean {
  // A long list of numbers has hardly a bracket, and to search for those is many times faster than to look at each byte.
  if (body.length >= searchedBytesMin && opensAtMost(body, depthMax)) return false
  let depth = 0
  let inString = false
  for (let at = 0; at < body.length; at++) {
    const byte = body[at]
    if (inString) {
      if (byte === backslash) at++
      else if (byte === quote) inString = false
    } else if (byte === quote) inString = true
    else if (byte === openBracket || byte === openBrace) {
      if (++depth > depthMax) return true
    } else if (byte === closeBracket || byte === closeBrace) depth--
  }
  return false
}

/** Whether there are so few brackets in all that no text of them could be deeper. */
function opensAtMost(body: Uint8Array, max: number): boolean {
  let count = 0
  for (const bracket of [openBracket, openBrace]) {
    for (let at = body.indexOf(bracket); at >= 0; at = body.indexOf(bracket, at + 1)) if (++count > max) return false
  }
  return true
}

/** @throws DomainError json_too_deep */
export function assertNotTooDeep(body: Uint8Array): void {
  if (!isTooDeep(body)) return
  const message = `the JSON body nests deeper than ${jsonDepthMax} levels: send flat data`
  throw new DomainError('invalid', 'json_too_deep', message)
}

export function invalidJson(problem: string): DomainError {
  const message = `the body is no valid JSON. Ensure that input is a valid JSON formatted string: ${problem}`
  return new DomainError('invalid', 'json_invalid', message.slice(0, 500))
}

/** @throws DomainError json_too_deep, json_invalid */
export function parseJsonBody(body: Buffer): unknown {
  assertNotTooDeep(body)
  if (!isUtf8(body)) throw invalidJson('it is no UTF-8 text')
  try {
    return JSON.parse(body.toString('utf8')) as unknown
  } catch (error) {
    throw invalidJson(messageOf(error))
  }
}

export type JsonObject = Readonly<Record<string, unknown>>

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
