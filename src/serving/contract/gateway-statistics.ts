// Statistics of versions behind endpoints, as workers count them: how those of several workers add up. Pure.

/** Since the gateway began. A request that waits for others in its batch has all of the batch's time, as in Triton. */
export interface VersionStatistics {
  readonly endpoint: string
  /** `model/version`. */
  readonly version: string
  /** Unix time of the last request. */
  readonly lastMs: number
  /** Rows that were answered. */
  readonly rows: number
  /** Runs of the model that answered some of them. */
  readonly runs: number
  readonly successes: number
  readonly successMs: number
  /** Requests on which the version failed; those that were refused before are not among them. */
  readonly failures: number
  readonly failureMs: number
  readonly queueMs: number
  readonly computeMs: number
  /** Answers that were given again; they are no rows and no runs. */
  readonly cacheHits: number
  readonly cacheHitMs: number
  /** Answers that were looked for and not found. */
  readonly cacheMisses: number
  /** Runs by rows: exact up to 64, above that rounded up to a power of two. */
  readonly batches: Record<number, { count: number; ms: number }>
}

export const noStatistics = (endpoint: string, version: string): VersionStatistics => ({
  endpoint,
  version,
  lastMs: 0,
  rows: 0,
  runs: 0,
  successes: 0,
  successMs: 0,
  failures: 0,
  failureMs: 0,
  queueMs: 0,
  computeMs: 0,
  cacheHits: 0,
  cacheHitMs: 0,
  cacheMisses: 0,
  batches: {},
})

/** Adds those of `more` into `sum`, by endpoint and version. */
export function addStatistics(
  sum: Map<string, VersionStatistics>,
  more: readonly VersionStatistics[],
): Map<string, VersionStatistics> {
  for (const one of more) {
    const key = `${one.endpoint} ${one.version}`
    const before = sum.get(key)
    sum.set(key, before ? added(before, one) : one)
  }
  return sum
}

function added(a: VersionStatistics, b: VersionStatistics): VersionStatistics {
  const batches: VersionStatistics['batches'] = { ...a.batches }
  for (const [rows, { count, ms }] of Object.entries(b.batches)) {
    const before = batches[Number(rows)]
    batches[Number(rows)] = { count: count + (before?.count ?? 0), ms: ms + (before?.ms ?? 0) }
  }
  return {
    endpoint: a.endpoint,
    version: a.version,
    lastMs: Math.max(a.lastMs, b.lastMs),
    rows: a.rows + b.rows,
    runs: a.runs + b.runs,
    successes: a.successes + b.successes,
    successMs: a.successMs + b.successMs,
    failures: a.failures + b.failures,
    failureMs: a.failureMs + b.failureMs,
    queueMs: a.queueMs + b.queueMs,
    computeMs: a.computeMs + b.computeMs,
    cacheHits: a.cacheHits + b.cacheHits,
    cacheHitMs: a.cacheHitMs + b.cacheHitMs,
    cacheMisses: a.cacheMisses + b.cacheMisses,
    batches,
  }
}
