// What verdicts on errors are worth, simulated: how often a healthy canary is rolled back though it is looked at all the time, and how soon a bad one is.
import { expect, test } from 'vitest'
import { detection, simulateCanary, type Detection } from './testing-canary.ts'

const many = (count: number, errorRate: number, requests = 30_000) =>
  Array.from({ length: count }, (_, seed) => simulateCanary({ seed: `${errorRate}/${seed}`, errorRate, requests }))

test('a healthy canary that is looked at after every event is hardly ever rolled back, where a naive comparison often accuses it', () => {
  const healthy = many(200, 0.01, 10_000)
  expect(healthy.filter(({ rolledBackAt }) => rolledBackAt !== undefined).length).toBeLessThanOrEqual(2)
  // So the simulation does have what tempts one to cry wolf.
  expect(healthy.filter(({ isAccusedNaively }) => isAccusedNaively).length).toBeGreaterThan(20)
})

test('the more requests fail, the sooner it is rolled back', () => {
  const found = (errorRate: number): Detection => detection(many(60, errorRate))
  const [twice, five, ten] = [found(0.02), found(0.05), found(0.1)]
  expect(twice.found).toBeGreaterThan(0.65)
  expect(twice.median).toBeLessThan(3000)
  expect(five).toMatchObject({ found: 1 })
  expect(five.median).toBeLessThan(350)
  expect(five.ninetieth).toBeLessThan(700)
  expect(ten).toMatchObject({ found: 1 })
  expect(ten.median).toBeLessThan(150)
  expect(ten.ninetieth).toBeLessThan(250)
})
