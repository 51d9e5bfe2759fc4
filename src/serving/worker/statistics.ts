// What Triton's statistics tell: requests, rows and runs of each version behind each endpoint, with where the time went. Counted per request.
import type { EndpointRuntime, VariantRuntime } from './endpoint-runtime.ts'
import type { InferenceAnswer } from './inference.ts'
import { noStatistics, type VersionStatistics } from '../contract/gateway-statistics.ts'

export interface Statistics {
  /** `ms`: from the end of the request to its answer. */
  count(request: CountedInference, answer: InferenceAnswer): void
  readonly snapshot: readonly VersionStatistics[]
}

export interface CountedInference {
  readonly endpoint: EndpointRuntime
  readonly rows: number
  readonly ms: number
  readonly atMs: number
}

interface Counted {
  readonly sums: Writable<VersionStatistics>
  /** The answers of one run are of the same object, one after the other. */
  lastRun: unknown
}
type Writable<T> = { -readonly [K in keyof T]: T[K] }

const exactSizesMax = 64
/** Of a batch: exact up to 64 rows, above that the next power of two, so that there are few. */
const sizeOf = (rows: number): number => (rows <= exactSizesMax ? rows : 2 ** Math.ceil(Math.log2(rows)))

export function createStatistics(): Statistics {
  const byRuntime = new WeakMap<VariantRuntime, Counted>()
  const byName = new Map<string, Counted>()
  const countedOf = (endpoint: string, runtime: VariantRuntime): Counted => {
    let found = byRuntime.get(runtime)
    if (found) return found
    const { version } = runtime.variant
    const key = `${endpoint} ${version}`
    found = byName.get(key)
    if (!found) byName.set(key, (found = { sums: noStatistics(endpoint, version), lastRun: undefined }))
    byRuntime.set(runtime, found)
    return found
  }
  return {
    count({ endpoint, rows, ms, atMs }, answer) {
      const { variant } = answer
      // Nobody was to answer it yet when it was refused.
      if (!variant) return
      const counted = countedOf(endpoint.name, variant)
      const { sums } = counted
      sums.lastMs = atMs
      if (answer.error) {
        sums.failures++
        sums.failureMs += ms
        return
      }
      const { predictions, queueMs, inferMs, aloneMs } = answer.outcome
      sums.successes++
      sums.successMs += ms
      if (aloneMs === undefined) {
        sums.cacheHits++
        sums.cacheHitMs += ms
        return
      }
      if (endpoint.config.options.cache) sums.cacheMisses++
      sums.rows += rows
      sums.queueMs += queueMs
      sums.computeMs += inferMs
      if (counted.lastRun === predictions) return
      counted.lastRun = predictions
      sums.runs++
      const batch = (sums.batches[sizeOf(predictions.rows)] ??= { count: 0, ms: 0 })
      batch.count++
      batch.ms += inferMs
    },
    get snapshot() {
      return [...byName.values()].map(({ sums }) => sums)
    },
  }
}
