// The generator: the published algorithm, moments, bounds, and forks that do not depend on what was drawn.
import { expect, test } from 'vitest'
import { createGenerator, xoshiro128 } from './random.ts'
import { reference } from './testing/reference.ts'

test('the bare algorithm is xoshiro128**', () => {
  const next = xoshiro128(Uint32Array.of(1, 2, 3, 4))
  expect(reference.xoshiro.map(() => next())).toEqual(reference.xoshiro)
})

test('the same seed gives the same numbers and another seed gives others', () => {
  const draw = (seed: number | string) => {
    const generator = createGenerator(seed)
    return Array.from({ length: 5 }, () => generator.bits())
  }
  expect(draw(7)).toEqual(draw('7'))
  expect(draw(7)).not.toEqual(draw(8))
})

test('uniform and normal numbers have the moments they should', () => {
  const generator = createGenerator('moments')
  const rows = 200_000
  let [sum, squares, normalSum, normalSquares, fourth] = [0, 0, 0, 0, 0]
  for (let row = 0; row < rows; row++) {
    const uniform = generator.uniform()
    sum += uniform
    squares += uniform ** 2
    const normal = generator.normal()
    normalSum += normal
    normalSquares += normal ** 2
    fourth += normal ** 4
  }
  expect(sum / rows).toBeCloseTo(0.5, 2)
  expect(squares / rows).toBeCloseTo(1 / 3, 2)
  expect(normalSum / rows).toBeCloseTo(0, 1)
  expect(normalSquares / rows).toBeCloseTo(1, 1)
  expect(fourth / rows).toBeCloseTo(3, 0)
})

test('integers stay in their bound, reach all of it, and refuse a bound of none', () => {
  const generator = createGenerator(1)
  const counts = [0, 0, 0, 0, 0, 0]
  for (let draw = 0; draw < 60_000; draw++) counts[generator.integer(6)]!++
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500)
  expect(generator.integer(2 ** 40)).toBeLessThan(2 ** 40)
  expect(() => generator.integer(0)).toThrow(RangeError)
})

test('shuffling keeps every element and reaches every order equally often', () => {
  const generator = createGenerator('shuffle')
  const orders = new Map<string, number>()
  for (let round = 0; round < 6000; round++) {
    const order = generator.shuffle([1, 2, 3]).join('')
    orders.set(order, (orders.get(order) ?? 0) + 1)
  }
  expect([...orders.keys()].toSorted()).toEqual(['123', '132', '213', '231', '312', '321'])
  for (const count of orders.values()) expect(Math.abs(count - 1000)).toBeLessThan(150)
  expect(generator.shuffle(Int32Array.of(1, 2, 3, 4)).toSorted()).toEqual(Int32Array.of(1, 2, 3, 4))
})

test('a fork depends on seed and label, not on what its parent drew', () => {
  const fresh = createGenerator(3).fork('rows').bits()
  const used = createGenerator(3)
  used.normal()
  expect(used.fork('rows').bits()).toBe(fresh)
  expect(used.fork('columns').bits()).not.toBe(fresh)
})
