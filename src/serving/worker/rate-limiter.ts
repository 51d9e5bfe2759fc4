// How many requests one caller may send: a bucket for each that fills with time, in bounded memory.
import { DomainError } from '../../platform/errors.ts'
import type { EndpointOptions } from '../endpoint-options.ts'

type RateLimit = NonNullable<EndpointOptions['rateLimit']>

export interface RateLimiter {
  readonly limit: RateLimit
  /** Takes one request from the caller's bucket. @throws DomainError rate_limited: it is empty; the detail has `retryAfterSeconds` */
  take(caller: string): void
}

interface Bucket {
  requests: number
  atMs: number
}

/** Callers that are remembered at least; one that has not asked while so many others did begins anew. */
export const callersRememberedMin = 10_000

/** @param nowMs a clock that never goes back */
export function createRateLimiter(
  { endpoint, limit, callers = callersRememberedMin }: { endpoint: string; limit: RateLimit; callers?: number },
  nowMs: () => number,
): RateLimiter {
  const { requestsPerSecond, burst } = limit
  // Two halves: who asks moves to the newer one, and the older one is let go when the newer is full.
  let recent = new Map<string, Bucket>()
  let older = new Map<string, Bucket>()
  const bucketOf = (caller: string, atMs: number): Bucket => {
    const known = recent.get(caller)
    if (known) return known
    const found = older.get(caller) ?? { requests: burst, atMs }
    if (recent.size >= callers) {
      older = recent
      recent = new Map()
    }
    recent.set(caller, found)
    return found
  }
  return {
    limit,
    take(caller) {
      const atMs = nowMs()
      const bucket = bucketOf(caller, atMs)
      bucket.requests = Math.min(burst, bucket.requests + ((atMs - bucket.atMs) * requestsPerSecond) / 1000)
      bucket.atMs = atMs
      if (bucket.requests < 1) throw rateLimited(endpoint, limit, (1 - bucket.requests) / requestsPerSecond)
      bucket.requests--
    },
  }
}

function rateLimited(endpoint: string, { requestsPerSecond, burst }: RateLimit, waitSeconds: number): DomainError {
  const retryAfterSeconds = Math.max(1, Math.ceil(waitSeconds))
  const message = `endpoint "${endpoint}" takes ${requestsPerSecond} requests a second of each caller, ${burst} at once: wait ${retryAfterSeconds} s`
  return new DomainError('unavailable', 'rate_limited', message, { retryAfterSeconds })
}
