// The watch after a promotion by example: when the version before gets its place back, and when not.
import { expect, test } from 'vitest'
import type { LoopOptions } from '../builders/loop.ts'
import { dayMs } from '../duration.ts'
import { monitor, retrain, rollout } from '../index.ts'
import type { LoopInput, LoopState, Measured } from '../policy-state.ts'
import { advance, type Advance } from '../policy.ts'
import { testLoop } from '../testing.ts'
import { alert, day, gated, play, settings, watching } from '../testing-policy.ts'

/** A loop whose second version was promoted on 27 April, because of the calibration. */
function promoted(former?: Partial<Measured>): LoopState {
  const opened = { ...alert('2001-04-20'), ...(former ? { measured: measured('flights/1', former) } : {}) }
  const begun = advance(watching, opened, settings)
  const rolling = advance(begun.state, gated(begun.commands[0]?.id ?? '', 'flights/2'), settings)
  const command = rolling.commands[0]?.id ?? ''
  const outcome = { rollout: 'rol_1', outcome: 'promoted' as const, sentence: 'its loss is lower.' }
  const closed: LoopInput = { kind: 'alert_closed', atMs: 0, monitor: 'calibration', sentence: 'replaced' }
  return play(rolling.state, [{ kind: 'rolled_out', atMs: day('2001-04-27'), command, ...outcome }, closed]).state
}

const measured = (version: string, change: Partial<Measured> = {}): Measured => ({
  version,
  signal: 'calibration_gap',
  value: 0.05,
  threshold: 0.03,
  n: 9_000,
  ...change,
})
const against = (text: string, change: Partial<Measured> = {}, monitor = 'calibration'): LoopInput => ({
  kind: 'alert_opened',
  atMs: day(text),
  eventSeq: 120,
  monitor,
  sentence: 'the gap of flights/2 is 0.05, above 0.03, on 9000 outcomes.',
  measured: measured('flights/2', change),
})
const takesBack = ({ commands }: Advance): boolean => commands.some(({ kind }) => kind === 'take_back')

test('a monitor that opens on a version that was promoted lately gives its predecessor the place back', () => {
  const begun = advance(promoted(), against('2001-05-20'), settings)
  expect(begun.commands).toEqual([
    {
      id: 'flights.6.take_back',
      kind: 'take_back',
      rollout: 'rol_1',
      modelVersion: 'flights/2',
      sentence:
        'monitor calibration opened on flights/2, promoted 2001-04-27 (the gap of flights/2 is 0.05, above 0.03, on 9000 outcomes)',
    },
  ])
  expect(begun.decisions.at(-1)).toMatchObject({
    kind: 'take_back_started',
    sentence:
      'Monitor calibration opened on flights/2, promoted 2001-04-27 (the gap of flights/2 is 0.05, above 0.03, on 9000 outcomes): flights/1 gets its place back.',
    evidence: { eventSeq: 120, monitor: 'calibration', rollout: 'rol_1', modelVersion: 'flights/2' },
  })
  expect(begun.state).toMatchObject({ phase: 'taking_back', champion: 'flights/2', attempt: null })
  const command = begun.commands[0]?.id ?? ''
  const sentence = 'the gap is 0.05.'
  const done = advance(begun.state, { kind: 'taken_back', atMs: day('2001-05-20'), command, sentence }, settings)
  expect(done.state).toMatchObject({ phase: 'cooling_down', champion: 'flights/1', openAlerts: [], watch: null })
  expect(done.decisions).toMatchObject([
    { kind: 'taken_back', sentence: 'flights/2 was taken back and flights/1 serves again: the gap is 0.05.' },
  ])
  // What the move itself announces says nothing that is not known, and the cooldown counts from here.
  const echo: LoopInput = { kind: 'champion_moved', atMs: 0, modelVersion: 'flights/1', reason: 'rollout rol_1: …' }
  const after = play(done.state, [
    echo,
    { kind: 'taken_back', atMs: 0, command, sentence },
    { kind: 'alert_closed', atMs: 0, monitor: 'calibration', sentence: 'replaced' },
    { ...against('2001-05-25'), measured: measured('flights/1') } as LoopInput,
  ])
  expect(after.kinds).toEqual(['alert_opened', 'retrain_held'])
  expect(play(after.state, [{ kind: 'tick', atMs: day('2001-06-03') }]).kinds).toEqual([
    'cooldown_ended',
    'training_started',
  ])
})

