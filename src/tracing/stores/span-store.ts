// The only file that reads or writes the tables span and span_content.
import { sql } from 'kysely'
import { insertRows, type BulkInsert, type ColumnType } from '../../platform/bulk-insert.ts'
import { on, type Db, type Transaction } from '../../platform/database.ts'
import type { CountingSpan } from '../derive/usage.ts'
import { chunksOf } from '../../platform/chunks.ts'
import { storable, type SpanRow, type TraceTables } from '../tables.ts'
import { inTurns } from '../turns.ts'

export interface NewSpan {
  readonly row: SpanRow
  readonly content: string
}

const columns = {
  trace_no: 'bigint',
  span_id: 'text',
  parent_span_id: 'text',
  experiment_id: 'integer',
  name: 'text',
  type: 'text',
  status: 'text',
  started_at_ns: 'bigint',
  ended_at_ns: 'bigint',
  tokens: 'text',
  input_cost: 'double precision',
  output_cost: 'double precision',
  total_cost: 'double precision',
  model_name: 'text',
  model_provider: 'text',
} as const satisfies Record<keyof SpanRow, ColumnType>
const names = Object.keys(columns) as (keyof SpanRow)[]
const replaced = names.filter((name) => name !== 'trace_no' && name !== 'span_id' && name !== 'experiment_id')
const spanInsert: BulkInsert = {
  table: 'span',
  columns,
  after: `on conflict (trace_no, span_id) do update set ${replaced.map((name) => `${name} = excluded.${name}`).join(', ')}`,
}
const contentInsert: BulkInsert = {
  table: 'span_content',
  columns: { trace_no: 'bigint', span_id: 'text', content: 'text' },
  after: 'on conflict (trace_no, span_id) do update set content = excluded.content',
}

/** Written in one turn of the event loop: some ten milliseconds on SQLite, whose connection is synchronous. */
const perTurn = { items: 512, size: { of: ({ content }: NewSpan): number => content.length, most: 2 * 1024 * 1024 } }

/** A span that is sent again takes the place of what it was; of one call each span is another. A large batch lets others have their turns. */
export async function putSpans(trx: Transaction<TraceTables>, spans: readonly NewSpan[]): Promise<void> {
  for await (const chunk of inTurns(spans, perTurn)) {
    await insertRows(
      trx,
      spanInsert,
      chunk.map(({ row }) => names.map((name) => storable(row[name]))),
    )
    await insertRows(
      trx,
      contentInsert,
      chunk.map(({ row, content }) => [row.trace_no, row.span_id, content]),
    )
  }
}

/** Their texts by trace, roots first, then by time. */
export async function readContents(db: Db<TraceTables>, nos: readonly number[]): Promise<Map<number, string[]>> {
  const found = new Map<number, string[]>()
  for (const chunk of chunksOf(nos)) {
    const { rows } = await sql<{ no: number; content: string }>`
      select s.trace_no as no, c.content as content
      from span s join span_content c on c.trace_no = s.trace_no and c.span_id = s.span_id
      where s.trace_no in (${sql.join(chunk)})
      order by s.trace_no, case when s.parent_span_id is null then 0 else 1 end, s.started_at_ns`.execute(on(db))
    for (const { no, content } of rows) {
      const contents = found.get(no) ?? []
      contents.push(content)
      found.set(no, contents)
    }
  }
  return found
}

export interface Counting {
  readonly tokens: CountingSpan
  readonly cost: CountingSpan
}

/** What each span of a trace counts. */
export async function readCounting(db: Db<TraceTables>, no: number): Promise<Counting[]> {
  const rows = await on(db)
    .selectFrom('span')
    .select(['span_id', 'parent_span_id', 'tokens', 'input_cost', 'output_cost', 'total_cost'])
    .where('trace_no', '=', no)
    .execute()
  return rows.map((row) => countingOf(row))
}

export function countingOf(
  row: Pick<SpanRow, 'span_id' | 'parent_span_id' | 'tokens' | 'input_cost' | 'output_cost' | 'total_cost'>,
): Counting {
  const span = { spanId: row.span_id, parentSpanId: row.parent_span_id }
  const { input_cost, output_cost, total_cost } = row
  const hasCost = input_cost !== null || output_cost !== null || total_cost !== null
  return {
    tokens: { ...span, counts: row.tokens === null ? null : (JSON.parse(row.tokens) as Record<string, unknown>) },
    cost: { ...span, counts: hasCost ? { input_cost, output_cost, total_cost } : null },
  }
}
