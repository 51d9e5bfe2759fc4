// What holds of the policy machine whatever happens: thousands of random inputs, right and wrong ones, from seeds.
import { expect, test } from 'vitest'
import { createGenerator, type Generator } from '../statistics/random.ts'
import { dayMs } from './duration.ts'
import {
  decisionKinds,
  emptyState,
  LoopCommand,
  LoopState,
  proposalsMax,
  type Decision,
  type LoopInput,
  type PolicySettings,
} from './policy-state.ts'
import { advance } from './policy.ts'

const startMs = Date.parse('2001-02-01T00:00:00Z')
const settings: PolicySettings = {
  loop: 'flights',
  triggers: { monitors: ['calibration', 'drift'], schedules: [{ every: '30d' }], newRows: 5000 },
  firstWindow: { fromMs: startMs - 31 * dayMs, toMs: startMs },
  windowMs: 28 * dayMs,
  holdoutMs: 7 * dayMs,
  labelDelayMs: dayMs,
  cooldownMs: 10 * dayMs,
  watchMs: 30 * dayMs,
  budget: { retrains: 3, perMs: 60 * dayMs },
}

const seeds = Array.from({ length: 60 }, (_, index) => index + 1)
const inputsEach = 400

interface Step {
  readonly input: LoopInput
  readonly before: LoopState
  readonly after: LoopState
  readonly commands: readonly LoopCommand[]
  readonly decisions: readonly Decision[]
}

/** Plays random inputs; a waiting command is answered now and then, rightly, wrongly or by somebody else's answer. */
function play(seed: number): Step[] {
  const random = createGenerator(seed)
  const chance = (share: number): boolean => random.uniform() < share
  const steps: Step[] = []
  let state = emptyState
  let atMs = startMs
  let versions = 0
  for (let number = 0; number < inputsEach; number++) {
    // Now and then an input comes late, with a time that is over.
    atMs += chance(0.1) ? -dayMs : Math.floor(random.uniform() * 2 * dayMs)
    const waiting = state.attempt?.command ?? state.watch?.command
    const command = waiting && chance(0.8) ? waiting : 'flights.1.start_ingest'
    if (chance(0.05)) versions += 1
    const { champion, phase } = state
    const input =
      number === 0
        ? applied(1)
        : randomInput(random, { atMs, command, versions, number, champion, phase, orderly: seed % 2 === 0 })
    const next = advance(state, input, settings)
    steps.push({ input, before: state, after: next.state, commands: next.commands, decisions: next.decisions })
    // Stored and read between any two inputs.
    state = LoopState.parse(JSON.parse(JSON.stringify(next.state)))
  }
  return steps
}

const applied = (specVersion: number): LoopInput => ({
  kind: 'applied',
  atMs: startMs,
  specVersion,
  actor: 'ann',
  retrainFor: specVersion % 2 === 0 ? ['training.flights trainer'] : [],
})

interface Chance {
  readonly atMs: number
  readonly command: string
  readonly versions: number
  readonly number: number
  readonly champion: string | null
  readonly phase: LoopState['phase']
  /** More answers to what is under way, and more alerts where nothing is, so that promotions come about and are watched. */
  readonly orderly: boolean
}

