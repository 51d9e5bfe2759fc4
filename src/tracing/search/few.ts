// The traces that a filter leaves when they are few: then a search reads those, and does not walk its order past a hundred thousand others.
import { sql, type RawBuilder } from 'kysely'
import { on, type Db } from '../../platform/database.ts'
import { compareNumber } from '../../platform/sql-comparisons.ts'
import { metadataKeys, tagKeys } from '../keys.ts'
import type { TraceTables } from '../tables.ts'
import { rowOf } from './assessments.ts'
import type { TraceComparison, TraceFilter } from './comparison.ts'
import { conjuncts, isNumberOperator } from './conditions.ts'

/** Beyond it, walking the order finds a page soon enough. */
const fewMax = 1000

/** Numbers of a superset of the traces that pass; undefined when whatever an index answers leaves many. */
export async function findFew(
  db: Db<TraceTables>,
  filter: TraceFilter,
  experimentIds: readonly number[] | undefined,
): Promise<readonly number[] | undefined> {
  for (const part of conjuncts(filter)) {
    const query = 'entity' in part ? indexedQuery(part, experimentIds) : undefined
    if (!query) continue
    const { rows } = await sql<{ no: number }>`${query} limit ${fewMax + 1}`.execute(on(db))
    if (rows.length <= fewMax) return [...new Set(rows.map(({ no }) => no))]
  }
  return undefined
}

/** As in the indexes, which hold the start of a text. */
const startOf = (value: string): RawBuilder<unknown> => sql`substr(cast(${value} as text), 1, 200)`

function indexedQuery(
  comparison: TraceComparison,
  experimentIds: readonly number[] | undefined,
): RawBuilder<unknown> | undefined {
  const { entity, key, operator, value } = comparison
  if (entity === 'attribute' && key === 'request_id' && operator === 'IN' && Array.isArray(value)) {
    return sql`select no from trace where id in (${sql.join([...(value as readonly string[])])})`
  }
  if (entity === 'attribute' && key === 'execution_time_ms' && experimentIds)
    return durationQuery(comparison, experimentIds)
  if (operator !== '=' || typeof value !== 'string') return undefined
  switch (entity) {
    case 'attribute':
      return attributeQuery(key, value, experimentIds)
    case 'tag':
      if (key === tagKeys.linkedPrompts) return linkQuery('prompt', value)
      if (key === tagKeys.name) {
        const named = sql`substr(name, 1, 200) = ${startOf(value)} and name = ${value}`
        return experimentIds && sql`select no from trace where ${within(experimentIds)} and ${named}`
      }
      return key === tagKeys.artifactLocation ? undefined : pairQuery('trace_tag', key, value)
    case 'metadata':
      if (key === metadataKeys.session) return sql`select no from trace where session_id = ${value}`
      if (key === metadataKeys.tokens || key === metadataKeys.cost) return undefined
      if (key !== metadataKeys.sourceRun) return pairQuery('trace_metadata', key, value)
      return sql`select no from (${linkQuery('run', value)} union all ${pairQuery('trace_metadata', key, value)}) r`
    case 'span':
      return spanQuery(key, value)
    case 'issue':
      return sql`select trace_no as no from assessment where kind = 'issue' and substr(name, 1, 200) = ${startOf(value)} and name = ${value}`
    case 'feedback':
    case 'expectation':
      return assessmentQuery(comparison)
  }
}

const within = (experimentIds: readonly number[]): RawBuilder<unknown> =>
  experimentIds.length === 0 ? sql`1 = 0` : sql`experiment_id in (${sql.join([...experimentIds])})`

function attributeQuery(
  key: string,
  value: string,
  experimentIds: readonly number[] | undefined,
): RawBuilder<unknown> | undefined {
  if (key === 'request_id') return sql`select no from trace where id = ${value}`
  if (key === 'client_request_id') return sql`select no from trace where client_request_id = ${value}`
  if (key === 'status' && experimentIds) {
    return sql`select no from trace where ${within(experimentIds)} and state = ${value}`
  }
  return undefined
}

function durationQuery(
  { operator, value }: TraceComparison,
  experimentIds: readonly number[],
): RawBuilder<unknown> | undefined {
  if (operator === '!=' || !isNumberOperator(operator) || (typeof value !== 'number' && typeof value !== 'bigint')) {
    return undefined
  }
  const bound = compareNumber(sql.ref('duration_ms'), { operator, value })
  return sql`select no from trace where ${within(experimentIds)} and ${bound}`
}

const linkQuery = (kind: 'prompt' | 'run', target: string): RawBuilder<unknown> =>
  sql`select trace_no as no from trace_link where kind = ${kind} and target = ${target}`

const pairQuery = (table: 'trace_tag' | 'trace_metadata', key: string, value: string): RawBuilder<unknown> =>
  sql`select trace_no as no from ${sql.table(table)} where key = ${key} and substr(value, 1, 200) = ${startOf(value)} and value = ${value}`

function spanQuery(key: string, value: string): RawBuilder<unknown> | undefined {
  if (key === 'name' || key === 'type') {
    const column = sql.ref(key)
    return sql`select distinct trace_no as no from span where substr(${column}, 1, 200) = ${startOf(value)} and ${column} = ${value}`
  }
  // The index of errors.
  return key === 'status' && value === 'ERROR'
    ? sql`select distinct trace_no as no from span where status = 'ERROR'`
    : undefined
}

/** With the other traces of the sessions that it was said about. */
function assessmentQuery(comparison: TraceComparison): RawBuilder<unknown> {
  const spellings = [String(comparison.value), JSON.stringify(String(comparison.value))]
  const starts = sql.join(spellings.map((spelling) => startOf(spelling)))
  const row = sql`${rowOf(comparison)} and substr(a.value, 1, 200) in (${starts}) and a.value in (${sql.join(spellings)})`
  return sql`select no from (
    select a.trace_no as no from assessment a where ${row}
    union all
    select t.no from assessment a join trace o on o.no = a.trace_no join trace t on t.session_id = o.session_id
      where a.is_of_session = 1 and ${row}) r`
}
