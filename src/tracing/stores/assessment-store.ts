// The only file that reads or writes the table assessment.
import { on, type Db, type Transaction } from '../../platform/database.ts'
import { aggregateOf, isOfSession, type Assessment, type AssessmentError, type AssessmentKind } from '../assessment.ts'
import { chunksOf } from '../../platform/chunks.ts'
import { storable, type AssessmentRow, type TraceTables } from '../tables.ts'

const assessmentOf = (row: AssessmentRow & { trace_id: string }): Assessment => ({
  id: row.id,
  traceId: row.trace_id,
  name: row.name,
  kind: row.kind as AssessmentKind,
  value: row.value,
  error: row.error === null ? null : (JSON.parse(row.error) as AssessmentError),
  createdAtMs: row.created_at_ms,
  updatedAtMs: row.updated_at_ms,
  source: { type: row.source_type, id: row.source_id },
  runId: row.run_id,
  spanId: row.span_id,
  rationale: row.rationale,
  overrides: row.overrides,
  isValid: row.is_valid === 1,
  metadata: row.metadata === null ? null : (JSON.parse(row.metadata) as Record<string, string>),
})

function rowOf(no: number, assessment: Assessment): AssessmentRow {
  const { aggregate, isNumeric } = aggregateOf(assessment.value)
  return {
    id: assessment.id,
    trace_no: no,
    name: assessment.name,
    kind: assessment.kind,
    value: assessment.value,
    error: assessment.error && JSON.stringify(assessment.error),
    created_at_ms: assessment.createdAtMs,
    updated_at_ms: assessment.updatedAtMs,
    source_type: assessment.source.type,
    source_id: assessment.source.id,
    run_id: assessment.runId,
    span_id: assessment.spanId,
    rationale: assessment.rationale,
    overrides: assessment.overrides,
    is_valid: assessment.isValid ? 1 : 0,
    metadata: assessment.metadata && JSON.stringify(assessment.metadata),
    aggregate_value: aggregate,
    is_numeric: isNumeric ? 1 : 0,
    is_of_session: isOfSession(assessment.metadata) ? 1 : 0,
  }
}

/** By the numbers of their traces, the oldest first. */
export async function readAssessments(db: Db<TraceTables>, nos: readonly number[]): Promise<Map<number, Assessment[]>> {
  const found = new Map<number, Assessment[]>()
  for (const chunk of chunksOf(nos)) {
    const rows = await on(db)
      .selectFrom('assessment')
      .innerJoin('trace', 'trace.no', 'assessment.trace_no')
      .selectAll('assessment')
      .select('trace.id as trace_id')
      .where('assessment.trace_no', 'in', chunk)
      .orderBy('assessment.trace_no')
      .orderBy('assessment.created_at_ms')
      .orderBy('assessment.id')
      .execute()
    for (const row of rows) {
      const ofTrace = found.get(row.trace_no) ?? []
      ofTrace.push(assessmentOf(row))
      found.set(row.trace_no, ofTrace)
    }
  }
  return found
}

export async function readAssessment(
  db: Db<TraceTables>,
  { traceId, id }: { traceId: string; id: string },
): Promise<Assessment | undefined> {
  const row = await on(db)
    .selectFrom('assessment')
    .innerJoin('trace', 'trace.no', 'assessment.trace_no')
    .selectAll('assessment')
    .select('trace.id as trace_id')
    .where('assessment.id', '=', id)
    .where('trace.id', '=', traceId)
    .executeTakeFirst()
  return row && assessmentOf(row)
}

/** Whether there is one of that id, of whatever trace. */
export async function hasAssessment(db: Db<TraceTables>, id: string): Promise<boolean> {
  return (await on(db).selectFrom('assessment').select('id').where('id', '=', id).executeTakeFirst()) !== undefined
}

const storableRow = (row: AssessmentRow): AssessmentRow =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, storable(value)])) as unknown as AssessmentRow

/** One of the same id is replaced. */
export async function putAssessment(trx: Transaction<TraceTables>, no: number, assessment: Assessment): Promise<void> {
  const { id, ...row } = storableRow(rowOf(no, assessment))
  await on(trx)
    .insertInto('assessment')
    .values({ id, ...row })
    .onConflict((c) => c.column('id').doUpdateSet(row))
    .execute()
}

/** Whether there was one to mark. */
export async function setValid(
  trx: Transaction<TraceTables>,
  { no, id, isValid }: { no: number; id: string; isValid: boolean },
): Promise<boolean> {
  const { numUpdatedRows } = await on(trx)
    .updateTable('assessment')
    .set({ is_valid: isValid ? 1 : 0 })
    .where('trace_no', '=', no)
    .where('id', '=', id)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

export async function removeAssessment(trx: Transaction<TraceTables>, id: string): Promise<void> {
  await on(trx).deleteFrom('assessment').where('id', '=', id).execute()
}

/** What was said of traces on behalf of these runs. */
export async function removeAssessmentsOfRuns(trx: Transaction<TraceTables>, runIds: readonly string[]): Promise<void> {
  for (const ids of chunksOf(runIds)) await on(trx).deleteFrom('assessment').where('run_id', 'in', ids).execute()
}
