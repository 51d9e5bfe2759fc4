// The policy machine by example: each transition, and what it says about it.
import { expect, test } from 'vitest'
import { emptyState, type LoopInput } from './policy-state.ts'
import { advance } from './policy.ts'
import { alert, applied, arrived, at, day, gated, opening, play, settings, watching } from './testing-policy.ts'

test('the first model is trained on the first window, gated and goes live without a comparison', () => {
  const begun = advance(emptyState, applied, settings)
  expect(begun.commands).toEqual([{ id: 'flights.1.start_ingest', kind: 'start_ingest' }])
  const trained = play(emptyState, opening.slice(0, 3))
  expect(trained.commands).toMatchObject([
    {
      id: 'flights.2.start_training',
      datasetVersion: 'flights/1',
      champion: null,
      window: {
        training: { fromMs: day('2001-01-01'), toMs: day('2001-01-25') },
        holdout: { fromMs: day('2001-01-25'), toMs: day('2001-02-01') },
      },
    },
  ])
  expect(trained.decisions[0]?.sentence).toBe(
    'Attempt 1 trains on flights/1 of [2001-01-01, 2001-01-25), holding out [2001-01-25, 2001-02-01), because the loop begins.',
  )
  const live = play(emptyState, opening)
  expect(live.state).toMatchObject({ phase: 'watching', champion: 'flights/1', attempt: null })
  expect(live.kinds).toEqual([
    'applied',
    'ingest_started',
    'data_arrived',
    'training_started',
    'gate_passed',
    'went_live',
  ])
})

test('an alert begins a retrain on labelled rows only, which a rollout promotes', () => {
  const begun = advance(watching, { ...alert('2001-04-20'), atMs: at('2001-04-20T13:00:00') }, settings)
  expect(begun.commands).toMatchObject([
    {
      kind: 'start_training',
      champion: 'flights/1',
      window: {
        training: { fromMs: day('2001-03-15'), toMs: day('2001-04-12') },
        holdout: { fromMs: day('2001-04-12'), toMs: day('2001-04-19') },
      },
      trigger: { kind: 'monitor', evidence: { eventSeq: 90, monitor: 'calibration' } },
    },
  ])
  expect(begun.decisions.at(-1)?.sentence).toContain(
    'because monitor calibration is open (predicted 0.204, observed 0.161 over 28 days, n 51,000)',
  )
  const training = begun.commands[0]?.id ?? ''
  const rolling = advance(begun.state, gated(training, 'flights/2'), settings)
  expect(rolling.commands).toMatchObject([{ kind: 'start_rollout', champion: 'flights/1', challenger: 'flights/2' }])
  const command = rolling.commands[0]?.id ?? ''
  const sentence = 'its loss is lower by 0.006 [0.003, 0.009], n 9,000.'
  const promoted = advance(
    rolling.state,
    { kind: 'rolled_out', atMs: day('2001-04-27'), command, rollout: 'rol_1', outcome: 'promoted', sentence },
    settings,
  )
  expect(promoted.state).toMatchObject({ phase: 'cooling_down', champion: 'flights/2', attempt: null })
  expect(promoted.decisions.map((decision) => decision.sentence)).toContain(
    'flights/2 was promoted and replaces flights/1: its loss is lower by 0.006 [0.003, 0.009], n 9,000.',
  )
  // The alert is still open: told once that it waits, then acted upon when the cooldown is over.
  const tick = (text: string): LoopInput => ({ kind: 'tick', atMs: day(text) })
  const waited = play(promoted.state, [tick('2001-05-01'), tick('2001-05-10'), tick('2001-05-11')])
  expect(waited.kinds).toEqual(['cooldown_ended', 'training_started'])
  expect(promoted.decisions.at(-1)?.sentence).toContain('waits: the cooldown of 14d ends 2001-05-11.')
})

