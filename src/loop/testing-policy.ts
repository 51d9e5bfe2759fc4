// For tests of the policy machine: a loop of the flights, inputs as the stages send them, and a way to feed them.
import { dayMs } from './duration.ts'
import { emptyState, type LoopInput, type LoopState, type PolicySettings } from './policy-state.ts'
import { advance, type Advance } from './policy.ts'

export const at = (text: string): number => Date.parse(`${text}Z`)
export const day = (text: string): number => at(`${text}T00:00:00`)

export const settings: PolicySettings = {
  loop: 'flights',
  triggers: { monitors: ['calibration'], schedules: [], newRows: null },
  firstWindow: { fromMs: day('2001-01-01'), toMs: day('2001-02-01') },
  windowMs: 28 * dayMs,
  holdoutMs: 7 * dayMs,
  labelDelayMs: dayMs,
  cooldownMs: 14 * dayMs,
  watchMs: 30 * dayMs,
  budget: { retrains: 2, perMs: 60 * dayMs },
}

/** Feeds inputs one after another and keeps what came of the last. */
export function play(start: LoopState, inputs: readonly LoopInput[], policy = settings): Advance & { kinds: string[] } {
  let last: Advance = { state: start, decisions: [], commands: [] }
  const kinds: string[] = []
  for (const input of inputs) {
    last = advance(last.state, input, policy)
    kinds.push(...last.decisions.map(({ kind }) => kind))
  }
  return { ...last, kinds }
}

export const applied: LoopInput = {
  kind: 'applied',
  atMs: day('2001-02-01'),
  specVersion: 1,
  actor: 'owner',
  retrainFor: [],
}
export const arrived: LoopInput = {
  kind: 'dataset_version',
  atMs: day('2001-02-01'),
  version: 'flights/1',
  rows: 3_000_000,
  quarantinedRows: 10,
  timeMaxMs: at('2001-06-30T23:59:00'),
}
export const gated = (command: string, modelVersion: string, passed = true): LoopInput => ({
  kind: 'gated',
  atMs: 0,
  command,
  passed,
  modelVersion,
  gate: 'gate_1',
  pipelineRun: 'plr_1',
  sentence: 'log loss 0.413 against 0.420',
})
export const opening: LoopInput[] = [
  applied,
  arrived,
  { kind: 'ingested', atMs: 0, command: 'flights.1.start_ingest' },
  gated('flights.2.start_training', 'flights/1'),
  { kind: 'went_live', atMs: 0, command: 'flights.3.go_live', modelVersion: 'flights/1' },
]
export const alert = (text: string): LoopInput => ({
  kind: 'alert_opened',
  atMs: day(text),
  eventSeq: 90,
  monitor: 'calibration',
  sentence: 'predicted 0.204, observed 0.161 over 28 days, n 51,000.',
})
export const watching = play(emptyState, opening).state
