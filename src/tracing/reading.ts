// Reading traces: what is known of them, and their spans.
import type { ExperimentTables } from '../experiments/tables.ts'
import type { Db } from '../platform/database.ts'
import { metadataKeys, tagKeys } from './keys.ts'
import { parsedOrText } from './python-json.ts'
import { readAssessments } from './stores/assessment-store.ts'
import { readContents } from './stores/span-store.ts'
import { readLocations, readPairs, readRow, readRows, traceOf, type StoredTrace } from './stores/trace-store.ts'
import type { TraceTables } from './tables.ts'
import { spansHere, traceNotFound, type Trace } from './trace.ts'

export type ReadingTables = TraceTables & ExperimentTables

/** @throws DomainError trace_not_found */
export async function getTrace(db: Db<ReadingTables>, id: string): Promise<Trace> {
  const row = await readRow(db, id)
  if (!row) throw traceNotFound(id)
  const [trace] = await tracesOfRows(db, [row])
  return trace!
}

/** In the order asked for, each once; those that are not there are left out. */
export async function getTraces(db: Db<ReadingTables>, ids: readonly string[]): Promise<Trace[]> {
  const wanted = [...new Set(ids)]
  const traces = await tracesOfRows(db, await readRows(db, wanted))
  const byId = new Map(traces.map((trace) => [trace.id, trace]))
  return wanted.flatMap((id) => byId.get(id) ?? [])
}

/** In the order of the rows. */
export async function tracesOfRows(db: Db<ReadingTables>, rows: readonly StoredTrace[]): Promise<Trace[]> {
  const nos = rows.map(({ no }) => no)
  const tags = await readPairs(db, 'trace_tag', nos)
  const metadata = await readPairs(db, 'trace_metadata', nos)
  const assessments = await readAssessments(db, nos)
  const locations = await readLocations(
    db,
    rows.map((row) => row.experiment_id),
  )
  return rows.map((row) =>
    traceOf(row, {
      location: locations.get(row.experiment_id) ?? '',
      tags: tags.get(row.no) ?? {},
      metadata: metadata.get(row.no) ?? {},
      assessments: assessments.get(row.no) ?? [],
    }),
  )
}

export interface TraceWithSpans {
  readonly trace: Trace
  /** The texts of its spans (span.ts), roots first, then by time; undefined where they are kept in a file of the trace's artifacts. */
  readonly contents: readonly string[] | undefined
  /** Whether all spans are here that the client said there are. */
  readonly isComplete: boolean
}

/** In the order asked for; those that are not there are left out. */
export async function readWithSpans(db: Db<ReadingTables>, ids: readonly string[]): Promise<TraceWithSpans[]> {
  const wanted = [...new Set(ids)]
  const rows = await readRows(db, wanted)
  const byId = new Map((await tracesOfRows(db, rows)).map((trace) => [trace.id, trace]))
  const here = rows.filter(({ id }) => byId.get(id)?.tags[tagKeys.spansLocation] === spansHere)
  const contents = await readContents(
    db,
    here.map(({ no }) => no),
  )
  const contentsById = new Map(here.map(({ id, no }) => [id, contents.get(no) ?? []]))
  return wanted.flatMap((id) => {
    const trace = byId.get(id)
    if (!trace) return []
    const found = contentsById.get(id)
    return [{ trace, contents: found, isComplete: (found?.length ?? 0) >= expectedSpans(trace) }]
  })
}

function expectedSpans(trace: Trace): number {
  const text = trace.metadata[metadataKeys.sizes]
  const sizes = text === undefined ? undefined : parsedOrText(text)
  const count = typeof sizes === 'object' && sizes !== null ? (sizes as { num_spans?: unknown }).num_spans : undefined
  return typeof count === 'number' ? count : 0
}
