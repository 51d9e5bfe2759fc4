// Kolmogorov-Smirnov: the two-sample statistic, its exact and asymptotic p-values, and the one-sample distribution behind the latter.
import { logGamma } from './distributions.ts'
import { rowsOf, type PairedCounts } from './value-counts.ts'

/** Above this size of the larger sample the exact count of lattice paths gives way to the asymptotic distribution, as in SciPy. */
const MAX_EXACT_ROWS = 10_000

/** P(sqrt(n) D > x) in the limit of large n: SciPy's `kstwobign.sf`. */
export function kolmogorovSurvival(x: number): number {
  if (x <= 0) return 1
  if (x < 1) {
    // The theta-function form converges fast where the alternating series does not.
    let sum = 0
    for (let k = 1; k <= 20; k += 2) sum += Math.exp((-k * k * Math.PI * Math.PI) / (8 * x * x))
    return 1 - (Math.sqrt(2 * Math.PI) / x) * sum
  }
  let sum = 0
  for (let k = 1; k <= 20; k++) sum += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * k * k * x * x)
  return sum
}

/** P(D+ >= d), one-sided, n rows: Smirnov's sum, all of whose terms are positive. */
function smirnovSurvival(d: number, n: number): number {
  const last = Math.floor(n * (1 - d))
  let sum = 0
  for (let j = 0; j <= last; j++) {
    const low = d + j / n
    const rest = 1 - low
    if (rest <= 0 && j < n) continue
    const tail = n === j ? 0 : (n - j) * Math.log(rest)
    const choose = logGamma(n + 1) - logGamma(j + 1) - logGamma(n - j + 1)
    sum += Math.exp(choose + (j - 1) * Math.log(low) + tail)
  }
  return Math.min(1, d * sum)
}

function multiply(a: Float64Array, b: Float64Array, size: number): Float64Array {
  const product = new Float64Array(size * size)
  for (let row = 0; row < size; row++) {
    for (let inner = 0; inner < size; inner++) {
      const factor = a[row * size + inner]!
      if (factor === 0) continue
      for (let column = 0; column < size; column++) {
        product[row * size + column]! += factor * b[inner * size + column]!
      }
    }
  }
  return product
}

/** Scales to a largest entry near 1 and returns the power of ten taken out. */
function rescale(matrix: Float64Array, exponent: number): number {
  let largest = 0
  for (const entry of matrix) if (entry > largest) largest = entry
  if (largest < 1e140) return exponent
  for (let at = 0; at < matrix.length; at++) matrix[at]! *= 1e-140
  return exponent + 140
}

/** P(D < d) for one sample of n, two-sided: the matrix power of Marsaglia, Tsang and Wang (2003). Cost (2 n d)^3 log n. */
function kolmogorovMatrixCdf(d: number, n: number): number {
  const k = Math.floor(n * d) + 1
  const size = 2 * k - 1
  const h = k - n * d
  let base: Float64Array = new Float64Array(size * size)
  for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) base[i * size + j] = i - j + 1 < 0 ? 0 : 1
  for (let i = 0; i < size; i++) {
    base[i * size]! -= h ** (i + 1)
    base[(size - 1) * size + i]! -= h ** (size - i)
  }
  base[(size - 1) * size]! += 2 * h - 1 > 0 ? (2 * h - 1) ** size : 0
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= Math.min(i + 1, size - 1); j++) {
      base[i * size + j]! *= Math.exp(-logGamma(i - j + 2))
    }
  }
  let result: Float64Array | undefined
  let resultExponent = 0
  let baseExponent = 0
  for (let power = n; power > 0; power = Math.floor(power / 2)) {
    if (power % 2 === 1) {
      resultExponent = result ? resultExponent + baseExponent : baseExponent
      result = result ? multiply(result, base, size) : base.slice()
      resultExponent = rescale(result, resultExponent)
    }
    if (power > 1) {
      base = multiply(base, base, size)
      baseExponent = rescale(base, 2 * baseExponent)
    }
  }
  const centre = result![(k - 1) * size + k - 1]!
  return Math.exp(Math.log(centre) + resultExponent * Math.LN10 + logGamma(n + 1) - n * Math.log(n))
}

