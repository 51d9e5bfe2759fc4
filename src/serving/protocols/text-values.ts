// What a text means in a column of a type, where a protocol has nothing but texts (CSV) or its callers write numbers as texts. Pure.
import type { SignatureType } from '../../models/signature.ts'

/** Texts that stand for a missing number, as pandas reads them. */
const missing = new Set(['', 'nan', 'na', 'n/a', '#n/a', '#na', '<na>', 'null', 'none', '-nan'])
const decimal = /^[+\-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+\-]?\d+)?$/iv
const whole = /^[+\-]?\d+$/v
const infinite = /^[+\-]?inf(?:inity)?$/iv
/** No number is written with more characters; looking through longer texts would be of no use. */
const numberLengthMax = 400
const safeDigits = 15
/** Fewer digits may as well be a date without its dashes. */
const milliseconds = /^-?\d{11,15}$/v

/**
 * Undefined is a missing value. A text that is nothing of the type comes back as it is: whoever checks the values can name it.
 * Whole numbers that a double cannot hold become bigints.
 */
export function valueOfText(text: string, type: SignatureType): unknown {
  switch (type) {
    case 'string':
      return text
    case 'datetime':
      return milliseconds.test(text) ? Number(text) : text
    case 'boolean':
      return flagOf(text)
    case 'integer':
    case 'long':
    case 'float':
    case 'double':
      return numberOf(text)
  }
}

function numberOf(text: string): unknown {
  if (text.length > numberLengthMax) return text
  const trimmed = text.trim()
  if (whole.test(trimmed)) {
    return trimmed.length <= safeDigits ? Number(trimmed) : exactNumber(trimmed)
  }
  if (decimal.test(trimmed)) return Number(trimmed)
  if (missing.has(trimmed.toLowerCase())) return undefined
  return infinite.test(trimmed) ? (trimmed.startsWith('-') ? -Infinity : Infinity) : text
}

function exactNumber(text: string): number | bigint {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : BigInt(text.replace('+', ''))
}

function flagOf(text: string): unknown {
  const lower = text.trim().toLowerCase()
  if (lower === 'true' || lower === '1') return true
  if (lower === 'false' || lower === '0') return false
  return missing.has(lower) ? undefined : text
}
