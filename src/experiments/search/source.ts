// Which runs an index gives for a condition: a superset of those that it holds for, and what reading them costs.
import { sql, type RawBuilder } from 'kysely'
import type { DatabaseKind } from '../../platform/database.ts'
import { compareNumber } from '../../platform/sql-comparisons.ts'
import {
  inList,
  inputHolds,
  keyedTable,
  metricValue,
  startLength,
  startOf,
  startText,
  textComparison,
} from './condition.ts'
import { parseField, type Field, type RunCondition, type RunFilter } from './filter.ts'

/** Ids of runs, each once: `select … as id`. */
export type IdQuery = RawBuilder<{ id: string }>

/** An index that is read where the matching runs are, or the whole of one key's values that have to be looked at (`isScan`). */
export interface IndexRead {
  readonly ids: IdQuery
  readonly isScan: boolean
  /** Parts of the condition that hold for each run that is read: they need not be looked at again. */
  readonly covers: readonly RunCondition[]
  /** What is covered too when the index turns out to hold all values that were read, and not only the starts of long ones. */
  readonly ifWhole?: {
    readonly ids: RawBuilder<{ id: string; cut: unknown }>
    readonly covers: readonly RunCondition[]
  }
}

/** Nothing to read from, but how many of all runs have the key that the wanted ones lack. */
export interface Absence {
  readonly present: IdQuery
}

/** What the runs of a condition can be read from: one index, the cheapest of several, or several together. */
export type Source =
  | IndexRead
  | Absence
  | { readonly cheapest: readonly Source[] }
  | { readonly together: readonly Source[]; readonly covers: readonly RunCondition[] }

/** Undefined where no index helps. */
export function sourceOf(condition: RunCondition, kind: DatabaseKind): Source | undefined {
  if ('not' in condition) return undefined
  if ('any' in condition) {
    const parts = condition.any.map((part) => sourceOf(part, kind))
    const together = parts.filter((part) => part !== undefined)
    const isCovered = together.every((part, at) => 'covers' in part && part.covers.includes(condition.any[at]!))
    return together.length === parts.length ? { together, covers: isCovered ? [condition] : [] } : undefined
  }
  if (!('all' in condition)) return readOf(condition, kind)
  const flat = conjuncts(condition)
  const ranges = Map.groupBy(flat.filter(isRange), ({ field }) => field)
  const others = flat.filter((part) => !isRange(part)).map((part) => sourceOf(part, kind))
  const reads = [...ranges.values()].map((filters) => rangeRead(filters))
  const cheapest = [...reads, ...others].filter((part) => part !== undefined)
  return cheapest.length === 0 ? undefined : cheapest.length === 1 ? cheapest[0] : { cheapest }
}

/** The parts that must all hold. */
export const conjuncts = (condition: RunCondition): RunCondition[] =>
  'all' in condition ? condition.all.flatMap(conjuncts) : [condition]

type Metric = Extract<Field, { kind: 'metric' }>
type Time = Extract<Field, { kind: 'time' }>
export const rangeOperators: ReadonlySet<string> = new Set(['=', '<', '<=', '>', '>='])

/** Of a metric's latest value or a time: those of one field are one range of its index. */
export function isRange(part: RunCondition): part is RunFilter {
  if (!('field' in part) || !rangeOperators.has(part.operator)) return false
  const field = parseField(part.field)
  if (field.kind === 'time') return Number.isSafeInteger(part.value) || typeof part.value === 'bigint'
  return field.kind === 'metric' && field.part === 'latest' && part.value !== 'NaN'
}

const rangeRead = (filters: readonly RunFilter[]): IndexRead => {
  const field = parseField(filters[0]!.field) as Metric | Time
  return field.kind === 'metric' ? metricRead(field, filters) : timeRead(field, filters)
}

/** The comparisons of that field which all matching runs pass, where they are a range of its index. */
export const rangesOf = (condition: RunCondition, field: Field): RunFilter[] => {
  return conjuncts(condition)
    .filter(isRange)
    .filter((part) => JSON.stringify(parseField(part.field)) === JSON.stringify(field))
}