/**
 * P(D >= d) for one sample of n rows, two-sided: SciPy's `kstwo.sf`, exact for n <= 1000 (SciPy itself approximates above some 140 rows,
 * and differs by up to 1e-7 there). Above that the limiting distribution with
 * Vrbik's (2018) correction of its argument, to about 1e-5.
 */
export function kolmogorovSampleSurvival(d: number, n: number): number {
  if (d <= 0) return 1
  if (d >= 1) return 0
  // Both one-sided events at once have probability near exp(-8 n d^2): below 1e-10 here.
  if (n * d * d >= 3) return Math.min(1, 2 * smirnovSurvival(d, n))
  if (n > 1000) {
    const root = Math.sqrt(n)
    return kolmogorovSurvival(d * root + 1 / (6 * root) + (d * root - 1) / (4 * n))
  }
  return Math.min(1, Math.max(0, 1 - kolmogorovMatrixCdf(d, n)))
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}

/**
 * P(D >= h / lcm) for two samples without ties: the mass of the random lattice paths from (0, 0) to (n1, n2) at the moment they first
 * leave the band. Summing what leaves, and not 1 less what stays, keeps the relative accuracy of small p-values.
 */
function exactSurvival(h: number, n1: number, n2: number): number {
  const divisor = greatestCommonDivisor(n1, n2)
  const up = n2 / divisor
  const right = n1 / divisor
  let row = new Float64Array(n2 + 1)
  let previous = new Float64Array(n2 + 1)
  let escaped = 0
  for (let i = 0; i <= n1; i++) {
    // A step to the right may land several cells below the band, so each row starts where the one before it did.
    const from = Math.max(0, Math.ceil(((i - 1) * up - h) / right) - 1)
    const to = Math.min(n2, Math.floor((i * up + h) / right) + 1)
    row.fill(0, Math.max(0, from - 1), Math.min(n2, to + 1) + 1)
    for (let j = from; j <= to; j++) {
      let mass = i === 0 && j === 0 ? 1 : 0
      if (i > 0) mass += previous[j]! * ((n1 - i + 1) / (n1 - i + 1 + n2 - j))
      if (j > 0) mass += row[j - 1]! * ((n2 - j + 1) / (n1 - i + n2 - j + 1))
      if (Math.abs(i * up - j * right) >= h) {
        escaped += mass
        row[j] = 0
      } else row[j] = mass
    }
    ;[row, previous] = [previous, row]
  }
  return Math.min(1, escaped)
}

/** The largest distance of the two empirical distribution functions. */
function kolmogorovStatistic({ reference, current }: PairedCounts, rows: readonly [number, number]): number {
  let before = 0
  let now = 0
  let largest = 0
  for (let at = 0; at < reference.length; at++) {
    before += reference[at]!
    now += current[at]!
    const distance = Math.abs(before / rows[0] - now / rows[1])
    if (distance > largest) largest = distance
  }
  return largest
}

/**
 * Two-sample Kolmogorov-Smirnov test, two-sided, as SciPy's `ks_2samp(method="auto")`: exact to 10,000 rows a sample, else asymptotic.
 * Neither sample may be empty.
 */
export function kolmogorovTest(counts: PairedCounts): { statistic: number; pValue: number } {
  const n1 = rowsOf(counts.reference)
  const n2 = rowsOf(counts.current)
  const statistic = kolmogorovStatistic(counts, [n1, n2])
  if (Math.max(n1, n2) > MAX_EXACT_ROWS) {
    return { statistic, pValue: kolmogorovSampleSurvival(statistic, Math.round((n1 * n2) / (n1 + n2))) }
  }
  const multiple = (n1 / greatestCommonDivisor(n1, n2)) * n2
  const h = Math.round(statistic * multiple)
  return { statistic, pValue: h === 0 ? 1 : exactSurvival(h, n1, n2) }
}
