// How many predictions a second are logged.
import { expect, test } from 'vitest'
import { createLogRate } from './log-rate.ts'

test('a burst is logged up to its limit, whole requests of it, and then so many a second', () => {
  let now = 5
  const mayLog = createLogRate(() => now, { rowsPerSecond: 10, burstRows: 12 })
  expect([mayLog(4), mayLog(5), mayLog(4), mayLog(3), mayLog(1)]).toEqual([true, true, false, true, false])
  now += 500
  expect([mayLog(6), mayLog(5), mayLog(1)]).toEqual([false, true, false])
  now += 99
  expect(mayLog(1)).toBe(false)
  now += 1
  expect([mayLog(1), mayLog(1)]).toEqual([true, false])
})

test('a pause fills it up to the burst and no further, and a clock that is set back takes nothing away', () => {
  let now = 1e6
  const mayLog = createLogRate(() => now, { rowsPerSecond: 10, burstRows: 12 })
  expect(mayLog(12)).toBe(true)
  now += 60_000
  expect([mayLog(13), mayLog(12), mayLog(1)]).toEqual([false, true, false])
  now -= 30_000
  expect(mayLog(1)).toBe(false)
  now += 100
  expect(mayLog(1)).toBe(true)
})