function randomInput(
  random: Generator,
  { atMs, command, versions, number, champion, phase, orderly }: Chance,
): LoopInput {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random.uniform() * items.length)]!
  const by = { actor: 'ann', reason: 'because' }
  const monitor = pick(['calibration', 'drift', 'latency', 'errors'])
  const modelVersion = `flights/${number}`
  const measured = {
    version: pick([champion ?? 'flights/0', champion ?? 'flights/0', 'flights/9999']),
    signal: { calibration: 'calibration_gap', drift: 'feature_drift', latency: 'latency', errors: 'error_rate' }[
      monitor
    ]!,
    value: pick([0.01, 0.05, 0.07, null]),
    threshold: pick([0.03, 0.04]),
    n: 500,
  }
  const rollout = { rollout: `rol_${number}`, outcome: pick(['promoted', 'rolled_back', 'inconclusive'] as const) }
  const gate = { passed: random.uniform() < 0.7, modelVersion, gate: 'gate_1', pipelineRun: 'plr_1', sentence: 'so' }
  const failed = { kind: 'failed', atMs, command, reason: 'disk full' } as const
  const takenBack = { kind: 'taken_back', atMs, command, sentence: 'so' } as const
  const opened = { kind: 'alert_opened', atMs, monitor, sentence: 'too high', measured } as const
  const closed = { kind: 'alert_closed', atMs, monitor, sentence: 'well again' } as const
  if (orderly && random.uniform() < 0.7) {
    switch (phase) {
      case 'ingesting':
        return { kind: 'ingested', atMs, command }
      case 'training':
        return { kind: 'gated', atMs, command, ...gate }
      case 'going_live':
        return { kind: 'went_live', atMs, command, modelVersion }
      case 'rolling_out':
        return { kind: 'rolled_out', atMs, command, ...rollout, sentence: 'so' }
      case 'taking_back':
        return pick([failed, takenBack])
      case 'cooling_down':
      case 'watching':
        return pick<LoopInput>([opened, closed, { kind: 'tick', atMs }])
      case 'waiting_for_data':
    }
  }
  return pick<LoopInput>([
    { kind: 'tick', atMs },
    { kind: 'tick', atMs },
    opened,
    closed,
    {
      kind: 'dataset_version',
      atMs,
      version: `flights/${versions}`,
      rows: 1000 * versions,
      quarantinedRows: 0,
      timeMaxMs: atMs - Math.floor(random.uniform() * 3 * dayMs),
    },
    { kind: 'ingested', atMs, command },
    { kind: 'ingested', atMs, command },
    { kind: 'gated', atMs, command, ...gate },
    { kind: 'gated', atMs, command, ...gate },
    { kind: 'went_live', atMs, command, modelVersion },
    { kind: 'rolled_out', atMs, command, ...rollout, sentence: 'so' },
    failed,
    takenBack,
    { kind: 'champion_moved', atMs, modelVersion: 'flights/9999', reason: 'by hand' },
    { kind: 'proposed', atMs, onnx: `${number}`.padStart(64, '0'), ...by },
    { kind: 'manual', atMs, ...by },
    { kind: 'paused', atMs, ...by },
    { kind: 'resumed', atMs, ...by },
    applied(number),
  ])
}

const games = seeds.map((seed) => ({ seed, steps: play(seed) }))
const isProposal = ({ before, after, input }: Step): boolean =>
  after.proposals.length < before.proposals.length + (input.kind === 'proposed' ? 1 : 0) &&
  after.attempts > before.attempts
const began = (step: Step): boolean => step.after.attempts > step.before.attempts

test('the games are worth playing: every kind of decision and command occurs', () => {
  const all = games.flatMap(({ steps }) => steps)
  const decisions = new Set(all.flatMap((step) => step.decisions.map(({ kind }) => kind)))
  expect(decisionKinds.filter((kind) => !decisions.has(kind))).toEqual([])
  expect(new Set(all.flatMap((step) => step.commands.map(({ kind }) => kind))).size).toBe(5)
  expect(all.filter(began).length).toBeGreaterThan(200)
  expect(all.filter(({ decisions: told }) => told.some(({ kind }) => kind === 'taken_back')).length).toBeGreaterThan(5)
})

test.each(games)(
  'there is never more than one thing under way, and none while paused begins (seed $seed)',
  ({ steps }) => {
    for (const { before, after, commands } of steps) {
      expect(commands.length).toBeLessThanOrEqual(1)
      const command = commands[0]
      if (command) expect(command.kind === 'take_back' ? after.watch?.command : after.attempt?.command).toBe(command.id)
      if (after.attempts > before.attempts) expect(after.paused).toBe(false)
      const busy = ['ingesting', 'training', 'going_live', 'rolling_out'].includes(after.phase)
      expect(busy).toBe(after.attempt !== null)
      expect(after.phase === 'taking_back').toBe(typeof after.watch?.command === 'string')
    }
  },
)

test.each(games)('cooldown and budget hold (seed $seed)', ({ steps }) => {
  let endedMs = Number.NEGATIVE_INFINITY
  const beganMs: number[] = []
  for (const step of steps) {
    const { before, after } = step
    // A proposal trains nothing: it waits for neither, and spends nothing.
    if (after.attempts > before.attempts && !isProposal(step)) {
      const trigger = after.attempt?.trigger.kind
      // Begun and ended in one step, for want of rows: its trigger is not kept, but its budget is.
      if (trigger && trigger !== 'manual' && trigger !== 'definition' && after.champion !== null) {
        expect(after.nowMs).toBeGreaterThanOrEqual(endedMs + settings.cooldownMs)
      }
      if (after.champion !== null) beganMs.push(after.nowMs)
      const within = beganMs.filter((ms) => ms > after.nowMs - settings.budget!.perMs)
      expect(within.length).toBeLessThanOrEqual(settings.budget!.retrains)
    }
    const ended = before.attempt && after.attempt?.number !== before.attempt.number
    // A cooldown begins with the end of a retrain, or with a proposal that was promoted.
    const counts = !before.attempt?.trigger.proposal || after.champion !== before.champion
    if (ended && counts && after.champion !== null && before.phase !== 'going_live') endedMs = after.nowMs
    if (step.decisions.some(({ kind }) => kind === 'taken_back')) endedMs = after.nowMs
  }
})

