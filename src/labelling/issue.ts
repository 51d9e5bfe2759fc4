// An issue: a problem of an application that somebody found in its traces. Pure.
import { DomainError } from '../platform/errors.ts'

export const issueStatuses = ['pending', 'rejected', 'resolved'] as const
export type IssueStatus = (typeof issueStatuses)[number]
/** From the least to the greatest. */
export const issueSeverities = ['not_an_issue', 'low', 'medium', 'high'] as const
export type IssueSeverity = (typeof issueSeverities)[number]

export interface Issue {
  /** `iss-` and 32 hexadecimal digits. */
  readonly id: string
  readonly experimentId: number
  readonly name: string
  readonly description: string
  readonly status: IssueStatus
  readonly severity: IssueSeverity | null
  readonly rootCauses: readonly string[]
  readonly categories: readonly string[]
  readonly sourceRunId: string | null
  readonly createdAtMs: number
  readonly updatedAtMs: number
  readonly createdBy: string | null
}
export type CountedIssue = Issue & {
  /** Traces that an assessment links to it; only where it was asked for. */
  readonly traces?: number
}

const nameLength = 250
const textLength = 100_000

export const issueNotFound = (id: string): DomainError =>
  new DomainError('not_found', 'issue_not_found', `there is no issue "${id}"`, { id })

/** @throws DomainError issue_invalid */
export function assertIssueTexts({
  name = '',
  description = '',
}: {
  name?: string | undefined
  description?: string | undefined
}): void {
  if (name.length > nameLength) {
    throw new DomainError('invalid', 'issue_invalid', `the name of an issue has at most ${nameLength} characters`)
  }
  if (description.length > textLength) {
    throw new DomainError(
      'invalid',
      'issue_invalid',
      `the description of an issue has at most ${textLength} characters`,
    )
  }
}
