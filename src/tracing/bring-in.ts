// Bringing over traces that another program kept: with the ids and times that they had.
import type { Transaction } from '../platform/database.ts'
import type { Assessment } from './assessment.ts'
import { putAssessment } from './stores/assessment-store.ts'
import { putLinks } from './stores/link-store.ts'
import { putSpans } from './stores/span-store.ts'
import { insertTraces, putPairs, readRow, type NewTraceRow } from './stores/trace-store.ts'
import type { SpanRow, TraceTables } from './tables.ts'

export interface BroughtTrace {
  readonly row: NewTraceRow
  readonly tags: Readonly<Record<string, string>>
  readonly metadata: Readonly<Record<string, string>>
  readonly spans: readonly { readonly row: Omit<SpanRow, 'trace_no' | 'tokens'>; readonly content: string }[]
  readonly assessments: readonly Assessment[]
  /** Runs, and `<name>/<version>` of prompts. */
  readonly runs: readonly string[]
  readonly prompts: readonly string[]
}

/** A trace that is here already stays as it is. */
export async function bringTrace(trx: Transaction<TraceTables>, trace: BroughtTrace): Promise<void> {
  if (await readRow(trx, trace.row.id)) return
  const [no] = await insertTraces(trx, [trace.row])
  if (no === undefined) throw new Error('a trace that was stored has a number')
  const pairs = (texts: Readonly<Record<string, string>>) =>
    Object.entries(texts).map(([key, value]) => ({ trace_no: no, key, value }))
  await putPairs(trx, 'trace_tag', pairs(trace.tags))
  await putPairs(trx, 'trace_metadata', pairs(trace.metadata))
  await putSpans(
    trx,
    trace.spans.map(({ row, content }) => ({ row: { ...row, trace_no: no, tokens: null }, content })),
  )
  for (const assessment of trace.assessments) await putAssessment(trx, no, assessment)
  const links = (targets: readonly string[]) => targets.map((target) => ({ no, target }))
  await putLinks(trx, 'run', links(trace.runs))
  await putLinks(trx, 'prompt', links(trace.prompts))
}
