// What a trace search may ask for. Pure.
import type { Condition } from '../../platform/condition.ts'
import { DomainError } from '../../platform/errors.ts'

export type TraceEntity = 'attribute' | 'tag' | 'metadata' | 'span' | 'feedback' | 'expectation' | 'issue'

export interface TraceComparison {
  readonly entity: TraceEntity
  /** Of an attribute its name in MLflow (`request_id`, `timestamp_ms`, `execution_time_ms`, `end_time_ms`, `status`, `client_request_id`); of a span `name`, `type`, `status`, `content` or `attributes.<key>`. */
  readonly key: string
  readonly operator:
    | '='
    | '!='
    | '<'
    | '<='
    | '>'
    | '>='
    | 'LIKE'
    | 'ILIKE'
    | 'RLIKE'
    | 'IN'
    | 'NOT IN'
    | 'IS NULL'
    | 'IS NOT NULL'
  /** Null for `IS NULL` and `IS NOT NULL`. */
  readonly value: string | number | bigint | readonly string[] | null
}

export type TraceFilter = Condition<TraceComparison>

export interface TraceOrder {
  readonly entity: 'attribute' | 'tag' | 'metadata'
  readonly key: string
  readonly isAscending: boolean
}

export const comparisonRefused = ({ entity, key, operator }: TraceComparison): DomainError =>
  new DomainError('invalid', 'trace_filter', `a trace search does not compare ${entity} "${key}" by ${operator}`)

export const orderRefused = (key: string, why: string): DomainError =>
  new DomainError('invalid', 'trace_order', `traces cannot be ordered by "${key}": ${why}`, { key })
