// Expected failures: typed, coded and documented. Anything else that is thrown is a bug.

/** What kind of refusal it is; `platform/http.ts` maps each to one status. */
export type ErrorKind =
  | 'invalid'
  | 'not_found'
  | 'conflict'
  | 'forbidden'
  | 'unauthenticated'
  | 'too_large'
  | 'unavailable'

/**
 * A failure that a caller can expect and act on. The message says what, which one and what to do; the code is stable and listed in
 * docs/reference/errors.md.
 */
export class DomainError extends Error {
  readonly kind: ErrorKind
  readonly code: string
  /** Facts a machine can use (names, counts, samples); never secrets. */
  readonly detail: Readonly<Record<string, unknown>> | undefined

  // oxlint-disable-next-line max-params -- the first three are the error; `detail` only adds facts to it
  constructor(kind: ErrorKind, code: string, message: string, detail?: Record<string, unknown>) {
    super(message)
    this.name = 'DomainError'
    this.kind = kind
    this.code = code
    this.detail = detail
  }
}

/** The text of anything thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
