// The header `Server-Timing`: where the milliseconds of a request went, for whoever asked.

/** Milliseconds of a run for one request. */
interface RunTimes {
  readonly queueMs: number
  readonly inferMs: number
}

/** Short enough to read, fine enough for a model of microseconds. */
const rounded = (ms: number): number => Math.round(ms * 1000) / 1000

/** `total`: from the end of the body to the answer; `queue` and `infer` only where a model ran. */
export function serverTiming(run: RunTimes | undefined, totalMs: number): string {
  const total = `total;dur=${rounded(totalMs)}`
  return run ? `queue;dur=${rounded(run.queueMs)}, infer;dur=${rounded(run.inferMs)}, ${total}` : total
}
