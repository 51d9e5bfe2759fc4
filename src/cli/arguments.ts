// Arguments and options as text, checked: what is wrong, and what is right instead.
import { DomainError } from '../platform/errors.ts'

/** Options of commands that list. */
export interface ListOptions {
  readonly limit: string
}

/** Of an answer's list; the API's bound. */
const limitMax = 1000

/** Options of commands that change something. */
export interface ReasonOptions {
  readonly reason: string
}

export const argumentInvalid = (message: string): DomainError => new DomainError('invalid', 'argument_invalid', message)

/** A whole number from `min` to `max`. @throws DomainError argument_invalid */
export function wholeNumber(text: string, flag: string, { min, max }: { min: number; max: number }): number {
  const value = Number(text)
  if (/^\d+$/v.test(text) && value >= min && value <= max) return value
  throw argumentInvalid(`${flag} ${text}: it takes a whole number from ${min} to ${max}`)
}

/** @throws DomainError argument_invalid */
export const limitOf = ({ limit }: ListOptions): number => wholeNumber(limit, '--limit', { min: 1, max: limitMax })

/** The JSON of an option. @throws DomainError argument_invalid */
export function jsonOf(text: string, flag: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw argumentInvalid(`${flag} is no JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Names separated by commas, such as `--key carrier,flight`. @throws DomainError argument_invalid */
export function namesOf(text: string, flag: string): string[] {
  const names = text.split(',').map((name) => name.trim())
  if (names.every((name) => name !== '')) return names
  throw argumentInvalid(`${flag} "${text}": it takes names separated by commas`)
}
