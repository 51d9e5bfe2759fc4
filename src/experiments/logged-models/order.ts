// The order of a search of logged models: sort keys, and what follows the place where a page ended.
import { sql, type RawBuilder } from 'kysely'
import { DomainError } from '../../platform/errors.ts'
import { columnOf, isAbsent, measuredOn, type LoggedModelAttribute, type MeasuredOn } from './comparison.ts'

export interface LoggedModelOrder {
  readonly by: { readonly attribute: LoggedModelAttribute } | { readonly metric: string; readonly on?: MeasuredOn }
  readonly isAscending: boolean
}

/** Where a page ended: the values of its last model, in the order of the search. */
export type LoggedModelPlace = readonly (number | string | null)[]

export interface SortKey {
  readonly value: RawBuilder<unknown>
  readonly isAscending: boolean
  /** Never null, so that an index can give the order. */
  readonly isSet: boolean
}

/** What has no value comes last, either way. Then the newest first, then by id. */
export function keysOf(orderBy: readonly LoggedModelOrder[]): SortKey[] {
  const keys = orderBy.map(({ by, isAscending }): SortKey => {
    if ('metric' in by) return { value: newestPoint(by.metric, by.on), isAscending, isSet: false }
    const isSet = by.attribute !== 'modelType' && by.attribute !== 'sourceRunId'
    return { value: columnOf(by.attribute), isAscending, isSet }
  })
  const isOrdered = (attribute: LoggedModelAttribute): boolean =>
    orderBy.some(({ by }) => 'attribute' in by && by.attribute === attribute)
  if (!isOrdered('createdAtMs')) keys.push({ value: columnOf('createdAtMs'), isAscending: false, isSet: true })
  if (!isOrdered('id')) keys.push({ value: columnOf('id'), isAscending: true, isSet: true })
  return keys
}

/** The newest by time, then step; one that is NaN counts as none. */
const newestPoint = (key: string, dataset: MeasuredOn | undefined): RawBuilder<unknown> =>
  sql`(select case when p.is_nan = 1 then null else p.value end from logged_model_metric p
    where p.model_id = m.id and p.key = ${key} and ${measuredOn(dataset ? [dataset] : [])}
    order by p.at_ms desc, p.step desc, p.run_id limit 1)`

/** Holds for the one row of `logged_model_metric p` that is the newest of its model and key, unless that is NaN. */
export const isNewestPoint = (key: string, dataset: MeasuredOn | undefined): RawBuilder<boolean> => {
  const measured = dataset ? [dataset] : []
  const newer = sql`logged_model_metric q where q.model_id = p.model_id and q.key = p.key and ${measuredOn(measured, 'q')}
    and (q.at_ms > p.at_ms or (q.at_ms = p.at_ms and (q.step > p.step or (q.step = p.step and q.run_id < p.run_id))))`
  return sql`p.key = ${key} and p.is_nan = 0 and ${measuredOn(measured)} and ${isAbsent(newer)}`
}

export const nameOfKey = (at: number): string => `k${at}`
const keyAt = (at: number): RawBuilder<unknown> => sql.ref(`found.${nameOfKey(at)}`)

/** By the keys from place `from` on. */
export function orderOf(keys: readonly SortKey[], from: number): RawBuilder<unknown> {
  const parts = keys.flatMap(({ isAscending, isSet }, at) => {
    if (at < from) return []
    const direction = isAscending ? sql`${keyAt(at)} asc` : sql`${keyAt(at)} desc`
    return isSet ? [direction] : [sql`case when ${keyAt(at)} is null then 1 else 0 end`, direction]
  })
  return sql.join(parts)
}

/** What comes after the place, by the keys from `from` on. @throws DomainError page_token */
export function afterPlace(
  keys: readonly SortKey[],
  { place, from }: { place: LoggedModelPlace; from: number },
): RawBuilder<boolean> {
  if (place.length !== keys.length) {
    const message = 'this is no place of this search: send the `next` of the page before'
    throw new DomainError('invalid', 'page_token', message)
  }
  const further = (at: number, isOrSame: boolean): RawBuilder<unknown> => {
    const comparison = keys[at]!.isAscending ? (isOrSame ? sql`>=` : sql`>`) : isOrSame ? sql`<=` : sql`<`
    return sql`${keyAt(at)} ${comparison} ${place[at]}`
  }
  const same = (at: number): RawBuilder<unknown> =>
    place[at] === null ? sql`${keyAt(at)} is null` : sql`${keyAt(at)} = ${place[at]}`
  const beyond = keys.flatMap(({ isSet }, at) => {
    if (at < from || place[at] === null) return [] // Nothing comes after what has no value.
    const before = keys.slice(from, at).map((_, earlier) => same(from + earlier))
    const after = isSet ? further(at, false) : sql`(${further(at, false)} or ${keyAt(at)} is null)`
    return [sql`(${sql.join([...before, after], sql` and `)})`]
  })
  if (beyond.length === 0) return sql`1 = 0`
  // It lets the index begin there.
  const start = keys[from]?.isSet ? further(from, true) : sql`1 = 1`
  return sql`${start} and (${sql.join(beyond, sql` or `)})`
}
