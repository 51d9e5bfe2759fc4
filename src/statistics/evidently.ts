// Drift of one column by Evidently's definitions (0.7): its choice of method, its bins, its zero fill, its thresholds. Same numbers to 1e-6.
import { DomainError } from '../platform/errors.ts'
import { equalWidthEdges } from './binning.ts'
import {
  chiSquaredGoodness,
  jensenShannon,
  kullbackLeibler,
  normalisedWassersteinOfSamples,
  populationStability,
} from './divergence.ts'
import { normalSurvival } from './distributions.ts'
import { kolmogorovTest } from './kolmogorov.ts'

/** Methods by Evidently's own names. `ks`, `chisquare` and `z` score a p-value (drift below the threshold), the others a distance. */
export type EvidentlyMethod = 'ks' | 'wasserstein' | 'psi' | 'kl_div' | 'jensenshannon' | 'chisquare' | 'z'

const THRESHOLDS: Readonly<Record<EvidentlyMethod, number>> = {
  ks: 0.05,
  chisquare: 0.05,
  z: 0.05,
  wasserstein: 0.1,
  psi: 0.1,
  kl_div: 0.1,
  jensenshannon: 0.1,
}

/** Reference rows up to which a test is chosen, and above which a distance. */
const SMALL_REFERENCE = 1000
/** Distinct reference values above which a numeric column is binned, and not counted value by value. */
const FEW_VALUES = 20

/**
 * The two samples of a column. Nulls, NaN and infinities are left out first, as Evidently does. `integer` says that the column's type is
 * an integer one: NumPy then never makes bins narrower than 1.
 */
export type EvidentlyColumn =
  | { kind: 'numeric'; reference: ArrayLike<number>; current: ArrayLike<number>; integer?: boolean }
  | {
      kind: 'category'
      reference: ArrayLike<string | number | boolean | null>
      current: ArrayLike<string | number | boolean | null>
    }

export interface EvidentlyDrift {
  readonly method: EvidentlyMethod
  readonly threshold: number
  readonly score: number
  readonly drifted: boolean
}

type Cell = string | number | boolean

interface Samples {
  readonly numeric: boolean
  readonly integer: boolean
  /** Numbers are sorted upwards. */
  readonly reference: Float64Array | Cell[]
  readonly current: Float64Array | Cell[]
}

/** Rows of both samples by distinct value, with the same keys on both sides. */
interface ValueCounts {
  readonly keys: Cell[]
  readonly reference: number[]
  readonly current: number[]
}

function cleaned(column: EvidentlyColumn, side: 'reference' | 'current'): Float64Array | Cell[] {
  if (column.kind === 'numeric') return Float64Array.from(column[side]).filter(Number.isFinite).sort()
  return Array.from(column[side]).filter(
    (value) => value !== null && value !== undefined && (typeof value !== 'number' || Number.isFinite(value)),
  ) as Cell[]
}

function tally(values: Float64Array | Cell[]): Map<Cell, number> {
  const counts = new Map<Cell, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}

/** @throws DomainError drift_column_empty when a side has no usable value. */
function samplesOf(column: EvidentlyColumn): Samples {
  const reference = cleaned(column, 'reference')
  const current = cleaned(column, 'current')
  if (reference.length === 0 || current.length === 0) {
    const side = reference.length === 0 ? 'reference' : 'current'
    throw new DomainError(
      'invalid',
      'drift_column_empty',
      `the ${side} sample has no value that can be compared; leave the column out or fill it`,
    )
  }
  const integer = column.kind === 'numeric' && column.integer === true
  return { numeric: column.kind === 'numeric', integer, reference, current }
}

function valueCounts({ reference, current }: Samples): ValueCounts {
  const before = tally(reference)
  const after = tally(current)
  const keys = [...new Set([...before.keys(), ...after.keys()])]
  return {
    keys,
    reference: keys.map((key) => before.get(key) ?? 0),
    current: keys.map((key) => after.get(key) ?? 0),
  }
}

/** How many distinct values, counted no further than `limit + 1`. */
function distinctUpTo(limit: number, ...samples: (Float64Array | Cell[])[]): number {
  const seen = new Set<Cell>()
  for (const values of samples) {
    for (const value of values) {
      seen.add(value)
      if (seen.size > limit) return seen.size
    }
  }
  return seen.size
}

