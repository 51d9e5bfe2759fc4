// How many predictions a second a worker logs: the control plane stores each of them, often on the same cores that answer.

/** Whether so many rows may be logged now; a request's rows are logged together or not at all. */
export type LogRate = (rows: number) => boolean

export function createLogRate(nowMs: () => number, rowsPerSecondMax: number): LogRate {
  let startMs = nowMs()
  let left = rowsPerSecondMax
  return (rows) => {
    if (rows > left) {
      const now = nowMs()
      if (now - startMs < 1000) return false
      startMs = now
      left = rowsPerSecondMax
    }
    left -= rows
    return true
  }
}
