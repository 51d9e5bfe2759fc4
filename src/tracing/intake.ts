// Spans arrive: they are kept, and their traces are made or brought up to date, in one transaction.
import { experimentNotFound } from '../experiments/experiment.ts'
import type { ExperimentTables } from '../experiments/tables.ts'
import type { Transaction } from '../platform/database.ts'
import { DomainError } from '../platform/errors.ts'
import { findingsOf, sentTracesOf, type TagRule, type TraceFindings } from './derive/spans.ts'
import { addUpCost, addUpTokens, type Cost, type Tokens } from './derive/usage.ts'
import { metadataKeys, tagKeys } from './keys.ts'
import type { Span } from './span.ts'
import { countingOf, putSpans, readCounting, type Counting } from './stores/span-store.ts'
import {
  columnsOf,
  insertTraces,
  putPairs,
  readLocations,
  readRows,
  readValues,
  updateTrace,
  type NewTraceRow,
  type StoredTrace,
} from './stores/trace-store.ts'
import type { KeyValueRow, TraceRow, TraceTables } from './tables.ts'
import { spansHere } from './trace.ts'
import { inTurns } from './turns.ts'

export type { TagRule, TraceFindings } from './derive/spans.ts'
export type IntakeTables = TraceTables & ExperimentTables
type Trx = Transaction<IntakeTables>

/** A batch may be of many thousand traces. */
const perTurn = { items: 512 }
/** Each is a statement or two. */
const updatesPerTurn = { items: 64 }

/** What the spans of a batch come to, before the database is asked: done once, however often its transaction is tried. */
export const prepareSpans = async (spans: readonly Span[], tagOf: TagRule): Promise<readonly TraceFindings[]> =>
  (await sentTracesOf(spans)).map((sent) => findingsOf(sent, tagOf))

/**
 * Keeps spans. One that is sent again takes the place of what it was, so a batch may be sent again.
 * @throws DomainError experiment_not_found, trace_spans_elsewhere
 */
export async function logSpans(trx: Trx, experimentId: number, traces: readonly TraceFindings[]): Promise<void> {
  const known = new Map(
    (
      await readRows(
        trx,
        traces.map(({ traceId }) => traceId),
      )
    ).map((row) => [row.id, row]),
  )
  const created = traces.filter(({ traceId }) => !known.has(traceId))
  const knownNos = [...known.values()].map(({ no }) => no)
  await assertSpansAreHere(trx, [...known.values()], knownNos)
  const finalized = await readValues(trx, 'trace_metadata', { key: metadataKeys.finalized, nos: knownNos })
  const users = await readValues(trx, 'trace_metadata', { key: metadataKeys.user, nos: knownNos })
  const nos = new Map([...known].map(([id, { no }]) => [id, no]))
  if (created.length > 0 && (await readLocations(trx, [experimentId])).size === 0) {
    throw experimentNotFound(experimentId)
  }
  for await (const part of inTurns(created, perTurn)) {
    const inserted = await insertTraces(
      trx,
      part.map((each) => rowOf(experimentId, each)),
    )
    for (const [index, { traceId }] of part.entries()) nos.set(traceId, inserted[index]!)
  }
  // In the same order for all writers: no two wait for each other.
  const ordered = traces.map((each) => ({ no: nos.get(each.traceId)!, each })).toSorted((a, b) => a.no - b.no)
  for await (const part of inTurns(ordered, perTurn)) {
    await putSpans(
      trx,
      part.flatMap(({ no, each }) => {
        const place = { trace_no: no, experiment_id: known.get(each.traceId)?.experiment_id ?? experimentId }
        return each.spans.map(({ row, content }) => ({ row: { ...row, ...place }, content }))
      }),
    )
  }
  for await (const part of inTurns(ordered, updatesPerTurn)) {
    for (const { no, each } of part) {
      const row = known.get(each.traceId)
      if (row) await updateTrace(trx, no, await changeOf(trx, { row, each, isFinal: finalized.has(no) }))
    }
  }
  for await (const part of inTurns(ordered, perTurn)) {
    await putPairs(trx, 'trace_tag', part.flatMap(tagRows))
    const newUsers = part.filter(({ no, each }) => each.user !== null && !users.has(no))
    const key = metadataKeys.user
    await putPairs(
      trx,
      'trace_metadata',
      newUsers.map(({ no, each }) => ({ trace_no: no, key, value: each.user! })),
    )
  }
}

