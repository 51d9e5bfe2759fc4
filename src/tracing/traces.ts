// What clients tell of whole traces: beginnings and ends, tags, links, deletion.
import { getActiveExperiment } from '../experiments/experiments.ts'
import type { ExperimentTables } from '../experiments/tables.ts'
import { transact, type Connection, type Db, type Transaction } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import type { Clock } from '../platform/clock.ts'
import type { NewAssessment } from './assessment.ts'
import { keepAssessments } from './assessments.ts'
import { countsOfMetadata } from './metadata.ts'
import { metadataKeys, tagKeys } from './keys.ts'
import { putLinks } from './stores/link-store.ts'
import {
  deleteRows,
  deleteTag,
  insertTraces,
  moveSpans,
  putPairs,
  readRow,
  readRows,
  readValues,
  selectForDelete,
  updateTrace,
  type NewTraceRow,
  type TraceSelection,
} from './stores/trace-store.ts'
import type { TraceTables } from './tables.ts'
import {
  assertLength,
  assertTraceId,
  linksMax,
  nameMax,
  spansHere,
  traceNotFound,
  traceTagNotFound,
  type Trace,
} from './trace.ts'

export type TracingTables = TraceTables & ExperimentTables
type Trx = Transaction<TracingTables>

/** What a client tells of a trace as a whole. Undefined leaves what is there. */
export interface ToldTrace extends Pick<
  Trace,
  'id' | 'experimentId' | 'startedAtMs' | 'durationMs' | 'state' | 'clientRequestId' | 'tags' | 'metadata'
> {
  readonly requestPreview: string | null
  readonly responsePreview: string | null
  readonly assessments?: readonly NewAssessment[] | undefined
  /** From here on its spans change neither its times nor its sums. */
  readonly isFinal: boolean
}

/**
 * Makes a trace, or brings one up to date that its spans have made.
 * @throws DomainError experiment_not_found, experiment_deleted, trace_id, trace_text_too_long, trace_spans_elsewhere
 */
export async function tellTrace(trx: Trx, clock: Clock, told: ToldTrace): Promise<void> {
  assertTraceId(told.id)
  const name = told.tags[tagKeys.name]
  if (name !== undefined) assertLength('Trace name', nameMax, name)
  await getActiveExperiment(trx, told.experimentId)
  const known = await readRow(trx, told.id)
  const change = changeOf(told)
  let no: number
  if (known) {
    no = known.no
    await assertSpansHere(trx, no, told.id)
    await updateTrace(trx, no, change)
    if (known.experiment_id !== told.experimentId) await moveSpans(trx, no, told.experimentId)
  } else {
    ;[no] = (await insertTraces(trx, [change])) as [number]
  }
  await putTexts(trx, no, told)
  await keepAssessments(trx, clock, { no, traceId: told.id, assessments: told.assessments ?? [] })
}

const changeOf = (told: ToldTrace): NewTraceRow => ({
  id: told.id,
  experiment_id: told.experimentId,
  started_at_ms: told.startedAtMs,
  duration_ms: told.durationMs,
  state: told.state,
  client_request_id: told.clientRequestId,
  ...(told.requestPreview === null ? {} : { request_preview: told.requestPreview }),
  ...(told.responsePreview === null ? {} : { response_preview: told.responsePreview }),
  ...(told.tags[tagKeys.name] === undefined ? {} : { name: told.tags[tagKeys.name]! }),
  ...countsOfMetadata(told.metadata),
})

/** Keys that are columns of the trace. */
const kept: ReadonlySet<string> = new Set([
  tagKeys.name,
  tagKeys.artifactLocation,
  metadataKeys.session,
  metadataKeys.tokens,
  metadataKeys.cost,
])

async function putTexts(trx: Trx, no: number, told: Pick<ToldTrace, 'tags' | 'metadata' | 'isFinal'>): Promise<void> {
  const rowsOf = (texts: Readonly<Record<string, string>>): { trace_no: number; key: string; value: string }[] =>
    Object.entries(texts).flatMap(([key, value]) => (kept.has(key) ? [] : [{ trace_no: no, key, value }]))
  const metadata = told.isFinal ? { ...told.metadata, [metadataKeys.finalized]: 'true' } : told.metadata
  await putPairs(trx, 'trace_tag', rowsOf(told.tags))
  await putPairs(trx, 'trace_metadata', rowsOf(metadata))
}

