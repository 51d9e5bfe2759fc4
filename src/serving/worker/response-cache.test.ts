// Properties of remembered answers: the right one or none, in bounded memory, for a bounded time.
import { expect, test } from 'vitest'
import type { Signature } from '../../models/signature.ts'
import { createGenerator } from '../../statistics/random.ts'
import type { LoadedVersion } from './loaded-version.ts'
import { createAnswerCache } from './response-cache.ts'
import { createVersionQueue } from './runs/version-queue.ts'

const signature: Signature = {
  task: 'regression',
  inputs: [
    { name: 'a', type: 'string', required: false },
    { name: 'b', type: 'string', required: false },
    { name: 'x', type: 'double', required: false },
  ],
  classes: [],
}

function versionOf(version: string, digest: string): LoadedVersion {
  const queue = createVersionQueue(version, { signature, local: undefined, remote: undefined })
  return { version, digest, queue, shadowQueue: queue, isReleased: false, release: async () => undefined }
}

const answer = (value: number, rows = 1) => ({
  predictions: { rows: rows + 1, width: 1, values: new Float32Array(rows + 1).fill(value) },
  offset: 1,
  rows,
})

test('an answer is found for the same rows of the same version alone', () => {
  const cache = createAnswerCache({ entries: 100, ttlMs: 1_000 }, () => 0)
  const versions = [versionOf('m/1', 'aa'), versionOf('m/2', 'aa'), versionOf('m/1', 'bb')]
  const requests = [
    { a: ['p'], b: ['q'], x: [1] },
    { a: ['pq'], b: [''], x: [1] },
    { a: [''], b: ['pq'], x: [1] },
    { a: ['p'], b: ['q'], x: [1.5] },
    { a: ['p'], b: ['q'], x: [null] },
    { a: ['p', 'p'], b: ['q', 'q'], x: [1, 1] },
    { a: [], b: [], x: [] },
  ]
  const keys = versions.flatMap((version) => requests.map((columns) => cache.ask(version, columns).key))
  expect(new Set(keys).size).toBe(keys.length)
  // Written in another order, or as another type, they are the same rows.
  expect(cache.ask(versions[0]!, { x: Float64Array.of(1), b: ['q'], a: ['p'] }).key).toBe(keys[0])
  for (const [at, key] of keys.entries()) cache.keep(key, answer(at))
  for (const [at, key] of keys.entries()) expect([...cache.find(key)!.values]).toEqual([at])
})

test('what is kept is a copy', () => {
  const cache = createAnswerCache({ entries: 10, ttlMs: 1_000 }, () => 0)
  const given = answer(1)
  cache.keep('key', given)
  given.predictions.values.fill(9)
  expect(cache.find('key')).toEqual({ rows: 1, width: 1, values: Float32Array.of(1) })
})

test('it is a map of the last used keys, none of them older than its time', () => {
  for (let seed = 0; seed < 30; seed++) {
    const random = createGenerator(`cache ${seed}`)
    const options = { entries: 1 + Math.floor(random.uniform() * 10), ttlMs: 1 + Math.floor(random.uniform() * 100) }
    let nowMs = 0
    const cache = createAnswerCache(options, () => nowMs)
    let expected: { key: string; value: number; untilMs: number }[] = []
    let found = 0
    for (let step = 0; step < 500; step++) {
      nowMs += random.uniform() * 10
      const key = `k${Math.floor(random.uniform() * 15)}`
      const known = expected.find((entry) => entry.key === key && entry.untilMs > nowMs)
      if (random.uniform() < 0.5) {
        expected = [
          ...expected.filter((entry) => entry.key !== key),
          { key, value: step, untilMs: nowMs + options.ttlMs },
        ]
        expected = expected.slice(-options.entries)
        cache.keep(key, answer(step))
        continue
      }
      expect(cache.find(key)?.values[0], `seed ${seed} step ${step}`).toBe(known?.value)
      expected = expected.filter((entry) => entry.key !== key)
      if (known) expected.push(known)
      if (known) found++
    }
    expect(found).toBeGreaterThan(0)
  }
})

test('large answers are not kept, and small ones push the oldest out before they take too much memory', () => {
  const cache = createAnswerCache({ entries: 1_000_000, ttlMs: 1_000 }, () => 0)
  cache.keep('large', answer(1, 100_000))
  expect(cache.find('large')).toBeUndefined()
  for (let at = 0; at < 1_500; at++) cache.keep(`${at}`, answer(at, 15_000))
  expect(cache.find('0')).toBeUndefined()
  expect(cache.find('1499')).toBeDefined()
})
