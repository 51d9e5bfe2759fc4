// The design matrix of the linear trainers: standardised numbers and one-hot categories, the latter kept as indices.
import { DomainError } from '../../platform/errors.ts'
import { CALENDAR_RANGES } from '../calendar.ts'
import type { Feature, FeatureValues } from '../feature.ts'

/** How one feature enters the score. `offset` is the place of its first weight. */
export type Term =
  /** weight x (value - mean) x scale, 0 where it is missing, and another weight where it is missing if `indicator`. */
  | {
      readonly kind: 'number'
      readonly feature: number
      readonly offset: number
      readonly mean: number
      readonly scale: number
      readonly indicator: boolean
    }
  /** The weight of the value less `first`; none where that is missing or unseen. */
  | {
      readonly kind: 'one-hot'
      readonly feature: number
      readonly offset: number
      readonly first: number
      readonly count: number
    }

export interface DesignPlan {
  readonly terms: readonly Term[]
  readonly weights: number
}

/** A column of the matrix: values for each row, or the index of the one weight that each row has, -1 for none. */
type DesignColumn =
  | { readonly weight: number; readonly values: Float64Array }
  | { readonly weight: number; readonly indices: Int32Array }

export interface Design {
  readonly rows: number
  readonly weights: number
  readonly columns: readonly DesignColumn[]
}

/**
 * Learns means and scales, rounded to float32 as the graph holds them.
 * @throws DomainError value_infinite: a number column holds an infinite value (or one beyond float32).
 */
export function learnDesign(
  features: readonly Feature[],
  values: readonly FeatureValues[],
  missingIndicator: boolean,
): DesignPlan {
  let offset = 0
  const terms = features.map((feature, index): Term => {
    const range =
      feature.kind === 'category'
        ? { first: 0, count: feature.categories.length }
        : feature.kind === 'calendar'
          ? CALENDAR_RANGES[feature.part]
          : undefined
    const start = offset
    if (range) {
      offset += range.count
      return { kind: 'one-hot', feature: index, offset: start, ...range }
    }
    offset += missingIndicator ? 2 : 1
    return {
      kind: 'number',
      feature: index,
      offset: start,
      ...meanAndScale(values[index]!, feature.name),
      indicator: missingIndicator,
    }
  })
  return { terms, weights: offset }
}

export function makeDesign({ terms, weights }: DesignPlan, values: readonly FeatureValues[], rows: number): Design {
  const columns = terms.flatMap((term): DesignColumn[] => {
    const own = values[term.feature]!
    if (term.kind === 'one-hot') {
      const { first, count } = term
      const indices = Int32Array.from(own, (value) => (value >= first && value < first + count ? value - first : -1))
      return [{ weight: term.offset, indices }]
    }
    const standard = Float64Array.from(own, (value) => (Number.isNaN(value) ? 0 : (value - term.mean) * term.scale))
    const missing = (): DesignColumn => ({
      weight: term.offset + 1,
      values: Float64Array.from(own, (value) => (Number.isNaN(value) ? 1 : 0)),
    })
    return [{ weight: term.offset, values: standard }, ...(term.indicator ? [missing()] : [])]
  })
  return { rows, weights, columns }
}

/** Adds the matrix times these weights to `scores`, row by row. */
export function addProduct(scores: Float64Array, design: Design, weights: Float64Array): void {
  for (const column of design.columns) addColumn(scores, column, weights)
}

/** The transposed matrix times a value per row. */
export function transposedProduct(design: Design, rowValues: Float64Array): Float64Array {
  const product = new Float64Array(design.weights)
  for (const column of design.columns) {
    if ('values' in column) {
      let sum = 0
      for (let row = 0; row < design.rows; row++) sum += column.values[row]! * rowValues[row]!
      product[column.weight] = sum
      continue
    }
    for (let row = 0; row < design.rows; row++) {
      const index = column.indices[row]!
      if (index >= 0) product[column.weight + index]! += rowValues[row]!
    }
  }
  return product
}

/** The sum of squares of each column. */
export function columnSquares(design: Design): Float64Array {
  const squares = new Float64Array(design.weights)
  for (const column of design.columns) {
    if ('values' in column) squares[column.weight] = column.values.reduce((sum, value) => sum + value * value, 0)
    else for (const index of column.indices) if (index >= 0) squares[column.weight + index]!++
  }
  return squares
}

/** The standard deviation of what each term adds to the score. */
export function effectDeviations({ terms }: DesignPlan, design: Design, weights: Float64Array): number[] {
  return terms.map((term) => {
    const effects = new Float64Array(design.rows)
    const end = term.offset + (term.kind === 'one-hot' ? Math.max(1, term.count) : term.indicator ? 2 : 1)
    for (const column of design.columns)
      if (column.weight >= term.offset && column.weight < end) addColumn(effects, column, weights)
    const mean = effects.reduce((sum, effect) => sum + effect, 0) / design.rows
    return Math.sqrt(effects.reduce((sum, effect) => sum + (effect - mean) ** 2, 0) / design.rows)
  })
}

function addColumn(scores: Float64Array, column: DesignColumn, weights: Float64Array): void {
  if ('values' in column) {
    const weight = weights[column.weight]!
    for (let row = 0; row < scores.length; row++) scores[row]! += weight * column.values[row]!
    return
  }
  for (let row = 0; row < scores.length; row++) {
    const index = column.indices[row]!
    if (index >= 0) scores[row]! += weights[column.weight + index]!
  }
}

function meanAndScale(values: FeatureValues, name: string): { mean: number; scale: number } {
  let [sum, count] = [0, 0]
  for (const value of values) {
    if (Number.isNaN(value)) continue
    if (!Number.isFinite(value)) {
      const message = `column "${name}" holds an infinite value, or one beyond float32: a linear model cannot use it, set it to missing`
      throw new DomainError('invalid', 'value_infinite', message, { column: name })
    }
    sum += value
    count++
  }
  const mean = Math.fround(count > 0 ? sum / count : 0)
  let squares = 0
  for (const value of values) if (!Number.isNaN(value)) squares += (value - mean) ** 2
  const deviation = count > 0 ? Math.sqrt(squares / count) : 0
  // A constant column says nothing: leave it unscaled rather than divide by nothing.
  const scale = Math.fround(1 / deviation)
  return { mean, scale: Number.isFinite(scale) && scale > 0 ? scale : 1 }
}