test.each(games)('rows of a training have labels, and the held-out ones come last (seed $seed)', ({ steps }) => {
  for (const { before, after, commands } of steps) {
    for (const command of commands) {
      if (command.kind !== 'start_training') continue
      const { training, holdout } = command.window
      expect(training.fromMs).toBeLessThan(training.toMs)
      expect(training.toMs).toBe(holdout.fromMs)
      expect(holdout.toMs - holdout.fromMs).toBe(settings.holdoutMs)
      if (before.champion !== null) expect(holdout.toMs).toBeLessThanOrEqual(after.nowMs - settings.labelDelayMs)
    }
  }
})

test.each(games)('only what went live, was promoted or moved by hand is champion (seed $seed)', ({ steps }) => {
  for (const { before, after, input } of steps) {
    expect(after.nowMs).toBeGreaterThanOrEqual(before.nowMs)
    if (after.champion === before.champion) continue
    const isPromotion = input.kind === 'rolled_out' && input.outcome === 'promoted'
    expect([
      isPromotion,
      ...['went_live', 'champion_moved', 'taken_back'].map((kind) => input.kind === kind),
    ]).toContain(true)
  }
})

test.each(games)(
  'a promotion is taken back once at most, within its watch, to the version before (seed $seed)',
  ({ steps }) => {
    const taken = new Set<string>()
    /** Of the newest promotion: what it replaced, and whether that is still there to go back to. */
    let last: { rollout: string; promotedMs: number; former: string | null; gone: boolean } | undefined
    for (const { before, after, input, commands, decisions } of steps) {
      if (decisions.some(({ kind }) => kind === 'promoted') && input.kind === 'rolled_out') {
        last = { rollout: input.rollout, promotedMs: after.nowMs, former: before.champion, gone: false }
      }
      for (const command of commands) {
        if (command.kind !== 'take_back') continue
        expect(taken.has(command.rollout)).toBe(false)
        taken.add(command.rollout)
        expect(last).toMatchObject({ rollout: command.rollout, gone: false })
        expect(after.nowMs).toBeLessThan(last!.promotedMs + settings.watchMs)
        expect(after).toMatchObject({ champion: command.modelVersion, paused: false, attempt: null })
        const alert = after.openAlerts.find(({ monitor }) => monitor === decisions.at(-1)!.evidence.monitor)
        expect(alert?.measured).toMatchObject({ version: after.champion, value: expect.any(Number) })
        expect(['calibration_gap', 'error_rate']).toContain(alert?.measured?.signal)
      }
      if (decisions.some(({ kind }) => kind === 'taken_back')) expect(after.champion).toBe(last!.former)
      const ends = ['champion_moved', 'rollout_started', 'taken_back', 'take_back_failed']
      if (last && decisions.some(({ kind }) => ends.includes(kind))) last.gone = true
    }
  },
)

test.each(games)(
  'the same inputs give the same story, and no command id occurs twice (seed $seed)',
  ({ seed, steps }) => {
    expect(play(seed)).toEqual(steps)
    const commands = steps.flatMap((step) => step.commands)
    expect(new Set(commands.map(({ id }) => id)).size).toBe(commands.length)
    for (const command of commands) expect(LoopCommand.parse(JSON.parse(JSON.stringify(command)))).toEqual(command)
  },
)

test.each(games)('every accepted proposal is judged once, in its turn (seed $seed)', ({ steps }) => {
  const accepted = steps.flatMap(({ input, decisions }) =>
    input.kind === 'proposed' && decisions.some(({ kind }) => kind === 'candidate_proposed') ? [input.onnx] : [],
  )
  const begun: string[] = []
  for (const step of steps) if (isProposal(step)) begun.push(proposalOf(step))
  const waiting = steps.at(-1)!.after.proposals.map(({ onnx }) => onnx)
  expect(waiting.length).toBeLessThanOrEqual(proposalsMax)
  expect([...begun, ...waiting]).toEqual(accepted)
})

/** The one that began with this step, though its attempt may have ended with it for want of rows. */
function proposalOf({ before, input }: Step): string {
  const [first] = before.proposals
  if (first) return first.onnx
  if (input.kind !== 'proposed') throw new Error('nothing was proposed')
  return input.onnx
}
