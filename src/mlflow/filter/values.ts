// The values that filters compare with.
import { invalidParameter } from '../wire/errors.ts'
import { textOfLiteral } from './python.ts'
import type { Value } from './syntax.ts'

const valuesMax = 10_000

/** Undefined for what is no text. @throws MlflowError INVALID_PARAMETER_VALUE for a word without quotes. */
export function textOf({ kind, text }: Value): string | undefined {
  if (kind === 'text' || (kind === 'name' && text.startsWith('"') && text.endsWith('"'))) return text.slice(1, -1)
  if (kind !== 'name') return undefined
  throw invalidParameter(
    `Parameter value is either not quoted or unidentified quote types used for string value ${text}. Use either single or double quotes.`,
  )
}

/** A whole number, exact; undefined for another text. */
export function integerOf(written: string): number | bigint | undefined {
  if (!/^\s*[+\-]?\d+\s*$/v.test(written)) return undefined
  const number = Number(written)
  return Number.isSafeInteger(number) ? number : BigInt(written.trim().replace('+', ''))
}

const refused = (what: string): Error => invalidParameter(`While parsing a list in the query, expected ${what}`)

/** The texts of an `IN` list, read as Python reads a tuple. */
export function listOf({ items }: Value): string[] {
  const texts: string[] = []
  let isAfterText = false
  for (const { kind, text } of items) {
    const isText = kind === 'text' || (kind === 'name' && text.startsWith('"'))
    if (kind === 'number') {
      const list = `(${items
        .map((item) => item.text)
        .join(' ')
        .replaceAll(' ,', ',')})`
      throw refused(`string value, punctuation, or whitespace, but got different type in list: ${list}`)
    }
    if (isText && isAfterText) texts.push(texts.pop()! + textOfLiteral(text))
    else if (isText) texts.push(textOfLiteral(text))
    else if (text !== ',' || !isAfterText) throw refused('a non-empty list of string values, but got ill-formed list.')
    isAfterText = isText
  }
  if (texts.length === 0) throw refused('a non-empty list of string values, but got empty list')
  if (texts.length > valuesMax) throw invalidParameter(`A list of a filter has at most ${valuesMax} values`)
  return texts
}
