// Thresholds from the training period: false alarms on new windows, the formula's parts, hysteresis.
import { expect, test } from 'vitest'
import type { DailyValue } from './bootstrap.ts'
import { createGenerator } from './random.ts'
import { blockDaysFor, CLOSED, hysteresis, longRunVariance, thresholdFor, type ThresholdOptions } from './thresholds.ts'

/** Days whose values follow an autoregression of order 1. */
function series(seed: string, correlation: number, days: number): DailyValue[] {
  const generator = createGenerator(seed)
  let value = generator.normal() / Math.sqrt(1 - correlation ** 2)
  return Array.from({ length: days }, () => {
    value = correlation * value + generator.normal()
    return { value, rows: 1000 + generator.integer(500) }
  })
}

function falseAlarms(correlation: number, options: ThresholdOptions, rounds = 600): number {
  let alarms = 0
  for (let round = 0; round < rounds; round++) {
    const days = series(`${correlation}/${round}`, correlation, 31 + 20 + options.windowDays)
    const { lower, upper } = thresholdFor(days.slice(0, 31), options)
    const window = days.slice(-options.windowDays)
    const mean =
      window.reduce((sum, day) => sum + day.value * day.rows, 0) / window.reduce((sum, day) => sum + day.rows, 0)
    if (mean < lower || mean > upper) alarms++
  }
  return alarms / rounds
}

test('a month of independent days sets thresholds that new windows cross about as seldom as alpha says', () => {
  expect(falseAlarms(0, { windowDays: 14 })).toBeLessThan(0.02)
  expect(falseAlarms(0, { windowDays: 28 })).toBeLessThan(0.02)
  const wide = falseAlarms(0, { windowDays: 14, alpha: 0.2 }, 1000)
  expect(wide).toBeGreaterThan(0.14)
  expect(wide).toBeLessThan(0.26)
})

test('neighbouring days that are alike cost few false alarms more', () => {
  expect(falseAlarms(0.4, { windowDays: 14 })).toBeLessThan(0.04)
  expect(falseAlarms(0.4, { windowDays: 14, method: 'bootstrap' }, 60)).toBeLessThan(0.08)
})

test('a shift of three standard deviations and more is found', () => {
  const days = series('shift', 0.3, 31)
  const { lower, upper, mean, sd, degrees, n, blockDays } = thresholdFor(days, { windowDays: 14 })
  expect([n, blockDays, degrees]).toEqual([31, 4, (1.5 * 31) / 4])
  expect((upper - mean) / sd).toBeCloseTo(3.0735, 2)
  expect(mean - lower).toBeCloseTo(upper - mean, 10)
})

test('one-sided thresholds put all of alpha on their side', () => {
  const days = series('side', 0, 31)
  const both = thresholdFor(days, { windowDays: 14, alpha: 0.02 })
  const upper = thresholdFor(days, { windowDays: 14, alpha: 0.01, side: 'upper' })
  expect(upper.upper).toBeCloseTo(both.upper, 10)
  expect(upper.lower).toBe(-Infinity)
  expect(thresholdFor(days, { windowDays: 14, side: 'lower' }).upper).toBe(Infinity)
})

test('fewer live rows widen the threshold by their sampling noise', () => {
  const days = series('live', 0, 31)
  const plain = thresholdFor(days, { windowDays: 14 })
  const live = thresholdFor(days, { windowDays: 14, live: { rowsPerDay: 50, varianceOfRow: 40 } })
  expect(live.sd ** 2).toBeCloseTo(plain.sd ** 2 + 40 / (50 * 14), 10)
})

test('the long-run variance of an autoregression is found on a long series', () => {
  const variance = longRunVariance(series('long', 0.5, 20_000), 60)
  expect(variance).toBeGreaterThan(3.3)
  expect(variance).toBeLessThan(4.7)
})

test('a period of too few days is refused; blocks grow with the cube root of the period', () => {
  expect(() => thresholdFor(series('few', 0, 6), { windowDays: 3 })).toThrow(
    expect.objectContaining({ code: 'too_few_days' }),
  )
  expect([7, 27, 31, 125, 1000].map(blockDaysFor)).toEqual([3, 3, 4, 5, 7])
})

test('an alert opens after enough breaches in a row and closes after enough clean looks in a row', () => {
  const rule = { openAfter: 2, closeAfter: 3 }
  const looks = [true, false, true, undefined, true, false, false, true, false, false, false]
  const open: boolean[] = []
  let state = CLOSED
  for (const look of looks) {
    state = hysteresis(state, look, rule)
    open.push(state.open)
  }
  expect(open).toEqual([false, false, false, false, true, true, true, true, true, true, false])
})