function tagRows({ no, each }: { no: number; each: TraceFindings }): KeyValueRow[] {
  const own = Array.from(each.tags, ([key, value]) => ({ trace_no: no, key, value }))
  return [
    ...own.filter(({ key }) => key !== tagKeys.spansLocation),
    { trace_no: no, key: tagKeys.spansLocation, value: spansHere },
  ]
}

/** A trace whose spans were put elsewhere cannot have some here too. */
async function assertSpansAreHere(trx: Trx, rows: readonly StoredTrace[], nos: readonly number[]): Promise<void> {
  const places = await readValues(trx, 'trace_tag', { key: tagKeys.spansLocation, nos })
  const elsewhere = rows.filter(({ no }) => (places.get(no) ?? spansHere) !== spansHere).map(({ id }) => id)
  if (elsewhere.length === 0) return
  const message = `the spans of ${elsewhere.map((id) => `"${id}"`).join(', ')} are kept elsewhere: no more can be added here`
  throw new DomainError('conflict', 'trace_spans_elsewhere', message, { ids: elsewhere })
}

const countingOfBatch = (each: TraceFindings): Counting[] => each.spans.map(({ row }) => countingOf(row))

function rowOf(experimentId: number, each: TraceFindings): NewTraceRow {
  return {
    id: each.traceId,
    experiment_id: experimentId,
    started_at_ms: each.startedAtMs,
    duration_ms: each.endedAtMs === null ? null : each.endedAtMs - each.startedAtMs,
    state: each.state ?? 'IN_PROGRESS',
    request_preview: each.requestPreview,
    response_preview: each.responsePreview,
    name: each.name,
    session_id: each.sessionId,
    ...sumsOf(countingOfBatch(each)),
  }
}

function sumsOf(counting: readonly Counting[]): Partial<TraceRow> {
  const tokens: Tokens = addUpTokens(counting.map((each) => each.tokens)) ?? {}
  const cost: Cost = addUpCost(counting.map((each) => each.cost)) ?? {}
  return columnsOf({ ...tokens, ...cost })
}

const tokensWereTold = (row: StoredTrace): boolean =>
  row.input_tokens !== null || row.output_tokens !== null || row.total_tokens !== null
const costWasTold = (row: StoredTrace): boolean =>
  row.input_cost !== null || row.output_cost !== null || row.total_cost !== null

interface Known {
  readonly row: StoredTrace
  readonly each: TraceFindings
  /** Whether the client has told what the trace is as a whole. */
  readonly isFinal: boolean
}

async function changeOf(trx: Trx, { row, each, isFinal }: Known): Promise<Partial<TraceRow>> {
  const isOpen = row.state === 'IN_PROGRESS' || row.state === 'STATE_UNSPECIFIED'
  return {
    ...(isFinal ? {} : timesOf(row, each)),
    ...(isOpen && each.state ? { state: each.state } : {}),
    ...(row.request_preview === null && each.requestPreview !== null ? { request_preview: each.requestPreview } : {}),
    ...(row.response_preview === null && each.responsePreview !== null
      ? { response_preview: each.responsePreview }
      : {}),
    ...(each.name === null ? {} : { name: each.name }),
    ...(row.session_id === null && each.sessionId !== null ? { session_id: each.sessionId } : {}),
    ...(await newSums(trx, { row, each, isFinal })),
  }
}

function timesOf(row: StoredTrace, each: TraceFindings): Partial<TraceRow> {
  const startedAtMs = Math.min(row.started_at_ms, each.startedAtMs)
  const known = row.duration_ms === null ? null : row.started_at_ms + row.duration_ms
  const ends = [known, each.endedAtMs].filter((end) => end !== null)
  return {
    started_at_ms: startedAtMs,
    duration_ms: ends.length === 0 ? null : Math.max(...ends) - startedAtMs,
  }
}

/** Over all spans of the trace: a parent that counts for its children may come in another batch than they. */
async function newSums(trx: Trx, { row, each, isFinal }: Known): Promise<Partial<TraceRow>> {
  const batch = countingOfBatch(each)
  const countsTokens = batch.some(({ tokens }) => tokens.counts) && !(isFinal && tokensWereTold(row))
  const countsCost = batch.some(({ cost }) => cost.counts) && !(isFinal && costWasTold(row))
  if (!countsTokens && !countsCost) return {}
  const counting = await readCounting(trx, row.no)
  const tokens = countsTokens ? (addUpTokens(counting.map((span) => span.tokens)) ?? {}) : {}
  const cost = countsCost ? (addUpCost(counting.map((span) => span.cost)) ?? {}) : {}
  return columnsOf({ ...tokens, ...cost })
}
