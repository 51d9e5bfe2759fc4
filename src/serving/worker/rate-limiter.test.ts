// Properties of the callers' buckets under a clock of the test's own.
import { expect, test } from 'vitest'
import { createGenerator } from '../../statistics/random.ts'
import { createRateLimiter } from './rate-limiter.ts'

function isTaken(take: () => void): boolean {
  try {
    take()
    return true
  } catch (error) {
    expect(error).toMatchObject({ code: 'rate_limited' })
    return false
  }
}

test('in any span of time a caller gets at most its burst and its rate', () => {
  for (let seed = 0; seed < 50; seed++) {
    const random = createGenerator(`rate ${seed}`)
    const limit = { requestsPerSecond: 0.5 + random.uniform() * 100, burst: 1 + Math.floor(random.uniform() * 20) }
    let nowMs = 1e6
    const limiter = createRateLimiter({ endpoint: 'flights', limit }, () => nowMs)
    const taken: number[] = []
    for (let at = 0; at < 400; at++) {
      nowMs += random.uniform() ** 3 * 50
      if (isTaken(() => limiter.take('me'))) taken.push(nowMs)
    }
    expect(taken.length).toBeGreaterThan(0)
    for (let from = 0; from < taken.length; from += 7) {
      for (let to = from; to < taken.length; to += 5) {
        const most = limit.burst + ((taken[to]! - taken[from]!) * limit.requestsPerSecond) / 1000
        expect(to - from + 1, `seed ${seed}`).toBeLessThanOrEqual(most + 1e-6)
      }
    }
  }
})

test('who waits as long as it is told is let in, and nobody waits for another', () => {
  let nowMs = 0
  const limit = { requestsPerSecond: 0.25, burst: 2 }
  const limiter = createRateLimiter({ endpoint: 'flights', limit }, () => nowMs)
  limiter.take('a')
  limiter.take('a')
  let seconds = 0
  try {
    limiter.take('a')
  } catch (error) {
    seconds = (error as { detail: { retryAfterSeconds: number } }).detail.retryAfterSeconds
  }
  expect(seconds).toBe(4)
  limiter.take('b')
  nowMs += seconds * 1000 - 1
  expect(isTaken(() => limiter.take('a'))).toBe(false)
  nowMs += 1
  expect(isTaken(() => limiter.take('a'))).toBe(true)
})

test('a crowd of callers does not let one off that keeps asking', () => {
  let nowMs = 0
  const limiter = createRateLimiter(
    { endpoint: 'flights', limit: { requestsPerSecond: 0.001, burst: 1 }, callers: 10 },
    () => nowMs++,
  )
  limiter.take('me')
  for (let at = 0; at < 1_000; at++) {
    limiter.take(`other ${at}`)
    if (at % 5 === 0) expect(isTaken(() => limiter.take('me'))).toBe(false)
  }
})
