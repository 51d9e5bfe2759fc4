// Hashing: published vectors, stability, uniformity, independence of salts.
import { expect, test } from 'vitest'
import { chiSquaredSurvival } from './distributions.ts'
import { hashString, unitInterval } from './hash.ts'
import { reference } from './testing/reference.ts'

test('the hash is MurmurHash3, also for text that is not ASCII', () => {
  for (const { text, seed, hash } of reference.hashes) expect([text, hashString(text, seed)]).toEqual([text, hash])
})

test('keys spread evenly over the unit interval, under every salt', () => {
  for (const salt of ['', 'flights', 'flights/2']) {
    const counts = new Float64Array(100)
    for (let key = 0; key < 100_000; key++) counts[Math.floor(unitInterval(salt, `user-${key}`) * 100)]!++
    const statistic = counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)
    expect(chiSquaredSurvival(statistic, 99)).toBeGreaterThan(0.001)
  }
})

test('two salts place the same key independently', () => {
  const counts = new Float64Array(100)
  for (let key = 0; key < 100_000; key++) {
    const cell = Math.floor(unitInterval('a', `k${key}`) * 10) * 10 + Math.floor(unitInterval('b', `k${key}`) * 10)
    counts[cell]!++
  }
  const statistic = counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)
  expect(chiSquaredSurvival(statistic, 99)).toBeGreaterThan(0.001)
})