test('an alert on the version that was replaced asks for no retrain, and the same on its successor does', () => {
  const opened = { ...alert('2001-04-20'), measured: measured('flights/1') }
  const begun = advance(watching, opened, settings)
  const rolling = advance(begun.state, gated(begun.commands[0]?.id ?? '', 'flights/2'), settings)
  const command = rolling.commands[0]?.id ?? ''
  const outcome = { rollout: 'rol_1', outcome: 'promoted' as const, sentence: 'its loss is lower.' }
  const rolled: LoopInput = { kind: 'rolled_out', atMs: day('2001-04-27'), command, ...outcome }
  // Its alert is open still: it is closed when the monitors are next looked at.
  const after = play(rolling.state, [rolled, { kind: 'tick', atMs: day('2001-06-15') }])
  expect(after.kinds).toEqual(['promoted', 'cooldown_ended'])
  expect(after.state.openAlerts).toHaveLength(1)
  const late = play(after.state, [
    { kind: 'alert_closed', atMs: 0, monitor: 'calibration', sentence: 'replaced' },
    against('2001-06-16', { version: 'flights/2' }),
  ])
  expect(late.kinds).toEqual(['alert_closed', 'alert_opened', 'training_started'])
})

test("no promotion is taken back after its watch, for what is the world's doing, or for another version", () => {
  const start = promoted()
  expect(takesBack(advance(start, against('2001-05-26'), settings))).toBe(true)
  for (const input of [
    against('2001-05-27'),
    against('2001-05-20', { signal: 'feature_drift' }),
    against('2001-05-20', { signal: 'latency' }),
    against('2001-05-20', { version: 'flights/1' }),
    against('2001-05-20', { value: null }),
  ]) {
    expect(takesBack(advance(start, input, settings)), JSON.stringify(input)).toBe(false)
  }
  expect(takesBack(advance(start, against('2001-05-20', { signal: 'error_rate' }, 'errors'), settings))).toBe(true)
  const unwatched = advance(start, against('2001-04-28'), { ...settings, watchMs: 0 })
  expect(takesBack(unwatched), 'a watch that began goes on, whatever is applied meanwhile').toBe(true)
})

test('a predecessor that was in breach itself gets its place back only from one that is worse', () => {
  const worse = (former: Partial<Measured>, now: Partial<Measured>): boolean =>
    takesBack(advance(promoted(former), against('2001-05-20', now), settings))
  expect(worse({ value: 0.04 }, { value: 0.05 })).toBe(true)
  expect(worse({ value: 0.06 }, { value: 0.05 })).toBe(false)
  expect(worse({ value: -0.06, threshold: -0.03 }, { value: -0.07, threshold: -0.02 })).toBe(true)
  expect(worse({ value: -0.06, threshold: -0.03 }, { value: 0.07 }), 'in the other direction').toBe(false)
  const begun = advance(promoted({ value: 0.04 }), against('2001-05-20'), settings)
  expect(begun.decisions.at(-1)?.sentence).toContain(
    ', worse than the 0.04 of flights/1): flights/1 gets its place back.',
  )
})

