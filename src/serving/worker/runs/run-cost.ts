// What a run costs: a·rows + b milliseconds, learned from the runs themselves. Cuts batches, and makes latencies of unequal batches comparable.

/** How much of the past a new run leaves standing. */
const decay = 0.98
/** A slope needs runs of different sizes: less variance of the row count than this tells nothing. */
const varianceMin = 0.5

export interface RunCost {
  /** Milliseconds a further row adds. */
  perRowMs: number
  /** Milliseconds a run takes before its first row. */
  fixedMs: number
  weight: number
  rows: number
  ms: number
  rowsSquared: number
  rowsMs: number
}

export function createRunCost(): RunCost {
  return { perRowMs: 0, fixedMs: 0, weight: 0, rows: 0, ms: 0, rowsSquared: 0, rowsMs: 0 }
}

/** Least squares over the runs so far, older ones counting less. */
export function learnRun(cost: RunCost, rows: number, ms: number): void {
  cost.weight = cost.weight * decay + 1
  cost.rows = cost.rows * decay + rows
  cost.ms = cost.ms * decay + ms
  cost.rowsSquared = cost.rowsSquared * decay + rows * rows
  cost.rowsMs = cost.rowsMs * decay + rows * ms
  const rowsMean = cost.rows / cost.weight
  const msMean = cost.ms / cost.weight
  const variance = cost.rowsSquared / cost.weight - rowsMean * rowsMean
  if (variance > varianceMin) {
    cost.perRowMs = Math.max(0, (cost.rowsMs / cost.weight - rowsMean * msMean) / variance)
  }
  cost.fixedMs = Math.max(0, msMean - cost.perRowMs * rowsMean)
}

/** Milliseconds that a run of `rows` rows is predicted to take; 0 while nothing is known. */
export const predictedMs = (cost: RunCost, rows: number): number => cost.fixedMs + cost.perRowMs * rows

/**
 * Rows of a run that is predicted to take `budgetMs`; at least one, at most `most`. Where a run costs half of that or more before its first
 * row, its rows may cost as much again: with fewer of them, the fixed part would be paid more often for the same rows.
 */
export function rowsWithin(cost: RunCost, budgetMs: number, most: number): number {
  if (cost.perRowMs <= 0) return most
  const rows = Math.floor(Math.max(budgetMs - cost.fixedMs, cost.fixedMs) / cost.perRowMs)
  return Math.min(most, Math.max(1, rows))
}

/**
 * What a request of `rows` rows would have taken alone, from a run of `runRows` that took `runMs`: the champion's batches are larger than a
 * canary's, and that must not look like another model. Scaled by the learned cost, not reduced by it: a difference of two noisy numbers
 * could come out as nothing at all. Never below a microsecond.
 */
export function aloneMs(cost: RunCost, run: { ms: number; rows: number }, rows: number): number {
  const whole = predictedMs(cost, run.rows)
  const share = whole > 0 ? predictedMs(cost, rows) / whole : rows / Math.max(1, run.rows)
  return Math.max(0.001, run.ms * share)
}
