// What a trace's metadata says of its session, tokens and cost: kept in columns, to be filtered and added up.
import { metadataKeys } from './keys.ts'
import { parsedOrText, pythonJson } from './python-json.ts'
import type { TraceRow } from './tables.ts'
import { assertLength, sessionIdMax } from './trace.ts'
import { costKeys, tokenKeys, type Cost, type Tokens } from './derive/usage.ts'

/** Only what is told: a key that is not in it leaves its column as it is. @throws DomainError trace_text_too_long */
export function countsOfMetadata(metadata: Readonly<Record<string, string>>): Partial<TraceRow> {
  const session = metadata[metadataKeys.session]
  return {
    ...(session === undefined ? {} : { session_id: assertLength('Session ID', sessionIdMax, session) }),
    ...numbersOf(metadata[metadataKeys.tokens], tokenKeys, Number.isSafeInteger),
    ...numbersOf(metadata[metadataKeys.cost], costKeys, Number.isFinite),
  }
}

function numbersOf(
  text: string | undefined,
  keys: readonly (keyof TraceRow)[],
  isFit: (value: number) => boolean,
): Partial<TraceRow> {
  const told = text === undefined ? undefined : parsedOrText(text)
  if (typeof told !== 'object' || told === null) return {}
  const known = keys
    .filter((key) => Object.hasOwn(told, key))
    .map((key) => {
      const value = (told as Record<string, unknown>)[key]
      const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
      return [key, typeof number === 'number' && isFit(number) ? number : null]
    })
  return Object.fromEntries(known) as Partial<TraceRow>
}

/** The metadata that clients read a session, tokens and cost from. */
export function metadataOf(trace: {
  readonly sessionId: string | null
  readonly tokens: Tokens | null
  readonly cost: Cost | null
}): Record<string, string> {
  return {
    ...(trace.sessionId === null ? {} : { [metadataKeys.session]: trace.sessionId }),
    ...(trace.tokens === null ? {} : { [metadataKeys.tokens]: pythonJson(trace.tokens) }),
    ...(trace.cost === null ? {} : { [metadataKeys.cost]: pythonJson(trace.cost, 'floats') }),
  }
}