test('a candidate that the gate refuses leaves the champion, and a failed pipeline does too', () => {
  const begun = advance(watching, alert('2001-04-20'), settings)
  const command = begun.commands[0]?.id ?? ''
  const refused = advance(begun.state, gated(command, 'flights/2', false), settings)
  expect(refused.state).toMatchObject({ champion: 'flights/1', phase: 'cooling_down' })
  expect(refused.decisions[0]?.sentence).toContain('The gate refused flights/2')
  const failed = advance(begun.state, { kind: 'failed', atMs: 0, command, reason: 'out of memory' }, settings)
  expect(failed.state).toMatchObject({ champion: 'flights/1', phase: 'cooling_down' })
  expect(failed.decisions[0]?.sentence).toBe('Attempt 2 failed while training: out of memory; flights/1 stays.')
})

test('a first model that is refused waits for new rows, and they begin anew', () => {
  const refused = play(emptyState, [...opening.slice(0, 3), gated('flights.2.start_training', 'flights/1', false)])
  expect(refused.state).toMatchObject({ phase: 'waiting_for_data', champion: null, attempt: null })
  expect(advance(refused.state, { kind: 'tick', atMs: day('2001-03-01') }, settings).commands).toEqual([])
  const again = advance(refused.state, { ...arrived, version: 'flights/2' } as LoopInput, settings)
  expect(again.commands).toMatchObject([{ kind: 'start_training', datasetVersion: 'flights/2' }])
})

test('an answer that nobody waits for changes nothing', () => {
  const begun = advance(watching, alert('2001-04-20'), settings)
  const stale = advance(begun.state, gated('flights.2.start_training', 'flights/9'), settings)
  expect(stale).toEqual({ state: begun.state, decisions: [], commands: [] })
})

test('the budget holds a third retrain until the first leaves its period, even one asked for by hand', () => {
  const manual = (text: string): LoopInput => ({ kind: 'manual', atMs: day(text), actor: 'ann', reason: 'new tariff' })
  const fail = (number: number): LoopInput => ({
    kind: 'failed',
    atMs: 0,
    command: `flights.${number}.start_training`,
    reason: 'disk full',
  })
  const spent = play(watching, [manual('2001-03-01'), fail(4), manual('2001-03-02'), fail(5), manual('2001-03-03')])
  expect(spent.commands).toEqual([])
  expect(spent.decisions.at(-1)?.sentence).toBe(
    'A retrain is due (ann asked for it: new tariff) but waits: the budget of 2 in 60d is spent until 2001-04-30.',
  )
  expect(advance(spent.state, { kind: 'tick', atMs: day('2001-04-29') }, settings).commands).toEqual([])
  expect(advance(spent.state, { kind: 'tick', atMs: day('2001-04-30') }, settings).commands).toHaveLength(1)
})

test('a paused loop finishes what runs, begins nothing, and acts when it is resumed', () => {
  const pause = { atMs: day('2001-04-01'), actor: 'ann', reason: 'audit' }
  const paused = play(watching, [{ ...pause, kind: 'paused' }, alert('2001-04-20')])
  expect(paused.commands).toEqual([])
  expect(paused.kinds).toEqual(['paused', 'alert_opened', 'retrain_held'])
  const resumed = advance(paused.state, { ...pause, kind: 'resumed', atMs: day('2001-04-21') }, settings)
  expect(resumed.commands).toMatchObject([{ kind: 'start_training' }])
})

test('schedules and new rows are triggers too', () => {
  const weekly = { ...settings, triggers: { monitors: [], schedules: [{ every: '7d' }], newRows: null } }
  const tick = (text: string): LoopInput => ({ kind: 'tick', atMs: day(text) })
  expect(advance(watching, tick('2001-02-07'), weekly).commands).toEqual([])
  expect(advance(watching, tick('2001-02-08'), weekly).commands).toMatchObject([
    { trigger: { reason: 'the schedule every 7d was due 2001-02-08' } },
  ])
  const onRows = { ...settings, triggers: { monitors: [], schedules: [], newRows: 1000 } }
  const more = (rows: number): LoopInput => ({ ...arrived, version: `flights/${rows}`, rows }) as LoopInput
  expect(advance(watching, more(3_000_999), onRows).commands).toEqual([])
  expect(advance(watching, more(3_001_000), onRows).commands).toMatchObject([{ trigger: { kind: 'new_rows' } }])
})

