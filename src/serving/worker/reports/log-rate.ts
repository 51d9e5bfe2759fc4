// How many predictions a second a worker logs: the control plane stores each of them, often on the same cores that answer.

/** Whether so many rows may be logged now; a request's rows are logged together or not at all. */
export type LogRate = (rows: number) => boolean

export interface LogRateLimits {
  /** In the long run. */
  readonly rowsPerSecond: number
  /** At once, after a time with less: traffic comes in bursts, and what is stored of it is stored later. */
  readonly burstRows: number
}

/** A bucket of tokens that begins full. */
export function createLogRate(nowMs: () => number, { rowsPerSecond, burstRows }: LogRateLimits): LogRate {
  let filledMs = nowMs()
  let left = burstRows
  return (rows) => {
    // The clock is asked only when the bucket has not enough: the path of most requests is a comparison.
    if (rows > left) {
      const now = nowMs()
      // A wall clock may be set back.
      left = Math.min(burstRows, left + (Math.max(0, now - filledMs) * rowsPerSecond) / 1000)
      filledMs = now
      if (rows > left) return false
    }
    left -= rows
    return true
  }
}
