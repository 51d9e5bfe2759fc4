// The split: shares as asked for, callers that stay where they are while a ramp goes up, whatever the number of canaries.
import { expect, test } from 'vitest'
import { createGenerator, type Generator } from '../../statistics/random.ts'
import { chooseVariant, type Weighted } from './traffic-split.ts'

interface Arm extends Weighted {
  readonly name: string
}

/** Champion first, then canaries of these weights. */
const armsOf = (weights: readonly number[]): Arm[] => [
  { name: 'champion', role: 'champion', weight: 1 - weights.reduce((sum, weight) => sum + weight, 0) },
  ...weights.map((weight, at): Arm => ({ name: `canary ${at}`, role: 'canary', weight })),
  { name: 'shadow', role: 'shadow', weight: 0 },
]

const keys = Array.from({ length: 4000 }, (_, at) => `caller-${at}`)
const assigned = (weights: readonly number[], salt: string): string[] => {
  const arms = armsOf(weights)
  return keys.map((key) => chooseVariant(arms, salt, key)!.name)
}

/** Weights of canaries that leave the champion something. */
function randomWeights(random: Generator): number[] {
  const count = 1 + Math.floor(random.uniform() * 5)
  const parts = Array.from({ length: count + 1 }, () => (random.uniform() < 0.15 ? 0 : random.uniform()))
  const sum = parts.reduce((all, part) => all + part, 0.01)
  return parts.slice(1).map((part) => part / sum)
}

test('every arm gets the share that was asked for', () => {
  const random = createGenerator('shares')
  for (let round = 0; round < 40; round++) {
    const weights = randomWeights(random)
    const names = assigned(weights, `salt-${round}`)
    for (const { name, weight } of armsOf(weights)) {
      const share = names.filter((found) => found === name).length / keys.length
      // Five standard deviations, of some 140 shares.
      expect(Math.abs(share - weight)).toBeLessThan(5 * Math.sqrt((weight * (1 - weight)) / keys.length) + 1e-9)
    }
  }
})

test('raising one arm keeps all of its callers', () => {
  const random = createGenerator('ramp')
  for (let round = 0; round < 60; round++) {
    const before = randomWeights(random)
    const arm = Math.floor(random.uniform() * before.length)
    const left = 1 - before.reduce((sum, weight) => sum + weight, 0)
    const after = before.map((weight, at) => (at === arm ? weight + random.uniform() * left : weight))
    const [was, is] = [assigned(before, `salt-${round}`), assigned(after, `salt-${round}`)]
    const lost = keys.filter((_, at) => was[at] === `canary ${arm}` && is[at] !== was[at])
    expect(lost, `${before.join()} to ${after.join()}`).toEqual([])
  }
})

test('while no arm has more than its slot, a raise takes callers from the champion alone', () => {
  const random = createGenerator('slots')
  for (let round = 0; round < 60; round++) {
    const count = 1 + Math.floor(random.uniform() * 5)
    const before = Array.from({ length: count }, () => (random.uniform() * 0.9) / count)
    const arm = Math.floor(random.uniform() * count)
    const after = before.map((weight, at) =>
      at === arm ? weight + (0.5 + random.uniform() / 2) * (1 / count - weight) : weight,
    )
    const [was, is] = [assigned(before, `salt-${round}`), assigned(after, `salt-${round}`)]
    const moved = keys.flatMap((_, at) => (was[at] === is[at] ? [] : [`${was[at]} to ${is[at]}`]))
    expect(moved.length).toBeGreaterThan(0)
    expect(new Set(moved)).toEqual(new Set([`champion to canary ${arm}`]))
  }
})

test('a canary that is stopped leaves its callers to the champion and the others where they are', () => {
  const [was, is] = [assigned([0.2, 0.1, 0.3], 'salt'), assigned([0.2, 0, 0.3], 'salt')]
  const moved = keys.flatMap((_, at) => (was[at] === is[at] ? [] : [`${was[at]} to ${is[at]}`]))
  expect(new Set(moved)).toEqual(new Set(['canary 1 to champion']))
})

test("without a canary that answers, all is the champion's, and shadows never answer", () => {
  expect(new Set(assigned([], 'salt'))).toEqual(new Set(['champion']))
  expect(new Set(assigned([0, 0], 'salt'))).toEqual(new Set(['champion']))
  expect(chooseVariant([{ role: 'shadow', weight: 0 }], 'salt', 'key')).toBeUndefined()
})
