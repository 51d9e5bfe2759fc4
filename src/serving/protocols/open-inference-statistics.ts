// Triton's statistics extension: what is told of each version behind an endpoint. Pure.
import { noStatistics, type VersionStatistics } from '../contract/gateway-statistics.ts'
import { shortVersion } from './open-inference.ts'

export interface Duration {
  readonly count: number
  /** Nanoseconds. */
  readonly ns: number
}

export interface ModelStatistics {
  readonly name: string
  readonly version: string
  /** Unix time in milliseconds; 0: none yet. */
  readonly last_inference: number
  readonly inference_count: number
  readonly execution_count: number
  readonly inference_stats: Readonly<Record<(typeof durations)[number], Duration>>
  readonly batch_stats: readonly {
    readonly batch_size: number
    readonly compute_input: Duration
    readonly compute_infer: Duration
    readonly compute_output: Duration
  }[]
}

export const durations = [
  'success', 'fail', 'queue', 'compute_input', 'compute_infer', 'compute_output', 'cache_hit', 'cache_miss',
] as const // prettier-ignore

const duration = (count: number, ms: number): Duration => ({ count, ns: Math.round(ms * 1_000_000) })

/**
 * Of the versions asked for, in their order; one that nobody has asked anything yet has zeros. Reading and writing are not measured apart:
 * they are in `success`, and `compute_input` and `compute_output` are 0.
 */
export function modelStatistics(
  versions: readonly { readonly endpoint: string; readonly version: string }[],
  counted: readonly VersionStatistics[],
): ModelStatistics[] {
  return versions.map(({ endpoint, version }) => {
    const isIt = (one: VersionStatistics): boolean => one.endpoint === endpoint && one.version === version
    return statisticsOf(counted.find(isIt) ?? noStatistics(endpoint, version))
  })
}

function statisticsOf(counted: VersionStatistics): ModelStatistics {
  const { successes } = counted
  const answered = successes - counted.cacheHits
  const batches = Object.entries(counted.batches).toSorted(([a], [b]) => Number(a) - Number(b))
  return {
    name: counted.endpoint,
    version: shortVersion(counted.version),
    last_inference: counted.lastMs,
    inference_count: counted.rows,
    execution_count: counted.runs,
    inference_stats: {
      success: duration(successes, counted.successMs),
      fail: duration(counted.failures, counted.failureMs),
      queue: duration(answered, counted.queueMs),
      compute_input: duration(answered, 0),
      compute_infer: duration(answered, counted.computeMs),
      compute_output: duration(answered, 0),
      cache_hit: duration(counted.cacheHits, counted.cacheHitMs),
      cache_miss: duration(counted.cacheMisses, 0),
    },
    batch_stats: batches.map(([rows, { count, ms }]) => ({
      batch_size: Number(rows),
      compute_input: duration(count, 0),
      compute_infer: duration(count, ms),
      compute_output: duration(count, 0),
    })),
  }
}