test('a dataset that ends before the window is read anew first, and its newest rows bound the window', () => {
  const short = { ...arrived, timeMaxMs: at('2001-04-10T12:00:00') } as LoopInput
  const state = play(emptyState, [applied, short, ...opening.slice(2)]).state
  const begun = advance(state, alert('2001-04-20'), settings)
  expect(begun.commands).toMatchObject([{ kind: 'start_ingest' }])
  const trained = advance(begun.state, { kind: 'ingested', atMs: 0, command: begun.commands[0]?.id ?? '' }, settings)
  expect(trained.commands).toMatchObject([
    { kind: 'start_training', window: { holdout: { fromMs: day('2001-04-04'), toMs: day('2001-04-11') } } },
  ])
})

test('a changed definition retrains without waiting for the cooldown; an unchanged one does not', () => {
  const cooling = { ...watching, phase: 'cooling_down' as const, lastEndedMs: day('2001-03-01') }
  const apply = { kind: 'applied', atMs: day('2001-03-02'), specVersion: 2, actor: 'ann' } as const
  expect(advance(cooling, { ...apply, retrainFor: [] }, settings).commands).toEqual([])
  expect(advance(cooling, { ...apply, retrainFor: ['training.trainer'] }, settings).commands).toHaveLength(1)
})

test('a champion moved by hand is known to the loop and no retrain compares with the old one', () => {
  const moved = advance(
    watching,
    { kind: 'champion_moved', atMs: day('2001-03-01'), modelVersion: 'flights/7', reason: 'hotfix' },
    settings,
  )
  expect(advance(moved.state, alert('2001-04-20'), settings).commands).toMatchObject([{ champion: 'flights/7' }])
})

const onnx = '3fa9c1d2e0b7'.padEnd(64, '0')
const proposed = (text: string, actor = 'ann'): LoopInput => ({
  kind: 'proposed',
  atMs: day(text),
  eventSeq: 70,
  actor,
  onnx,
  reason: 'a forest of our own.',
})

test('a proposed graph is judged as a retrained model is, whatever the cooldown says, and the story says whose it is', () => {
  const cooling = { ...watching, phase: 'cooling_down' as const, lastEndedMs: day('2001-04-18') }
  const begun = advance(cooling, proposed('2001-04-20'), settings)
  expect(begun.commands).toMatchObject([
    {
      kind: 'start_training',
      champion: 'flights/1',
      window: {
        training: { fromMs: day('2001-03-15'), toMs: day('2001-04-12') },
        holdout: { fromMs: day('2001-04-12'), toMs: day('2001-04-19') },
      },
      trigger: { kind: 'proposal', proposal: { onnx, actor: 'ann' }, evidence: { eventSeq: 70, actor: 'ann' } },
    },
  ])
  expect(begun.state).toMatchObject({ phase: 'training', proposals: [] })
  const command = begun.commands[0]?.id ?? ''
  const rolling = advance(begun.state, gated(command, 'flights/2'), settings)
  const promoted = advance(
    rolling.state,
    {
      kind: 'rolled_out',
      atMs: day('2001-04-27'),
      command: rolling.commands[0]?.id ?? '',
      rollout: 'rol_1',
      outcome: 'promoted',
      sentence: 'its loss is lower by 0.006, n 9,000.',
    },
    settings,
  )
  expect([...begun.decisions, ...rolling.decisions, ...promoted.decisions].map(({ sentence }) => sentence)).toEqual([
    'ann proposed graph 3fa9c1d2e0b7 (a forest of our own).',
    'Attempt 2 judges graph 3fa9c1d2e0b7, proposed by ann (a forest of our own): it takes a baseline from flights/1 of [2001-03-15, 2001-04-12), holding out [2001-04-12, 2001-04-19).',
    'The gate passed flights/2 (proposed by ann: a forest of our own): log loss 0.413 against 0.420.',
    'flights/2 goes into a rollout against flights/1.',
    'flights/2 (proposed by ann: a forest of our own) was promoted and replaces flights/1: its loss is lower by 0.006, n 9,000.',
  ])
  expect(promoted.state).toMatchObject({ phase: 'cooling_down', lastEndedMs: day('2001-04-27') })
})