function readOf(filter: RunFilter, kind: DatabaseKind): IndexRead | Absence | undefined {
  const field = parseField(filter.field)
  switch (field.kind) {
    case 'metric':
      if (filter.operator !== 'missing') return metricRead(field, [filter])
      return { present: metricRead(field, [{ field: filter.field, operator: 'present' }]).ids }
    case 'param':
    case 'tag':
      return keyedRead(filter, field, kind)
    case 'input':
      return inputRead(filter, field, kind)
    case 'time':
      return isRange(filter) ? timeRead(field, [filter]) : undefined
    case 'text':
      return columnRead(filter, field, kind)
  }
}

const read = (ids: IdQuery, covers: readonly RunCondition[] = []): IndexRead => ({ ids, isScan: false, covers })

/** Of its least and greatest value, too: the index has both beside the latest. */
function metricRead({ key, part }: Metric, filters: readonly RunFilter[]): IndexRead {
  const bounds = filters.flatMap((filter) => {
    if (filter.operator === 'present') return part === 'latest' ? [] : [sql`${sql.ref(part)} is not null`]
    const { operator, value } = metricValue(filter)
    if (part !== 'latest') return [compareNumber(sql.ref(part), { operator, value })]
    if (Number.isNaN(value)) return [compareNumber(sql`latest_is_nan`, { operator, value: 1 })]
    if (operator === '!=') return [sql`(latest_is_nan = 1 or latest <> ${value})`]
    return [sql`latest_is_nan = 0`, compareNumber(sql`latest`, { operator, value })]
  })
  const ids: IdQuery = sql`select run_id as id from run_metric where ${sql.join([sql`key = ${key}`, ...bounds], sql` and `)}`
  return { ...read(ids, filters), isScan: part !== 'latest' }
}

function keyedRead(
  filter: RunFilter,
  field: Extract<Field, { kind: 'param' | 'tag' }>,
  kind: DatabaseKind,
): IndexRead | Absence | undefined {
  const { operator, value } = filter
  const query = (condition: RawBuilder<boolean>): IdQuery =>
    sql`select run_id as id from ${keyedTable(field.kind)} where key = ${field.key} and ${condition}`
  if (operator === 'missing') return { present: query(sql`1 = 1`) }
  if (operator === 'present') return read(query(sql`1 = 1`), [filter])
  const start = startOf(sql`value`)
  if (operator === '=' || operator === 'in') {
    const values = Array.isArray(value) ? (value as readonly string[]) : [String(value)]
    const isWhole = values.every((text) => text.length < startLength)
    const starts = values.map((text) => startText(text))
    return read(query(inList(start, { values: starts, kind })), isWhole ? [filter] : [])
  }
  if (operator === '!=' || operator === 'not in') return read(query(sql`1 = 1`))
  // What the index does not hold to its end may match further on.
  const isCut = sql<boolean>`length(${start}) = ${sql.lit(startLength)}`
  const rows = sql`from ${keyedTable(field.kind)}
    where key = ${field.key} and (${textComparison(filter, start, kind)} or ${isCut})`
  const ifWhole = {
    ids: sql<{ id: string; cut: unknown }>`select run_id as id, ${isCut} as cut ${rows}`,
    covers: [filter],
  }
  return { ids: sql`select run_id as id ${rows}`, isScan: true, covers: [], ifWhole }
}

function inputRead(filter: RunFilter, field: Extract<Field, { kind: 'input' }>, kind: DatabaseKind): IndexRead {
  const holds = inputHolds(filter, { field, kind })
  return read(
    sql`select distinct i.run_id as id from logged_dataset f inner join run_dataset i on i.dataset_id = f.id where ${holds}`,
    [filter],
  )
}

function timeRead({ column }: Time, filters: readonly RunFilter[]): IndexRead {
  const bounds = filters.map(({ operator, value }) => sql`${sql.ref(column)} ${sql.raw(operator)} ${value}`)
  return read(sql`select id from run where ${sql.join(bounds, sql` and `)}`, filters)
}

function columnRead(
  filter: RunFilter,
  { column }: Extract<Field, { kind: 'text' }>,
  kind: DatabaseKind,
): IndexRead | undefined {
  const { operator } = filter
  const query: IdQuery = sql`select id from run where ${textComparison(filter, sql.ref(column), kind)}`
  if ((operator === '=' || operator === 'in') && (column === 'id' || column === 'name')) return read(query, [filter])
  return operator === '!=' || operator === 'not in' ? undefined : { ids: query, isScan: true, covers: [filter] }
}
