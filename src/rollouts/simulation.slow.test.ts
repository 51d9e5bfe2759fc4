// The table of docs/guide/monitoring-and-rollouts.md, simulated at length: 2,000 healthy canaries, and 500 of each kind that is not.
import { expect, test } from 'vitest'
import { detection, simulateCanary } from './testing-canary.ts'

const many = (count: number, errorRate: number, requests: number) =>
  Array.from({ length: count }, (_, seed) => simulateCanary({ seed: `long/${errorRate}/${seed}`, errorRate, requests }))

test('of 2,000 healthy canaries fewer than alpha are rolled back in 50,000 requests, looked at after every event', () => {
  const healthy = many(2000, 0.01, 50_000)
  const rolledBack = healthy.filter(({ rolledBackAt }) => rolledBackAt !== undefined).length
  const accused = healthy.filter(({ isAccusedNaively }) => isAccusedNaively).length
  process.stdout.write(`healthy: ${rolledBack} of 2000 rolled back, ${accused} accused by z\n`)
  expect(rolledBack / 2000).toBeLessThanOrEqual(0.01)
})

test('errors are found with so many requests', () => {
  for (const [errorRate, bounds] of [
    [0.02, { found: 0.95, median: 2600 }],
    [0.05, { found: 1, median: 250 }],
    [0.1, { found: 1, median: 100 }],
  ] as const) {
    const found = detection(many(500, errorRate, 50_000))
    process.stdout.write(`${errorRate}: ${JSON.stringify(found)}\n`)
    expect(found.found).toBeGreaterThanOrEqual(bounds.found)
    expect(found.median).toBeLessThan(bounds.median)
  }
})