test('a refused proposal spends no budget, begins no cooldown and leaves the one that it found', () => {
  const begun = advance(watching, proposed('2001-04-20'), settings)
  const command = begun.commands[0]?.id ?? ''
  const refused = advance(begun.state, gated(command, 'flights/2', false), settings)
  expect(refused.decisions[0]?.sentence).toBe(
    'The gate refused flights/2 (proposed by ann: a forest of our own): log loss 0.413 against 0.420; flights/1 stays.',
  )
  const { retrainsBeganMs, scheduledFromMs, rowsUsed } = watching
  expect(refused.state).toMatchObject({ phase: 'watching', retrainsBeganMs, scheduledFromMs, rowsUsed })
  // A monitor's own retrain begins at once.
  expect(advance(refused.state, alert('2001-04-21'), settings).commands).toHaveLength(1)

  const cooling = { ...watching, phase: 'cooling_down' as const, lastEndedMs: day('2001-04-18') }
  const within = advance(cooling, proposed('2001-04-20'), settings)
  const answer = gated(within.commands[0]?.id ?? '', 'flights/2', false)
  expect(advance(within.state, answer, settings).state).toMatchObject({
    phase: 'cooling_down',
    lastEndedMs: day('2001-04-18'),
  })
})

test('proposals wait for what is under way and for each other, and too many are refused', () => {
  const begun = advance(watching, alert('2001-04-20'), settings)
  const names = ['ann', 'bob', 'cem', 'dee', 'eve', 'fay']
  const queued = play(
    begun.state,
    names.map((name) => proposed('2001-04-20', name)),
  )
  expect(queued.state.proposals.map(({ actor }) => actor)).toEqual(names.slice(0, 5))
  expect(queued.decisions.map(({ sentence }) => sentence)).toEqual([
    'fay proposed graph 3fa9c1d2e0b7 (a forest of our own), which is refused: 5 proposals wait already.',
  ])
  const first = play(begun.state, [proposed('2001-04-20')])
  expect(first.decisions[0]?.sentence).toBe(
    'ann proposed graph 3fa9c1d2e0b7 (a forest of our own); attempt 2 ends first.',
  )
  const ended = advance(queued.state, gated(begun.commands[0]?.id ?? '', 'flights/2', false), settings)
  expect(ended.commands).toMatchObject([{ trigger: { proposal: { actor: 'ann' } } }])
  const next = advance(ended.state, gated(ended.commands[0]?.id ?? '', 'flights/3', false), settings)
  expect(next.commands).toMatchObject([{ trigger: { proposal: { actor: 'bob' } } }])
})

test('a proposal waits while the loop is paused, and can be the first model', () => {
  const pause = { atMs: day('2001-04-01'), actor: 'ann', reason: 'audit' }
  const paused = play(watching, [{ ...pause, kind: 'paused' }, proposed('2001-04-20')])
  expect(paused.kinds).toEqual(['paused', 'candidate_proposed', 'retrain_held'])
  expect(paused.decisions.at(-1)?.sentence).toBe(
    'A candidate is due (ann proposed graph 3fa9c1d2e0b7 (a forest of our own)) but waits: the loop is paused.',
  )
  const refused = play(emptyState, [...opening.slice(0, 3), gated('flights.2.start_training', 'flights/1', false)])
  const begun = advance(refused.state, proposed('2001-02-02'), settings)
  expect(begun.commands).toMatchObject([{ kind: 'start_training', champion: null }])
  const passed = advance(begun.state, gated(begun.commands[0]?.id ?? '', 'flights/2'), settings)
  expect(passed.commands).toMatchObject([{ kind: 'go_live', modelVersion: 'flights/2' }])
})
