// The header `Server-Timing`: where the milliseconds of a request went, for whoever asked.

/** Milliseconds of a run for one request. */
interface RunTimes {
  readonly queueMs: number
  readonly inferMs: number
}

/** Most times are within it. */
const rememberedMicros = 10_000
const texts: string[] = []

/** Short enough to read, fine enough for a model of microseconds. */
function rounded(ms: number): string {
  const micros = Math.round(ms * 1000)
  if (micros >= 0 && micros < rememberedMicros) return (texts[micros] ??= String(micros / 1000))
  return String(micros / 1000)
}

/** `total`: from the end of the body to the answer; `queue` and `infer` only where a model ran. */
export function serverTiming(run: RunTimes | undefined, totalMs: number): string {
  const total = `total;dur=${rounded(totalMs)}`
  return run ? `queue;dur=${rounded(run.queueMs)}, infer;dur=${rounded(run.inferMs)}, ${total}` : total
}
