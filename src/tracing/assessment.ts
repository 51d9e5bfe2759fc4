// An assessment: what a person, a judge or a program says about a trace.
import { DomainError } from '../platform/errors.ts'
import { metadataKeys } from './keys.ts'

export const assessmentKinds = ['feedback', 'expectation', 'issue'] as const
export type AssessmentKind = (typeof assessmentKinds)[number]

export interface AssessmentError {
  readonly error_code: string
  readonly error_message: string | null
  readonly stack_trace: string | null
}

export interface Assessment {
  /** `a-` and 32 hexadecimal digits. */
  readonly id: string
  readonly traceId: string
  /** Of an issue: its id. */
  readonly name: string
  readonly kind: AssessmentKind
  /** JSON text, spelt as Python spells it: filters compare it. */
  readonly value: string
  readonly error: AssessmentError | null
  readonly createdAtMs: number
  readonly updatedAtMs: number
  readonly source: { readonly type: string; readonly id: string | null }
  readonly runId: string | null
  readonly spanId: string | null
  readonly rationale: string | null
  /** The assessment that this one takes the place of. */
  readonly overrides: string | null
  /** False for one that another overrides. */
  readonly isValid: boolean
  readonly metadata: Readonly<Record<string, string>> | null
}

/** Without what is given by keeping it. */
export type NewAssessment = Omit<Assessment, 'id' | 'traceId' | 'isValid' | 'runId' | 'createdAtMs' | 'updatedAtMs'> & {
  readonly id?: string | null
  readonly runId?: string | null
  readonly createdAtMs?: number | null
  readonly updatedAtMs?: number | null
}

export const sourceRunKey = 'mlflow.assessment.sourceRunId'

export const assessmentNotFound = (traceId: string, id: string): DomainError =>
  new DomainError('not_found', 'assessment_not_found', `trace "${traceId}" has no assessment "${id}"`, { traceId, id })

export const assessmentExists = (traceId: string, id: string): DomainError =>
  new DomainError('conflict', 'assessment_exists', `there is an assessment "${id}" already: leave the id out`, {
    traceId,
    id,
  })

export const wrongKind = (kind: AssessmentKind, other: AssessmentKind): DomainError =>
  new DomainError('invalid', 'assessment_kind', `an assessment stays what it is: this is no ${kind} but ${other}`, {
    kind,
    other,
  })

/** The value as a number to average: yes and no are 1 and 0, but are no numbers. */
export function aggregateOf(value: string): { aggregate: number | null; isNumeric: boolean } {
  const parsed = numberOrJson(value)
  if (typeof parsed === 'boolean') return { aggregate: parsed ? 1 : 0, isNumeric: false }
  if (typeof parsed === 'number') {
    return Number.isFinite(parsed) ? { aggregate: parsed, isNumeric: true } : { aggregate: null, isNumeric: false }
  }
  const word = typeof parsed === 'string' ? parsed.trim().toLowerCase() : ''
  if (word === 'yes' || word === 'no') return { aggregate: word === 'yes' ? 1 : 0, isNumeric: false }
  return { aggregate: null, isNumeric: false }
}

/** Python's JSON has NaN and infinities. */
function numberOrJson(text: string): unknown {
  return /^(?:NaN|-?Infinity)$/v.test(text) ? Number(text) : (JSON.parse(text) as unknown)
}

export const isOfSession = (metadata: Assessment['metadata']): boolean =>
  metadata !== null && Object.hasOwn(metadata, metadataKeys.session)
