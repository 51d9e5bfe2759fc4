// The rows of a request and of its answer, between a protocol's bytes and a model's tensors.
import type { Predictions } from '../../models/inference.ts'
import type { ColumnInput } from '../../models/rows.ts'

/** Columns by input name, all of the same length. */
export type RequestColumns = Readonly<Record<string, ColumnInput>>

/** `rows` rows of a run's predictions, from `offset` on. */
export interface AnswerRows {
  readonly predictions: Predictions
  readonly offset: number
  readonly rows: number
}
