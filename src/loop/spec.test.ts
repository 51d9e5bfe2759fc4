// What a loop file may say, how it is refused, and what the policy makes of it.
import { expect, test } from 'vitest'
import { dayMs, durationMs, durationText } from './duration.ts'
import { command, expect as expectation, gate, gradientBoosting, monitor, retrain } from './index.ts'
import { nextDueMs, Schedule } from './schedule.ts'
import { parseLoopSpec, policySettings } from './spec.ts'
import { testLoop } from './testing.ts'

test('durations are parsed and written in the largest exact unit', () => {
  expect(['28d', '12h', '90s', '1.5m', '7ms'].map(durationMs)).toEqual([28 * dayMs, dayMs / 2, 90_000, 90_000, 7])
  expect([28 * dayMs, dayMs / 2, 90_000, 7, 0].map(durationText)).toEqual(['28d', '12h', '90s', '7ms', '0ms'])
  for (const wrong of ['', '28', 'd', '28 d', '-1d', '1w', '1e3d']) expect(() => durationMs(wrong)).toThrow(RangeError)
})

test('a spec survives JSON, and what the policy needs of it is in milliseconds', () => {
  const spec = testLoop({ retrain: retrain({ on: ['calibration', { every: '7d' }, { newRows: 10 }], cooldown: '2d' }) })
  expect(parseLoopSpec(JSON.parse(JSON.stringify(spec)))).toEqual(spec)
  expect(policySettings(spec)).toEqual({
    loop: 'flights',
    triggers: { monitors: ['calibration'], schedules: [{ every: '7d' }], newRows: 10 },
    firstWindow: { fromMs: Date.parse('2001-01-01'), toMs: Date.parse('2001-02-01') },
    windowMs: 28 * dayMs,
    holdoutMs: 7 * dayMs,
    labelDelayMs: dayMs,
    cooldownMs: 2 * dayMs,
    watchMs: 31 * dayMs,
    budget: null,
  })
})

const training = { trainer: gradientBoosting(), window: '28d' } as const

test.each([
  [
    'a trigger on a monitor that is not there',
    { retrain: retrain({ on: 'drift' }) },
    /retrain\.on\[0\]: there is no monitor "drift": calibration/v,
  ],
  ['the target among the features', { features: ['distance', 'delay'] }, /features\[1\]: "delay" is the target/v],
  ['a feature twice', { features: ['distance', 'distance'] }, /features: a column is named twice/v],
  [
    'two monitors of one name',
    { monitors: [monitor.calibration(), monitor.calibration({ window: '14d' })] },
    /monitors: two monitors have one name/v,
  ],
  ['a window of days and a half', { monitors: [monitor.calibration({ window: '36h' })] }, /monitors\[0\]\.windowDays/v],
  [
    'a duration in words',
    { training: { ...training, holdout: 'a week' } },
    /training\.holdout: a duration such as "28d"/v,
  ],
  ['a schedule in words', { retrain: retrain({ on: { every: 'week' as '1d' } }) }, /retrain\.on\[0\]/v],
  [
    'no cooldown',
    { retrain: retrain({ on: 'calibration', cooldown: '0s' }) },
    /retrain\.cooldown: it must be at least "1m"/v,
  ],
  [
    'a limit by rule for a command without folds',
    { training: { ...training, trainer: command(['x']) } },
    /monitors\[0\]: "calibration" takes its limits from days .* give command\(\) `folds: 5`/v,
  ],
  [
    'a command with one fold',
    { training: { ...training, trainer: command(['x'], { folds: 1 }) } },
    /training\.trainer\.folds/v,
  ],
  ['a command without a program', { training: { ...training, trainer: command([]) } }, /training\.trainer\.argv/v],
  [
    'a command with a variable of ours',
    { training: { ...training, trainer: command(['x'], { env: { TRUELOOP_TOKEN: 'mine' } }) } },
    /training\.trainer\.env/v,
  ],
  [
    'a command that may run for a month',
    { training: { ...training, trainer: command(['x'], { timeout: '30d' }) } },
    /training\.trainer\.timeout: longer than nothing and at most 14d/v,
  ],
  ['a name with a space', { name: 'my flights' }, /name: lower-case letters/v],
  [
    'a quantile of latency above 1',
    { monitors: [monitor.latency({ quantile: 99, high: 5 })] },
    /monitors\[0\]\.signal\.quantile/v,
  ],
] as const)('%s is refused with the field that is wrong', (_, change, message) => {
  expect(() => testLoop({ monitors: [monitor.calibration()], ...change } as never)).toThrow(message)
})

test('a first window must be longer than its holdout', () => {
  const { training } = testLoop()
  const short = { ...testLoop(), training: { ...training, firstWindow: ['2001-01-01', '2001-01-08'] } }
  expect(() => parseLoopSpec(short)).toThrow(/training\.firstWindow: it must be longer than the holdout of 7d/v)
})

test('statements about data are plain data, and each severity makes a new one', () => {
  const plain = expectation.column('delay').between(-180, 1440)
  const strict = plain.named('sane delays').quarantine()
  expect(JSON.parse(JSON.stringify(plain))).toEqual({ type: 'between', column: 'delay', min: -180, max: 1440 })
  expect(Object.keys(strict)).toEqual(['type', 'column', 'min', 'max', 'name', 'severity'])
  expect(strict).toMatchObject({ severity: 'quarantine', name: 'sane delays' })
})

test('the parts of a gate are one policy', () => {
  const { gate: policy } = testLoop({
    gate: [gate.metric('auc', { min: 0.6 }), gate.metric('log_loss', { max: 0.6 }), gate.notWorseThanChampion()],
  })
  expect(policy).toMatchObject({
    metrics: { auc: { min: 0.6 }, log_loss: { max: 0.6 } },
    notWorseThanChampion: { margin: 0, confidence: 0.95 },
    laterThanTraining: true,
  })
})

test('monitors wait for outcomes as long as the loop says they take', () => {
  expect(testLoop({ labelDelay: '3d' }).monitors[0]).toMatchObject({ windowDays: 28, outcomeDelayMs: 3 * dayMs })
})

test('a cron schedule is read in UTC, and what is none is refused', () => {
  const monday = Schedule.parse({ cron: '0 3 * * 1' })
  expect(new Date(nextDueMs(monday, Date.parse('2001-02-01T00:00:00Z'))).toISOString()).toBe('2001-02-05T03:00:00.000Z')
  for (const cron of ['every day', '* * * *', '61 * * * *', '0 0 30 2 *']) {
    expect(Schedule.safeParse({ cron }).success).toBe(false)
  }
})
