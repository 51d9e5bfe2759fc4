// What a filter or an order of a search says, once it is parsed. Pure.
import type { Condition } from '../../platform/condition.ts'

/** What is searched: each has its own entities, keys and operators. */
export type Target =
  | 'runs'
  | 'experiments'
  | 'registeredModels'
  | 'modelVersions'
  | 'loggedModels'
  | 'traces'
  | 'evaluationDatasets'

export type Entity =
  | 'attribute'
  | 'metric'
  | 'param'
  | 'tag'
  | 'dataset'
  | 'metadata'
  | 'span'
  | 'feedback'
  | 'expectation'
  | 'issue'

export const numericOperators = ['=', '!=', '<', '<=', '>', '>='] as const
export type NumericOperator = (typeof numericOperators)[number]
export type Operator = NumericOperator | 'LIKE' | 'ILIKE' | 'RLIKE' | 'IN' | 'NOT IN' | 'IS NULL' | 'IS NOT NULL'

/** Of a run's metric over all its points, in place of the latest. */
export type Aggregate = 'min' | 'max'

export interface Comparison {
  readonly entity: Entity
  /** Of an attribute: MLflow's name, its aliases resolved (`start_time`, `timestamp_ms`, `creation_timestamp_ms`). */
  readonly key: string
  readonly operator: Operator
  /** Texts for `IN` and `NOT IN`, null for `IS NULL` and `IS NOT NULL`, else as the entity compares; a bigint beyond 2^53. */
  readonly value: string | number | bigint | readonly string[] | null
  readonly aggregate?: Aggregate
}

export type Filter = Condition<Comparison>

export interface Order {
  readonly entity: Entity
  readonly key: string
  readonly isAscending: boolean
  readonly aggregate?: Aggregate
}
