// What is counted can be narrowed: one condition, that something equals a text.
import { sql, type RawBuilder } from 'kysely'
import type { DatabaseKind } from '../../platform/database.ts'
import { conditionOf } from './conditions.ts'
import type { MeasureView } from './measures.ts'

export type MetricFilter =
  | {
      readonly on: 'trace'
      readonly entity: 'status' | 'tag' | 'metadata'
      readonly key: string
      readonly value: string
    }
  | { readonly on: 'span'; readonly entity: 'name' | 'status' | 'type'; readonly value: string }
  | { readonly on: 'assessment'; readonly entity: 'name' | 'type'; readonly value: string }

/** A filter on spans is for counting spans, one on assessments for counting those. */
export function metricCondition(filter: MetricFilter, view: MeasureView, kind: DatabaseKind): RawBuilder<boolean> {
  if (filter.on === 'trace') {
    const { entity, key, value } = filter
    return conditionOf(
      entity === 'status'
        ? { entity: 'attribute', key: 'status', operator: '=', value }
        : { entity, key, operator: '=', value },
      kind,
    )
  }
  const fits = filter.on === 'span' ? view === 'SPANS' : view === 'ASSESSMENTS'
  if (!fits) throw new Error(`a filter on a ${filter.on} among ${view}`)
  if (filter.on === 'span') return sql`${sql.ref(`s.${filter.entity}`)} = ${filter.value}`
  return sql`${sql.ref(filter.entity === 'type' ? 'a.kind' : 'a.name')} = ${filter.value}`
}
