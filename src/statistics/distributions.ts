// Distribution functions: normal, chi-squared, Student's t, and the incomplete gamma and beta behind them. Held against SciPy to 1e-10.

const TINY = 1e-300
const CONVERGED = 1e-16
/** Terms of a series or fraction: about 5 sqrt(a) are needed, so this serves parameters to some 10^8. */
const MAX_TERMS = 50_000

const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
]

/** ln Γ(x) for x > 0 (Lanczos, g = 7). */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x)
  const shifted = x - 1
  let sum = LANCZOS[0]!
  for (let term = 1; term < LANCZOS.length; term++) sum += LANCZOS[term]! / (shifted + term)
  const base = shifted + 7.5
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(base) - base + Math.log(sum)
}

/** What Stirling's formula for ln Γ(x) leaves out, for x > 10. */
function stirlingRest(x: number): number {
  const square = x * x
  return (1 / 12 - (1 / 360 - (1 / 1260 - 1 / 1680 / square) / square) / square) / x
}

/** ln B(a, b). */
export function logBeta(a: number, b: number): number {
  if (a > b) return logBeta(b, a)
  if (b > 100) {
    // Two large logarithms that nearly cancel: subtract them in closed form.
    const rest = a - (b - 0.5) * Math.log1p(a / b) - a * Math.log(a + b)
    return logGamma(a) + rest + stirlingRest(b) - stirlingRest(a + b)
  }
  return logGamma(a) + logGamma(b) - logGamma(a + b)
}

function gammaSeries(a: number, x: number): number {
  let term = 1 / a
  let sum = term
  for (let n = 1; n < MAX_TERMS; n++) {
    term *= x / (a + n)
    sum += term
    if (term < sum * CONVERGED) break
  }
  return sum * Math.exp(a * Math.log(x) - x - logGamma(a))
}

function gammaFraction(a: number, x: number): number {
  let b = x + 1 - a
  let c = 1 / TINY
  let d = 1 / b
  let product = d
  for (let n = 1; n < MAX_TERMS; n++) {
    const coefficient = -n * (n - a)
    b += 2
    d = 1 / (coefficient * d + b || TINY)
    c = b + coefficient / c || TINY
    const factor = d * c
    product *= factor
    if (Math.abs(factor - 1) < CONVERGED) break
  }
  return product * Math.exp(a * Math.log(x) - x - logGamma(a))
}

/** Upper regularised incomplete gamma Q(a, x), a > 0. Keeps its relative accuracy in the far tail. */
export function upperGamma(a: number, x: number): number {
  if (Number.isNaN(a) || Number.isNaN(x)) return Number.NaN
  if (x <= 0) return 1
  if (x === Infinity) return 0
  return x < a + 1 ? 1 - gammaSeries(a, x) : gammaFraction(a, x)
}

/** P(X > x) of the standard normal. */
export function normalSurvival(x: number): number {
  const tail = 0.5 * upperGamma(0.5, (x * x) / 2)
  return x >= 0 ? tail : 1 - tail
}

/** P(X <= x) of the standard normal. */
export function normalCdf(x: number): number {
  return normalSurvival(-x)
}

/** Density of the standard normal. */
export function normalDensity(x: number): number {
  return Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI)
}

/** The x with P(X <= x) = p for the standard normal; ±Infinity at 1 and 0, NaN outside. */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) return Number.NaN
  if (p === 0) return -Infinity
  if (p === 1) return Infinity
  if (p > 0.5) return -normalQuantile(1 - p)
  // Abramowitz and Stegun 26.2.23 is within 4.5e-4; Halley's steps on the lower tail then converge cubically.
  const t = Math.sqrt(-2 * Math.log(p))
  let x = -t + (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)))
  for (let step = 0; step < 4; step++) {
    const error = (normalSurvival(-x) - p) / normalDensity(x)
    x -= error / (1 + (x * error) / 2)
  }
  return x
}

/** P(X > x) of chi-squared with `degrees` of freedom; 1 at 0 degrees (nothing could differ). */
export function chiSquaredSurvival(x: number, degrees: number): number {
  if (degrees <= 0) return 1
  return upperGamma(degrees / 2, x / 2)
}

function betaFraction(x: number, a: number, b: number): number {
  let c = 1
  let d = 1 / (1 - ((a + b) * x) / (a + 1) || TINY)
  let product = d
  for (let m = 1; m < MAX_TERMS; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / (1 + even * d || TINY)
    c = 1 + even / c || TINY
    product *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / (1 + odd * d || TINY)
    c = 1 + odd / c || TINY
    const factor = d * c
    product *= factor
    if (Math.abs(factor - 1) < CONVERGED) break
  }
  return product
}

/** Regularised incomplete beta I_x(a, b): P(X <= x) of Beta(a, b). */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  const front = Math.exp(a * Math.log(x) + b * Math.log1p(-x) - logBeta(a, b))
  if (x < (a + 1) / (a + b + 2)) return (front * betaFraction(x, a, b)) / a
  return 1 - (front * betaFraction(1 - x, b, a)) / b
}

/** P(T > t) of Student's t with `degrees` of freedom (any positive number). */
export function studentSurvival(t: number, degrees: number): number {
  const tail = 0.5 * incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5)
  return t >= 0 ? tail : 1 - tail
}

/** The t with P(T <= t) = p. */
export function studentQuantile(p: number, degrees: number): number {
  if (!(p > 0 && p < 1)) return p === 0 ? -Infinity : p === 1 ? Infinity : Number.NaN
  if (p > 0.5) return -studentQuantile(1 - p, degrees)
  let low = -1
  while (studentSurvival(-low, degrees) > p) low *= 2
  let high = 0
  for (let step = 0; step < 200 && high - low > Math.abs(low) * 1e-15; step++) {
    const middle = (low + high) / 2
    if (studentSurvival(-middle, degrees) > p) high = middle
    else low = middle
  }
  return (low + high) / 2
}
