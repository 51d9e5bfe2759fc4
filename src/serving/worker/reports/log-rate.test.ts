// How many predictions a second are logged.
import { expect, test } from 'vitest'
import { createLogRate } from './log-rate.ts'

test('within a second so many rows are logged, whole requests of them, and in the next again', () => {
  let now = 5
  const mayLog = createLogRate(() => now, 10)
  expect([mayLog(4), mayLog(4), mayLog(4), mayLog(2), mayLog(1)]).toEqual([true, true, false, true, false])
  now += 999
  expect(mayLog(1)).toBe(false)
  now += 1
  expect([mayLog(9), mayLog(2), mayLog(1)]).toEqual([true, false, true])
})