test('where nothing is left to go back to, the version stays and its alert asks for a retrain', () => {
  const moved = play(promoted(), [
    { kind: 'champion_moved', atMs: day('2001-04-28'), modelVersion: 'flights/7', reason: 'by hand' },
    { ...against('2001-05-02'), measured: measured('flights/7') } as LoopInput,
  ])
  expect(moved.kinds).toEqual(['champion_moved', 'alert_opened', 'retrain_held'])
  const begun = advance(promoted(), against('2001-05-20'), settings)
  const command = begun.commands[0]?.id ?? ''
  const failed = advance(
    begun.state,
    { kind: 'failed', atMs: day('2001-05-20'), command, reason: 'flights/1 is archived' },
    settings,
  )
  expect(failed.state).toMatchObject({ champion: 'flights/2', watch: null, phase: 'training' })
  expect(failed.decisions.map(({ sentence }) => sentence)).toEqual([
    'flights/2 could not be taken back: flights/1 is archived; it stays.',
    expect.stringContaining('because monitor calibration is open'),
  ])
})

test('a promotion that somebody else takes back is told as such, and the cooldown counts from it', () => {
  const reason = 'rollout rol_1: the gateway took flights/2 out: it hung or ended its worker repeatedly'
  const back: LoopInput = { kind: 'champion_moved', atMs: day('2001-05-20'), modelVersion: 'flights/1', reason }
  const heard = advance(promoted(), back, settings)
  expect(heard.decisions).toMatchObject([
    { kind: 'cooldown_ended' },
    {
      kind: 'taken_back',
      sentence: `flights/2 was taken back and flights/1 serves again: ${reason}.`,
      evidence: { rollout: 'rol_1', modelVersion: 'flights/1' },
    },
  ])
  expect(heard.state).toMatchObject({ phase: 'cooling_down', champion: 'flights/1', watch: null })
})

test('what is under way ends first, and a paused loop takes nothing back by itself', () => {
  const tick: LoopInput = { kind: 'tick', atMs: day('2001-05-21') }
  const manual: LoopInput = { kind: 'manual', atMs: day('2001-05-19'), actor: 'ann', reason: 'let us see' }
  const training = advance(promoted(), manual, settings)
  const waiting = advance(training.state, against('2001-05-20'), settings)
  expect(takesBack(waiting)).toBe(false)
  const refused = advance(waiting.state, gated(training.commands[0]?.id ?? '', 'flights/3', false), settings)
  expect(takesBack(refused)).toBe(true)
  const rolling = advance(waiting.state, gated(training.commands[0]?.id ?? '', 'flights/3'), settings)
  expect(rolling.state.watch, 'a challenger takes the place of the version before').toBeNull()

  const by = { actor: 'ann', reason: 'holiday' }
  const paused = play(promoted(), [{ kind: 'paused', atMs: 0, ...by }, against('2001-05-20'), tick])
  expect(paused.state).toMatchObject({ phase: 'watching', champion: 'flights/2' })
  expect(takesBack(advance(paused.state, { kind: 'resumed', atMs: 0, ...by }, settings))).toBe(true)
})

test('a promotion is watched for as long as the slowest monitor that judges it takes to open, unless the file says how long', () => {
  const watchMs = (change: Partial<LoopOptions>): number => testLoop(change).rollout.watchMs
  const slow = monitor.calibration({ window: '28d' })
  expect(watchMs({ monitors: [slow, monitor.errorRate({ window: '1d', high: 0.01 })] })).toBe((28 + 2 + 1) * dayMs)
  expect(
    watchMs({
      monitors: [monitor.errorRate({ window: '1d', high: 0.01, openAfter: 3 })],
      retrain: retrain({ on: [] }),
    }),
  ).toBe(4 * dayMs)
  expect(watchMs({ monitors: [monitor.drift('distance', { window: '90d' })], retrain: retrain({ on: [] }) })).toBe(
    dayMs,
  )
  expect(watchMs({ rollout: rollout.shadowOnly({ watch: '2d' }) })).toBe(2 * dayMs)
  expect(watchMs({ rollout: rollout.shadowOnly({ watch: '0s' }) })).toBe(0)
})
