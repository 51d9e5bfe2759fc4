// The only file that reads or writes the tables trace, trace_tag and trace_metadata.
import { sql } from 'kysely'
import type { ExperimentTables } from '../../experiments/tables.ts'
import { insertRows, type BulkInsert, type ColumnType } from '../../platform/bulk-insert.ts'
import { on, type Db, type Transaction } from '../../platform/database.ts'
import type { Assessment } from '../assessment.ts'
import { costKeys, tokenKeys, type Cost, type Tokens } from '../derive/usage.ts'
import { tagKeys } from '../keys.ts'
import { chunksOf } from '../../platform/chunks.ts'
import { storable, type KeyValueRow, type TraceRow, type TraceTables } from '../tables.ts'
import { inTurns } from '../turns.ts'
import type { Trace, TraceState } from '../trace.ts'

export type StoredTrace = TraceRow & { no: number }
export type KeyValueTable = 'trace_tag' | 'trace_metadata'

/** In one turn of the event loop: a batch of spans may be of many thousand traces. */
const perTurn = { items: 512 }

/** Ids that have no trace are left out. */
export async function readRows(db: Db<TraceTables>, ids: readonly string[]): Promise<StoredTrace[]> {
  const found: StoredTrace[] = []
  for await (const chunk of inTurns(ids, perTurn)) {
    found.push(...(await on(db).selectFrom('trace').selectAll().where('id', 'in', chunk).execute()))
  }
  return found
}

