// Outcomes as CSV or newline-delimited JSON, as files hold them. Pure.
import { DomainError } from '../platform/errors.ts'
import type { OutcomeValue } from './aggregates/scoring.ts'
import { Outcome } from './outcome.ts'

const malformed = (line: number, problem: string): DomainError =>
  new DomainError('invalid', 'outcomes_malformed', `line ${line}: ${problem}; nothing was stored`, { line })

/** One JSON object a line, with the fields of an outcome. @throws DomainError outcomes_malformed */
export function outcomesOfLines(text: string): Outcome[] {
  return text.split('\n').flatMap((line, at) => {
    if (line.trim() === '') return []
    return [checked(at + 1, parsedJson(at + 1, line))]
  })
}

function parsedJson(line: number, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw malformed(line, 'it is no JSON object')
  }
}

function checked(line: number, value: unknown): Outcome {
  const parsed = Outcome.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw malformed(line, `${issue?.path.join('.') ?? ''} ${issue?.message ?? 'it is no outcome'}`.trim())
}

const csvColumns = ['prediction_id', 'value', 'observed_at_ms'] as const

/**
 * A header with `prediction_id` and `value` (and `observed_at_ms`), in any order; fields may stand in quotes. A value that reads as a number is
 * one; true and false are truth values; anything else is a class name.
 * @throws DomainError outcomes_malformed
 */
export function outcomesOfCsv(text: string): Outcome[] {
  const [header = '', ...lines] = text.split(/\r?\n/v)
  const names = fieldsOf(1, header)
  const places = csvColumns.map((name) => names.indexOf(name))
  const unknown = names.find((name) => !(csvColumns as readonly string[]).includes(name))
  if (unknown !== undefined || places[0]! < 0 || places[1]! < 0) {
    throw malformed(
      1,
      `the header has to name prediction_id and value, and may name observed_at_ms; it says "${header}"`,
    )
  }
  return lines.flatMap((line, at) => {
    if (line === '') return []
    const fields = fieldsOf(at + 2, line)
    if (fields.length !== names.length) throw malformed(at + 2, `${fields.length} fields, not ${names.length}`)
    const [predictionId, value, observedAt] = places.map((place) => (place < 0 ? undefined : fields[place]))
    const observed = observedAt === undefined || observedAt === '' ? {} : { observedAtMs: Number(observedAt) }
    return [checked(at + 2, { predictionId, value: valueOf(value ?? ''), ...observed })]
  })
}

function valueOf(text: string): OutcomeValue {
  if (text === 'true' || text === 'false') return text === 'true'
  const number = Number(text)
  return text.trim() !== '' && Number.isFinite(number) ? number : text
}

function fieldsOf(line: number, text: string): string[] {
  const fields: string[] = []
  let at = 0
  while (at <= text.length) {
    const found = /(?:"(?<quoted>(?:[^"]|"")*)"|(?<plain>[^",]*))(?:,|$)/vy
    found.lastIndex = at
    const match = found.exec(text)
    if (!match) throw malformed(line, 'a quote is not closed, or stands within a field')
    fields.push(match.groups?.['quoted']?.replaceAll('""', '"') ?? match.groups?.['plain'] ?? '')
    at += match[0].length
    if (!match[0].endsWith(',')) break
  }
  return fields
}
