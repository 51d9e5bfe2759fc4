// The training table: columns of typed arrays and a target, as a step hands them to a trainer. Pure.
import { DomainError } from '../platform/errors.ts'

/** What is predicted: one of two classes, one of several, or a number. */
export type Objective = 'binary' | 'multiclass' | 'regression'

/** The moment that stands for "no time here": the least int64. */
export const MISSING_MICROS = -(2n ** 63n)

/** Most distinct categories a column may have; a column with more is an identifier, not a category. */
export const MAX_CATEGORIES = 65_536

/** Most columns of a frame: a histogram per leaf and column is held in memory. */
export const MAX_COLUMNS = 2_000

/** Most classes of a target. */
export const MAX_CLASSES = 100

/** Names that the exported graph needs for its outputs, and the prefix of its inner values. */
const RESERVED_NAMES: ReadonlySet<string> = new Set(['label', 'probabilities', 'prediction'])
export const INNER_PREFIX = 'trueloop:'

/** One column. Each kind says how a value is missing, and what the exported graph takes as `[N, 1]` for it. */
export type FrameColumn =
  /** NaN is missing. Rounded to float32 before training, since the graph takes float32. */
  | { readonly kind: 'number'; readonly name: string; readonly values: Float64Array }
  /** `codes` index `categories`; -1 and the category `''` are missing. The graph takes strings, `''` being missing. */
  | {
      readonly kind: 'category'
      readonly name: string
      readonly codes: Int32Array
      readonly categories: readonly string[]
    }
  /** Microseconds since 1970 in UTC; {@link MISSING_MICROS} is missing. The graph takes int64. */
  | { readonly kind: 'time'; readonly name: string; readonly micros: BigInt64Array }

/** `target` holds the index of the class (0, 1, 2 and so on), or the value for regression. */
export interface Frame {
  readonly rowCount: number
  readonly columns: readonly FrameColumn[]
  readonly target: Float64Array
}

/** Number of rows a column holds. */
export function columnLength(column: FrameColumn): number {
  switch (column.kind) {
    case 'number':
      return column.values.length
    case 'category':
      return column.codes.length
    case 'time':
      return column.micros.length
  }
}

/** The rows of a frame at these indices, in this order. */
export function takeRows(frame: Frame, rows: ArrayLike<number>): Frame {
  const columns = frame.columns.map((column): FrameColumn => {
    switch (column.kind) {
      case 'number':
        return { ...column, values: Float64Array.from(rows, (row) => column.values[row]!) }
      case 'category':
        return { ...column, codes: Int32Array.from(rows, (row) => column.codes[row]!) }
      case 'time':
        return { ...column, micros: BigInt64Array.from(Array.from(rows, (row) => column.micros[row]!)) }
    }
  })
  return { rowCount: rows.length, columns, target: Float64Array.from(rows, (row) => frame.target[row]!) }
}

/**
 * Refuses a frame that no trainer can learn from. `singleClass` lets a target of one class pass, which is enough to validate on.
 * @throws DomainError frame_empty, frame_malformed, column_name_reserved, too_many_columns, too_many_categories, target_invalid,
 *   target_single_class
 */
export function checkFrame(frame: Frame, objective: Objective, { singleClass = false } = {}): void {
  if (frame.rowCount === 0)
    throw invalid('frame_empty', 'the training table has no rows: widen the time range or the filter')
  if (frame.columns.length === 0)
    throw invalid('frame_empty', 'the training table has no feature columns: name at least one')
  if (frame.columns.length > MAX_COLUMNS) {
    throw invalid(
      'too_many_columns',
      `the training table has ${frame.columns.length} feature columns, at most ${MAX_COLUMNS} fit`,
    )
  }
  checkColumns(frame)
  const classes = checkTarget(frame.target, objective)
  if (objective !== 'regression' && !singleClass && classes.size < 2) {
    const message = `every row has the class ${[...classes].join()}: a classifier needs rows of at least two classes`
    throw invalid('target_single_class', message)
  }
}

/** How many classes a checked target has: 1 output for regression, 2 for binary. */
export function classCount(target: Float64Array, objective: Objective): number {
  if (objective === 'regression') return 1
  return objective === 'binary' ? 2 : target.reduce((most, index) => Math.max(most, index), 0) + 1
}

function checkColumns(frame: Frame): void {
  const names = new Set<string>()
  for (const column of frame.columns) {
    const { name } = column
    if (name === '' || names.has(name))
      throw invalid('frame_malformed', `two columns are named "${name}", or it is empty: rename one`)
    names.add(name)
    if (RESERVED_NAMES.has(name) || name.startsWith(INNER_PREFIX)) {
      throw invalid(
        'column_name_reserved',
        `a feature column cannot be named "${name}", the model's outputs are: rename it`,
      )
    }
    if (columnLength(column) !== frame.rowCount) {
      throw invalid('frame_malformed', `column "${name}" has ${columnLength(column)} values for ${frame.rowCount} rows`)
    }
    if (column.kind === 'category') checkCodes(column)
  }
  if (frame.target.length !== frame.rowCount) {
    throw invalid('frame_malformed', `the target has ${frame.target.length} values for ${frame.rowCount} rows`)
  }
}

function checkCodes({ name, codes, categories }: FrameColumn & { kind: 'category' }): void {
  if (categories.length > MAX_CATEGORIES) {
    const message = `column "${name}" has ${categories.length} distinct values, at most ${MAX_CATEGORIES} can be categories: leave it out or group it`
    throw invalid('too_many_categories', message, { column: name, categories: categories.length })
  }
  for (const code of codes) {
    if (code < -1 || code >= categories.length) {
      throw invalid('frame_malformed', `column "${name}" has the code ${code} for ${categories.length} categories`)
    }
  }
}

/** The classes seen. */
function checkTarget(target: Float64Array, objective: Objective): Set<number> {
  const limit = objective === 'binary' ? 2 : MAX_CLASSES
  const seen = new Set<number>()
  for (let row = 0; row < target.length; row++) {
    const value = target[row]!
    if (!Number.isFinite(value)) {
      throw invalid(
        'target_invalid',
        `the target of row ${row} is ${value}: drop rows without a label before training`,
        { row },
      )
    }
    if (objective === 'regression') continue
    if (!Number.isInteger(value) || value < 0 || value >= limit) {
      throw invalid(
        'target_invalid',
        `the target of row ${row} is ${value}: a ${objective} class is a whole number from 0 to ${limit - 1}`,
        { row },
      )
    }
    seen.add(value)
  }
  return seen
}

function invalid(code: string, message: string, detail?: Record<string, unknown>): DomainError {
  return new DomainError('invalid', code, message, detail)
}