async function assertSpansHere(trx: Trx, no: number, id: string): Promise<void> {
  const place = (await readValues(trx, 'trace_tag', { key: tagKeys.spansLocation, nos: [no] })).get(no)
  if (place === undefined || place === spansHere) return
  const message = `the spans of "${id}" are kept elsewhere: it can no longer be changed as a whole`
  throw new DomainError('conflict', 'trace_spans_elsewhere', message, { ids: [id] })
}

export interface TraceEnd extends Pick<Trace, 'id' | 'state' | 'tags' | 'metadata'> {
  readonly endedAtMs: number
}

/** The end of a trace whose beginning was told. @throws DomainError trace_not_found, trace_text_too_long */
export async function endTrace(trx: Trx, end: TraceEnd): Promise<void> {
  const row = await getRow(trx, end.id)
  const name = end.tags[tagKeys.name]
  await updateTrace(trx, row.no, {
    duration_ms: end.endedAtMs - row.started_at_ms,
    state: end.state,
    ...(name === undefined ? {} : { name: assertLength('Trace name', nameMax, name) }),
    ...countsOfMetadata(end.metadata),
  })
  await putTexts(trx, row.no, { ...end, isFinal: false })
}

async function getRow(
  db: Db<TracingTables>,
  id: string,
): Promise<{ no: number; started_at_ms: number; name: string | null }> {
  const row = await readRow(db, id)
  if (!row) throw traceNotFound(id)
  return row
}

/** @throws DomainError trace_not_found */
export async function setTag(trx: Trx, id: string, { key, value }: { key: string; value: string }): Promise<void> {
  const { no } = await getRow(trx, id)
  if (key === tagKeys.name) await updateTrace(trx, no, { name: assertLength('Trace name', nameMax, value) })
  else await putPairs(trx, 'trace_tag', [{ trace_no: no, key, value }])
}

/** @throws DomainError trace_not_found, trace_tag_not_found */
export async function removeTag(trx: Trx, id: string, key: string): Promise<void> {
  const row = await readRow(trx, id)
  if (!row) throw traceTagNotFound(id, key)
  const isRemoved = key === tagKeys.name ? row.name !== null : await deleteTag(trx, row.no, key)
  if (!isRemoved) throw traceTagNotFound(id, key)
  if (key === tagKeys.name) await updateTrace(trx, row.no, { name: null })
}

/** Those that are not there are left out. @throws DomainError trace_links_too_many */
export async function linkToRun(trx: Trx, runId: string, traceIds: readonly string[]): Promise<void> {
  if (traceIds.length > linksMax) {
    const message = `${traceIds.length} traces: at most ${linksMax} are linked to a run at once`
    throw new DomainError('invalid', 'trace_links_too_many', message, { max: linksMax, count: traceIds.length })
  }
  const rows = await readRows(trx, [...new Set(traceIds)])
  await putLinks(
    trx,
    'run',
    rows.map(({ no }) => ({ no, target: runId })),
  )
}

export interface PromptVersion {
  readonly name: string
  readonly version: number
}

/** @throws DomainError trace_not_found */
export async function linkPrompts(trx: Trx, traceId: string, prompts: readonly PromptVersion[]): Promise<void> {
  if (prompts.length === 0) return
  const { no } = await getRow(trx, traceId)
  await putLinks(
    trx,
    'prompt',
    prompts.map(({ name, version }) => ({ no, target: `${name}/${version}` })),
  )
}

const deletedAtOnce = 200

/** What else goes with traces that are deleted, in the same transaction: rows of stages downstream. */
export type AlsoDeletedTraces = (trx: Transaction<TracingTables>, traceIds: readonly string[]) => Promise<void>

/** Ids of the traces that are gone, with what hung on them, a few at a time so that nobody waits long for it; the oldest first. */
export async function deleteTraces(
  db: Connection<TracingTables>,
  selection: Omit<TraceSelection, 'limit'> & {
    readonly max?: number | undefined
    readonly alsoDeleted?: AlsoDeletedTraces | undefined
  },
): Promise<string[]> {
  const deleted: string[] = []
  const { max = Number.POSITIVE_INFINITY, alsoDeleted, ...which } = selection
  while (deleted.length < max) {
    const limit = Math.min(deletedAtOnce, max - deleted.length)
    const rows = await transact(db, async (trx) => {
      const found = await selectForDelete(trx, { ...which, limit })
      if (found.length > 0) {
        await deleteRows(
          trx,
          found.map(({ no }) => no),
        )
        await alsoDeleted?.(
          trx,
          found.map(({ id }) => id),
        )
      }
      return found
    })
    deleted.push(...rows.map(({ id }) => id))
    if (rows.length < limit) break
  }
  return deleted
}