export async function readRow(db: Db<TraceTables>, id: string): Promise<StoredTrace | undefined> {
  return on(db).selectFrom('trace').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function readRowsByNo(db: Db<TraceTables>, nos: readonly number[]): Promise<StoredTrace[]> {
  if (nos.length === 0) return []
  return on(db)
    .selectFrom('trace')
    .selectAll()
    .where('no', 'in', [...nos])
    .execute()
}

/** By the short numbers of traces. */
export async function readPairs(
  db: Db<TraceTables>,
  table: KeyValueTable,
  nos: readonly number[],
): Promise<Map<number, Record<string, string>>> {
  const found = new Map<number, [string, string][]>()
  for (const chunk of chunksOf(nos)) {
    const rows = await on(db).selectFrom(table).selectAll().where('trace_no', 'in', chunk).execute()
    for (const { trace_no: no, key, value } of rows) {
      const pairs = found.get(no) ?? []
      pairs.push([key, value])
      found.set(no, pairs)
    }
  }
  // fromEntries makes own properties, `__proto__` included.
  return new Map(Array.from(found, ([no, pairs]) => [no, Object.fromEntries(pairs)]))
}

/** Artifact locations of experiments, by their ids. */
export async function readLocations(
  db: Db<ExperimentTables>,
  experimentIds: readonly number[],
): Promise<Map<number, string>> {
  if (experimentIds.length === 0) return new Map()
  const rows = await on(db)
    .selectFrom('experiment')
    .select(['id', 'artifact_location'])
    .where('id', 'in', [...new Set(experimentIds)])
    .execute()
  return new Map(rows.map((row) => [row.id, row.artifact_location]))
}

export interface TraceParts {
  readonly location: string
  readonly tags: Readonly<Record<string, string>>
  readonly metadata: Readonly<Record<string, string>>
  readonly assessments: readonly Assessment[]
}

/** Where a trace keeps files: attachments, and the spans that clients of old write. */
export const artifactLocationOf = (experimentLocation: string, traceId: string): string =>
  `${experimentLocation.replace(/\/$/v, '')}/traces/${traceId}/artifacts`

export function traceOf(row: StoredTrace, parts: TraceParts): Trace {
  const tags = {
    [tagKeys.artifactLocation]: artifactLocationOf(parts.location, row.id),
    ...parts.tags,
    ...(row.name === null ? {} : { [tagKeys.name]: row.name }),
  }
  return {
    id: row.id,
    experimentId: row.experiment_id,
    startedAtMs: row.started_at_ms,
    durationMs: row.duration_ms,
    state: row.state as TraceState,
    name: row.name,
    sessionId: row.session_id,
    clientRequestId: row.client_request_id,
    requestPreview: row.request_preview,
    responsePreview: row.response_preview,
    tokens: countsOf<Tokens>(row, tokenKeys),
    cost: countsOf<Cost>(row, costKeys),
    tags,
    metadata: parts.metadata,
    assessments: parts.assessments,
  }
}

function countsOf<T>(row: StoredTrace, keys: readonly (keyof TraceRow)[]): T | null {
  const counted = keys.flatMap((key) => (row[key] === null ? [] : [[key, row[key]] as const]))
  return counted.length > 0 ? (Object.fromEntries(counted) as T) : null
}

/** The columns of what is counted: a key that is not there leaves its column as it is. */
export const columnsOf = (counts: Tokens & Cost): Partial<TraceRow> => counts

const columns = {
  id: 'text',
  experiment_id: 'integer',
  started_at_ms: 'bigint',
  duration_ms: 'bigint',
  state: 'text',
  client_request_id: 'text',
  request_preview: 'text',
  response_preview: 'text',
  name: 'text',
  session_id: 'text',
  input_tokens: 'bigint',
  output_tokens: 'bigint',
  total_tokens: 'bigint',
  cache_read_input_tokens: 'bigint',
  cache_creation_input_tokens: 'bigint',
  cache_creation_input_tokens_above_1hr: 'bigint',
  input_cost: 'double precision',
  output_cost: 'double precision',
  total_cost: 'double precision',
} as const satisfies Record<keyof TraceRow, ColumnType>
const names = Object.keys(columns) as (keyof TraceRow)[]
const traceInsert: BulkInsert = { table: 'trace', columns, after: 'returning no, id' }

/** What is not in a row is null. Answers the short numbers, in the order of the rows. */
export async function insertTraces(trx: Transaction<TraceTables>, rows: readonly NewTraceRow[]): Promise<number[]> {
  const stored = await insertRows<{ no: number; id: string }>(
    trx,
    traceInsert,
    rows.map((row) => names.map((name) => storable(row[name] ?? null))),
  )
  const nos = new Map(stored.map(({ no, id }) => [id, Number(no)]))
  return rows.map(({ id }) => nos.get(id)!)
}

export type NewTraceRow = Pick<TraceRow, 'id' | 'experiment_id' | 'started_at_ms' | 'duration_ms' | 'state'> &
  Partial<TraceRow>

export async function updateTrace(trx: Transaction<TraceTables>, no: number, change: Partial<TraceRow>): Promise<void> {
  if (Object.keys(change).length === 0) return
  const stored = Object.fromEntries(Object.entries(change).map(([name, value]) => [name, storable(value)]))
  await on(trx).updateTable('trace').set(stored).where('no', '=', no).execute()
}

/** In the order of their keys for all writers: no two wait for each other. */
export async function putPairs(
  trx: Transaction<TraceTables>,
  table: KeyValueTable,
  rows: readonly KeyValueRow[],
): Promise<void> {
  const sorted = rows.toSorted((a, b) => a.trace_no - b.trace_no || (a.key < b.key ? -1 : 1))
  await insertRows(
    trx,
    { table, columns: pairColumns, after: 'on conflict (trace_no, key) do update set value = excluded.value' },
    sorted.map(({ trace_no: no, key, value }) => [no, storable(key), storable(value)]),
  )
}
const pairColumns = { trace_no: 'bigint', key: 'text', value: 'text' } as const

/** Whether there was one. */
export async function deleteTag(trx: Transaction<TraceTables>, no: number, key: string): Promise<boolean> {
  const { numDeletedRows } = await on(trx)
    .deleteFrom('trace_tag')
    .where('trace_no', '=', no)
    .where('key', '=', key)
    .executeTakeFirstOrThrow()
  return numDeletedRows > 0n
}

/** One value of many traces, by their numbers. */
export async function readValues(
  db: Db<TraceTables>,
  table: KeyValueTable,
  { key, nos }: { key: string; nos: readonly number[] },
): Promise<Map<number, string>> {
  const found = new Map<number, string>()
  for await (const part of inTurns(nos, perTurn)) {
    const rows = await on(db)
      .selectFrom(table)
      .select(['trace_no', 'value'])
      .where('trace_no', 'in', part)
      .where('key', '=', key)
      .execute()
    for (const row of rows) found.set(row.trace_no, row.value)
  }
  return found
}

export interface TraceSelection {
  readonly experimentId: number
  /** Those that started then or before. */
  readonly untilMs?: number | undefined
  readonly ids?: readonly string[] | undefined
  readonly limit: number
}

/** The oldest first. */
export async function selectForDelete(
  db: Db<TraceTables>,
  selection: TraceSelection,
): Promise<{ no: number; id: string }[]> {
  let query = on(db)
    .selectFrom('trace')
    .select(['no', 'id'])
    .where('experiment_id', '=', selection.experimentId)
    .orderBy('started_at_ms')
    .orderBy('id')
    .limit(selection.limit)
  if (selection.untilMs !== undefined) query = query.where('started_at_ms', '<=', selection.untilMs)
  if (selection.ids) query = query.where('id', 'in', [...selection.ids])
  return query.execute()
}

/** With all that hangs on them. */
export async function deleteRows(trx: Transaction<TraceTables>, nos: readonly number[]): Promise<void> {
  await on(trx)
    .deleteFrom('trace')
    .where('no', 'in', [...nos])
    .execute()
}

/** Spans carry their trace's experiment, to be counted without it. */
export async function moveSpans(trx: Transaction<TraceTables>, no: number, experimentId: number): Promise<void> {
  await sql`update span set experiment_id = ${experimentId} where trace_no = ${no}`.execute(on(trx))
}