/** The method that Evidently takes when none is named: by the kind of column, its distinct values and the reference's rows. */
function defaultMethod(samples: Samples): EvidentlyMethod {
  const distinct = distinctUpTo(5, samples.reference, samples.current)
  if (samples.reference.length > SMALL_REFERENCE) {
    return samples.numeric && distinct > 5 ? 'wasserstein' : 'jensenshannon'
  }
  if (samples.numeric && distinct > 5) return 'ks'
  return distinct > 2 ? 'chisquare' : 'z'
}

/** Sorted values counted into [edge, next edge), the last bin closed, as NumPy's `histogram` does for given edges. */
function countSorted(sorted: Float64Array, edges: readonly number[]): number[] {
  const bins = edges.length - 1
  const counts = Array.from({ length: bins }, () => 0)
  let bin = 0
  for (const value of sorted) {
    while (bin < bins - 1 && value >= edges[bin + 1]!) bin++
    counts[bin]!++
  }
  return counts
}

/** Equal-width bins by Sturges' rule over both samples together, or value by value where the reference has few. */
function binned(samples: Samples): { reference: number[]; current: number[] } {
  const { reference, current } = samples
  if (!(reference instanceof Float64Array && current instanceof Float64Array)) return valueCounts(samples)
  if (distinctUpTo(FEW_VALUES, reference) <= FEW_VALUES) return valueCounts(samples)
  const lowest = Math.min(reference[0]!, current[0]!)
  const highest = Math.max(reference.at(-1)!, current.at(-1)!)
  const range = highest - lowest
  const width = range / (Math.log2(reference.length + current.length) + 1)
  const edges = equalWidthEdges(lowest, highest, Math.ceil(range / (samples.integer ? Math.max(1, width) : width)))
  return { reference: countSorted(reference, edges), current: countSorted(current, edges) }
}

/** Pooled two-proportion z test of "not the smallest value", two-sided. */
function zTest(samples: Samples): number {
  const { keys, reference, current } = valueCounts(samples)
  if (keys.length === 1) return 1
  let smallest = 0
  for (const [at, key] of keys.entries()) if (key < keys[smallest]!) smallest = at
  const first = 1 - reference[smallest]! / samples.reference.length
  const second = 1 - current[smallest]! / samples.current.length
  const n1 = samples.reference.length
  const n2 = samples.current.length
  const pooled = (first * n1 + second * n2) / (n1 + n2)
  return 2 * normalSurvival(Math.abs(first - second) / Math.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2)))
}

function numericSamples(samples: Samples, method: EvidentlyMethod): [Float64Array, Float64Array] {
  const { reference, current } = samples
  if (reference instanceof Float64Array && current instanceof Float64Array) return [reference, current]
  throw new DomainError(
    'invalid',
    'drift_method_unsuited',
    `method "${method}" compares numbers; this column holds categories`,
  )
}

function scoreOf(samples: Samples, method: EvidentlyMethod): number {
  switch (method) {
    case 'ks':
      return kolmogorovTest(...numericSamples(samples, method)).pValue
    case 'wasserstein':
      return normalisedWassersteinOfSamples(...numericSamples(samples, method))
    case 'chisquare': {
      const { reference, current } = valueCounts(samples)
      return chiSquaredGoodness(reference, current).pValue
    }
    case 'z':
      return zTest(samples)
    case 'psi':
    case 'kl_div':
    case 'jensenshannon': {
      const { reference, current } = binned(samples)
      if (method === 'psi') return populationStability(reference, current, 'evidently')
      if (method === 'kl_div') return kullbackLeibler(reference, current, 'evidently')
      return jensenShannon(reference, current)
    }
  }
}

/**
 * Has the column drifted, as Evidently would answer with its defaults (or the method and threshold given)?
 * @throws DomainError drift_column_empty, drift_method_unsuited
 */
export function evidentlyDrift(
  column: EvidentlyColumn,
  options: { method?: EvidentlyMethod; threshold?: number } = {},
): EvidentlyDrift {
  const samples = samplesOf(column)
  const method = options.method ?? defaultMethod(samples)
  const threshold = options.threshold ?? THRESHOLDS[method]
  const score = scoreOf(samples, method)
  const drifted =
    method === 'ks'
      ? score <= threshold
      : method === 'chisquare' || method === 'z'
        ? score < threshold
        : score >= threshold
  return { method, threshold, score, drifted }
}

/** Share of drifted columns from which Evidently calls the whole dataset drifted. */
export const EVIDENTLY_DRIFT_SHARE = 0.5
