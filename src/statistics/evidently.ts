// Drift of one column by Evidently's definitions (0.7): its choice of method, its bins, its zero fill, its thresholds. Same numbers to 1e-6.
import { DomainError } from '../platform/errors.ts'
import { equalWidthEdges } from './binning.ts'
import {
  chiSquaredGoodness,
  jensenShannon,
  kullbackLeibler,
  normalisedWassersteinOfCounts,
  populationStability,
} from './divergence.ts'
import { normalSurvival } from './distributions.ts'
import { kolmogorovTest } from './kolmogorov.ts'
import { distinctOf, rowsOf, type PairedCounts, type ValueCounts } from './value-counts.ts'

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
 * The two samples of a column, nulls, NaN and infinities left out, as Evidently does: numbers have `counts.values`, categories none.
 * `isInteger` says that the column is one of integers without nulls: NumPy then never makes bins narrower than 1.
 */
export interface EvidentlyColumn {
  readonly counts: PairedCounts
  readonly isInteger?: boolean
}

export interface EvidentlyDrift {
  readonly method: EvidentlyMethod
  readonly threshold: number
  readonly score: number
  readonly drifted: boolean
}

interface Samples extends EvidentlyColumn {
  readonly rows: readonly [reference: number, current: number]
}

/** @throws DomainError drift_column_empty when a side has no usable value. */
function samplesOf(column: EvidentlyColumn): Samples {
  const rows = [rowsOf(column.counts.reference), rowsOf(column.counts.current)] as const
  if (rows[0] > 0 && rows[1] > 0) return { ...column, rows }
  throw new DomainError(
    'invalid',
    'drift_column_empty',
    `the ${rows[0] === 0 ? 'reference' : 'current'} sample has no value that can be compared; leave the column out or fill it`,
  )
}

/** The method that Evidently takes when none is named: by the kind of column, its distinct values and the reference's rows. */
function defaultMethod({ counts, rows }: Samples): EvidentlyMethod {
  const distinct = counts.reference.length
  const isMany = counts.values !== undefined && distinct > 5
  if (rows[0] > SMALL_REFERENCE) return isMany ? 'wasserstein' : 'jensenshannon'
  if (isMany) return 'ks'
  return distinct > 2 ? 'chisquare' : 'z'
}

/** Rows in [edge, next edge), the last bin closed, as NumPy's `histogram` does for given edges. */
function countBetween(edges: readonly number[], { values, counts }: ValueCounts): number[] {
  const bins = edges.length - 1
  const binned = Array.from({ length: bins }, () => 0)
  let bin = 0
  for (let at = 0; at < values.length; at++) {
    while (bin < bins - 1 && values[at]! >= edges[bin + 1]!) bin++
    binned[bin]! += counts[at]!
  }
  return binned
}

/** Equal-width bins by Sturges' rule over both samples together, or value by value where the reference has few. */
function binned({ counts, rows, isInteger = false }: Samples): Pick<PairedCounts, 'reference' | 'current'> {
  const { values, reference, current } = counts
  if (!values || distinctOf(reference) <= FEW_VALUES) return counts
  const lowest = values[0]!
  const highest = values.at(-1)!
  const range = highest - lowest
  const width = range / (Math.log2(rows[0] + rows[1]) + 1)
  const edges = equalWidthEdges(lowest, highest, Math.ceil(range / (isInteger ? Math.max(1, width) : width)))
  return {
    reference: Float64Array.from(countBetween(edges, { values, counts: reference })),
    current: Float64Array.from(countBetween(edges, { values, counts: current })),
  }
}

/** Pooled two-proportion z test of "not the smallest value", two-sided. */
function zTest({ counts, rows }: Samples): number {
  if (counts.reference.length === 1) return 1
  const first = 1 - counts.reference[0]! / rows[0]
  const second = 1 - counts.current[0]! / rows[1]
  const [n1, n2] = rows
  const pooled = (first * n1 + second * n2) / (n1 + n2)
  return 2 * normalSurvival(Math.abs(first - second) / Math.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2)))
}

function numbersOf({ counts }: Samples, method: EvidentlyMethod): Float64Array {
  if (counts.values) return counts.values
  throw new DomainError(
    'invalid',
    'drift_method_unsuited',
    `method "${method}" compares numbers; this column holds categories`,
  )
}

function scoreOf(samples: Samples, method: EvidentlyMethod): number {
  const { counts } = samples
  switch (method) {
    case 'ks':
      return kolmogorovTest({ ...counts, values: numbersOf(samples, method) }).pValue
    case 'wasserstein':
      return normalisedWassersteinOfCounts(numbersOf(samples, method), counts.reference, counts.current)
    case 'chisquare':
      return chiSquaredGoodness(counts.reference, counts.current).pValue
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
