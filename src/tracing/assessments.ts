// What is said about traces: said, corrected, taken back.
import type { Clock } from '../platform/clock.ts'
import type { Db, Transaction } from '../platform/database.ts'
import { hexId } from '../platform/ids.ts'
import {
  assessmentExists,
  assessmentNotFound,
  sourceRunKey,
  wrongKind,
  type Assessment,
  type AssessmentError,
  type NewAssessment,
} from './assessment.ts'
import {
  hasAssessment,
  putAssessment,
  readAssessment,
  removeAssessment,
  removeAssessmentsOfRuns,
  setValid,
} from './stores/assessment-store.ts'
import { readRow } from './stores/trace-store.ts'
import type { TraceTables } from './tables.ts'
import { traceNotFound } from './trace.ts'

type Trx = Transaction<TraceTables>

function completed(said: NewAssessment, traceId: string, atMs: number): Assessment {
  return {
    ...said,
    id: said.id ?? `a-${hexId()}`,
    traceId,
    isValid: true,
    runId: said.runId ?? said.metadata?.[sourceRunKey] ?? null,
    createdAtMs: said.createdAtMs ?? atMs,
    updatedAtMs: said.updatedAtMs ?? atMs,
  }
}

/** @throws DomainError trace_not_found, assessment_exists, assessment_not_found for one to override that is not there */
export async function createAssessment(
  trx: Trx,
  clock: Clock,
  { traceId, said }: { traceId: string; said: NewAssessment },
): Promise<Assessment> {
  const trace = await readRow(trx, traceId)
  if (!trace) throw traceNotFound(traceId)
  const assessment = completed(said, traceId, clock())
  const { overrides } = assessment
  if (overrides !== null && !(await setValid(trx, { no: trace.no, id: overrides, isValid: false }))) {
    throw assessmentNotFound(traceId, overrides)
  }
  if (await hasAssessment(trx, assessment.id)) throw assessmentExists(traceId, assessment.id)
  await putAssessment(trx, trace.no, assessment)
  return assessment
}

/** Those that came with the trace itself, again with each time it is told. */
export async function keepAssessments(
  trx: Trx,
  clock: Clock,
  { no, traceId, assessments }: { no: number; traceId: string; assessments: readonly NewAssessment[] },
): Promise<void> {
  for (const said of assessments) await putAssessment(trx, no, completed(said, traceId, clock()))
}

/** @throws DomainError trace_not_found, assessment_not_found */
export async function getAssessment(db: Db<TraceTables>, traceId: string, id: string): Promise<Assessment> {
  const found = await readAssessment(db, { traceId, id })
  if (found) return found
  if (!(await readRow(db, traceId))) throw traceNotFound(traceId)
  throw assessmentNotFound(traceId, id)
}

/** Undefined leaves what is there; metadata are added to those that are there. */
export interface AssessmentChange {
  readonly traceId: string
  readonly id: string
  readonly name?: string | undefined
  readonly feedback?: { readonly value: string; readonly error: AssessmentError | null } | undefined
  readonly expectation?: { readonly value: string } | undefined
  readonly rationale?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

/** @throws DomainError trace_not_found, assessment_not_found, assessment_kind */
export async function changeAssessment(trx: Trx, clock: Clock, change: AssessmentChange): Promise<Assessment> {
  const { traceId, id, name, feedback, expectation, rationale, metadata } = change
  const before = await getAssessment(trx, traceId, id)
  if (expectation && before.kind !== 'expectation') throw wrongKind('expectation', before.kind)
  if (feedback && before.kind !== 'feedback') throw wrongKind('feedback', before.kind)
  const merged = { ...before.metadata, ...metadata }
  const after: Assessment = {
    ...before,
    name: name ?? before.name,
    value: feedback?.value ?? expectation?.value ?? before.value,
    error: feedback ? feedback.error : before.error,
    rationale: before.kind === 'expectation' ? null : (rationale ?? before.rationale),
    metadata: Object.keys(merged).length > 0 ? merged : null,
    updatedAtMs: clock(),
  }
  const trace = await readRow(trx, traceId)
  await putAssessment(trx, trace!.no, after)
  return after
}

/** Idempotent. The one that it took the place of counts again. */
export async function deleteAssessment(trx: Trx, traceId: string, id: string): Promise<void> {
  const found = await readAssessment(trx, { traceId, id })
  const trace = await readRow(trx, traceId)
  if (!found || !trace) return
  if (found.overrides !== null) await setValid(trx, { no: trace.no, id: found.overrides, isValid: true })
  await removeAssessment(trx, id)
}

/** Takes back what was said on behalf of runs that are deleted. */
export const forgetRuns = (trx: Trx, runIds: readonly string[]): Promise<void> => removeAssessmentsOfRuns(trx, runIds)
