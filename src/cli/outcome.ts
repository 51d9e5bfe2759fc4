// trueloop outcome: says what really happened, for one prediction or a file of them.
import { outcomesOfCsv, outcomesOfLines } from '../monitoring/outcome-text.ts'
import { outcomesMax, OutcomeBatch, OutcomeReceipt, type Outcome } from '../monitoring/outcome.ts'
import { DomainError } from '../platform/errors.ts'
import { readText } from './rows.ts'
import { connect, type Session } from './session.ts'
import { countText } from './text.ts'

export interface OutcomeOptions {
  /** Of the prediction. */
  readonly id?: string
  readonly value?: string
}

/** A file is sent in batches; each is stored whole or not at all. @throws DomainError argument_invalid, outcomes_malformed, outcome_unfit */
export async function postOutcomes(
  session: Session,
  source: string | undefined,
  options: OutcomeOptions,
): Promise<void> {
  const outcomes = await readOutcomes(source, options)
  const client = connect(session)
  const total = { accepted: 0, duplicates: 0, unmatched: 0, revised: 0 }
  for (let at = 0; at < outcomes.length; at += outcomesMax) {
    const body = { outcomes: outcomes.slice(at, at + outcomesMax) }
    const receipt = await client.call({ method: 'POST', path: '/outcomes', body, answer: OutcomeReceipt })
    for (const name of ['accepted', 'duplicates', 'unmatched', 'revised'] as const) total[name] += receipt[name]
  }
  session.terminal.show(total, renderReceipt)
}

async function readOutcomes(source: string | undefined, { id, value }: OutcomeOptions): Promise<readonly Outcome[]> {
  const isOne = id !== undefined && value !== undefined
  if (isOne === (source !== undefined) || (id === undefined) !== (value === undefined)) {
    throw new DomainError('invalid', 'argument_invalid', 'name a file of outcomes, or give --id and --value for one')
  }
  if (isOne) return OutcomeBatch.parse({ outcomes: [{ predictionId: id, value: valueOf(value) }] }).outcomes
  const text = await readText(source ?? '-')
  return /^\s*\{/v.test(text) ? outcomesOfLines(text) : outcomesOfCsv(text)
}

/** As in a CSV of outcomes: a number, true and false, else the name of a class. */
function valueOf(text: string): Outcome['value'] {
  if (text === 'true' || text === 'false') return text === 'true'
  const number = Number(text)
  return text.trim() !== '' && Number.isFinite(number) ? number : text
}

export function renderReceipt({ accepted, duplicates, unmatched, revised }: OutcomeReceipt): string {
  const parts = [
    `${countText(accepted, 'outcome')} joined`,
    ...(revised > 0 ? [`${revised} revised`] : []),
    ...(duplicates > 0 ? [`${duplicates} known already`] : []),
    ...(unmatched > 0 ? [`${unmatched} kept, for predictions that are not known (yet)`] : []),
  ]
  return `${parts.join(', ')}.`
}
