// A mergeable histogram of positive values in logarithmic buckets, for latencies: any quantile within 1 % of a value that was seen.
import { z } from 'zod'

/** Largest relative error of a quantile within the range. */
const RELATIVE_ERROR = 0.01
/** The range in milliseconds, say: a microsecond to 17 minutes. Values outside count in the first or the last bucket. */
const SMALLEST = 1e-3
const LARGEST = 1e6

const GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
const PER_LOG = 1 / Math.log(GAMMA)
const OFFSET = Math.ceil(Math.log(SMALLEST) * PER_LOG)
const BUCKETS = Math.ceil(Math.log(LARGEST) * PER_LOG) - OFFSET + 1

/** Values counted in buckets whose borders grow by about 2 %. Adding allocates nothing. 8 kB. */
export interface QuantileSketch {
  readonly counts: Float64Array
  count: number
  sum: number
  largest: number
}

/** The sketch as JSON: the buckets from the first used to the last used. */
export const SketchJson = z.strictObject({
  first: z.int().min(0).max(BUCKETS),
  counts: z.array(z.number().nonnegative()).max(BUCKETS),
  sum: z.number(),
  largest: z.number(),
})
export type SketchJson = z.infer<typeof SketchJson>

export function createSketch(): QuantileSketch {
  return { counts: new Float64Array(BUCKETS), count: 0, sum: 0, largest: 0 }
}

function bucketOf(value: number): number {
  const bucket = Math.ceil(Math.log(value) * PER_LOG) - OFFSET
  return bucket < 0 ? 0 : bucket < BUCKETS ? bucket : BUCKETS - 1
}

/** Counts one value. Zero and less count as the smallest; NaN is not counted. */
export function addToSketch(sketch: QuantileSketch, value: number): void {
  if (Number.isNaN(value)) return
  sketch.counts[value > 0 ? bucketOf(value) : 0]!++
  sketch.count++
  sketch.sum += value
  if (value > sketch.largest) sketch.largest = value
}

/** Adds `more` into `sketch`, which it returns. */
export function mergeSketch(sketch: QuantileSketch, more: QuantileSketch): QuantileSketch {
  for (let bucket = 0; bucket < BUCKETS; bucket++) sketch.counts[bucket]! += more.counts[bucket]!
  sketch.count += more.count
  sketch.sum += more.sum
  sketch.largest = Math.max(sketch.largest, more.largest)
  return sketch
}

/** The value below which a share `q` of the values lies (nearest rank), within 1 %; NaN when nothing was counted. */
export function sketchQuantile(sketch: QuantileSketch, q: number): number {
  if (sketch.count === 0) return Number.NaN
  const rank = Math.max(1, Math.ceil(q * sketch.count))
  let seen = 0
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    seen += sketch.counts[bucket]!
    if (seen >= rank) return Math.min(sketch.largest, (2 * GAMMA ** (bucket + OFFSET)) / (GAMMA + 1))
  }
  return sketch.largest
}

/** How many values lie above the limit, which is rounded up to the next bucket border (so up to 2 % higher). */
export function countAbove(sketch: QuantileSketch, limit: number): number {
  let above = 0
  for (let bucket = (limit > 0 ? bucketOf(limit) : 0) + 1; bucket < BUCKETS; bucket++) above += sketch.counts[bucket]!
  return above
}

export function sketchToJson(sketch: QuantileSketch): SketchJson {
  let first = 0
  while (first < BUCKETS && sketch.counts[first] === 0) first++
  let end = BUCKETS
  while (end > first && sketch.counts[end - 1] === 0) end--
  const counts = Array.from(sketch.counts.subarray(first, end))
  return { first: counts.length > 0 ? first : 0, counts, sum: sketch.sum, largest: sketch.largest }
}

/** The sketch of its JSON; buckets beyond the last one are refused by the schema's limits and otherwise ignored. */
export function sketchFromJson({ first, counts, sum, largest }: SketchJson): QuantileSketch {
  const sketch = createSketch()
  for (const [at, count] of counts.entries()) {
    if (first + at >= BUCKETS) break
    sketch.counts[first + at] = count
    sketch.count += count
  }
  sketch.sum = sum
  sketch.largest = largest
  return sketch
}
