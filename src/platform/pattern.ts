// Regular expressions that users send: matched in time linear in the text, whatever they are.
import type { DatabaseSync } from 'node:sqlite'
import { setFlagsFromString } from 'node:v8'
import { DomainError } from './errors.ts'

// V8's engine without backtracking; expressions that need backtracking (back references, look-around) it refuses.
setFlagsFromString('--enable-experimental-regexp-engine')

/** The flag that asks for it. */
const linear = 'l'
const kept = 64
const patterns = new Map<string, RegExp>()

/** @throws DomainError pattern_invalid */
export function patternOf(source: string): RegExp {
  const found = patterns.get(source)
  if (found) return found
  let pattern: RegExp
  try {
    pattern = new RegExp(source, linear)
  } catch (error) {
    const message = `"${source}" is no regular expression that is searched with: ${(error as Error).message}`
    throw new DomainError('invalid', 'pattern_invalid', message)
  }
  patterns.set(source, pattern)
  if (patterns.size > kept) patterns.delete(patterns.keys().next().value!)
  return pattern
}

/** `column REGEXP pattern` for a SQLite connection: true where the pattern is found anywhere. */
export function addRegexp(database: DatabaseSync): void {
  database.function('regexp', { deterministic: true }, (pattern, text) =>
    text === null || pattern === null ? null : Number(patternOf(String(pattern)).test(String(text))),
  )
}
