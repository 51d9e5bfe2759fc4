// Builders of the loop itself: the dataset, the target, when to retrain, and `loop`, which checks all of it.
import type { Schema } from '../../data/source.ts'
import { judgesModel, needsOutcomes, type Monitor } from '../../monitoring/monitor.ts'
import type { z } from 'zod'
import type { Duration } from '../duration.ts'
import { dayMs, durationMs } from '../duration.ts'
import { parseLoopSpec, type LoopSpec } from '../spec.ts'
import type { Operator, Target } from '../target.ts'
import type { ExpectationInput } from './expectations.ts'
import { combineGate, type GateInput } from './gates.ts'
import type { MonitorInput } from './monitors.ts'
import type { RolloutInput } from './rollouts.ts'
import type { SourceInput } from './sources.ts'
import type { TrainerInput } from './trainers.ts'

type SpecInput = z.input<typeof LoopSpec>
type SchemaInput = z.input<typeof Schema>

export interface DatasetOptions {
  readonly source: SourceInput
  /** When the row happened: the loop splits, trains and watches by it. */
  readonly timeColumn: string
  /** What tells rows apart, for comparing versions. */
  readonly keyColumns?: readonly string[]
  /** Types of columns that must not be guessed. */
  readonly columns?: SchemaInput['columns']
  /** Time zone of time stamps that name none; UTC by default. */
  readonly zone?: string
  readonly expectations?: readonly ExpectationInput[]
}

/** A named table of which each state is kept as a version. */
export const dataset = (name: string, options: DatasetOptions): SpecInput['dataset'] => {
  const { source, timeColumn, keyColumns = [], columns = {}, zone, expectations = [] } = options
  const schema = { columns, ...(zone === undefined ? {} : { zone }) }
  return { name, source, timeColumn, keyColumns: [...keyColumns], schema, expectations: [...expectations] }
}

/** Predict whether a comparison holds: `binary('delay', '>', 15)`. */
export const binary = (column: string, operator: Operator, value: number | string | boolean): Target => ({
  task: 'binary',
  column,
  operator,
  value,
})

/** Predict which of a column's values a row has. */
export const multiclass = (column: string): Target => ({ task: 'multiclass', column })

/** Predict a column's number. */
export const regression = (column: string): Target => ({ task: 'regression', column })

/** A monitor by its name (an open alert is the trigger), a schedule in UTC, or rows that came since the last training. */
export type RetrainTrigger =
  | string
  | { readonly every: Duration }
  | { readonly cron: string }
  | { readonly newRows: number }

export interface RetrainOptions {
  /** Any of these is a trigger; `trueloop loop trigger` always is. */
  readonly on: RetrainTrigger | readonly RetrainTrigger[]
  /** Least time between the end of one retrain and the beginning of the next; `1d` by default. */
  readonly cooldown?: Duration
  /** At most so many retrains in so long; no limit by default. */
  readonly budget?: { readonly retrains: number; readonly per: Duration }
}

/** When a model is trained anew. */
export const retrain = ({ on, cooldown = '1d', budget }: RetrainOptions): SpecInput['retrain'] => {
  const triggers: readonly RetrainTrigger[] = Array.isArray(on)
    ? (on as readonly RetrainTrigger[])
    : [on as RetrainTrigger]
  return {
    on: triggers.map((trigger) => (typeof trigger === 'string' ? { monitor: trigger } : trigger)),
    cooldown,
    budget: budget ?? null,
  }
}

export interface TrainingOptions {
  readonly trainer: TrainerInput
  /** How much history a retrain learns from, such as `28d`. */
  readonly window: Duration
  /** [from, to) of the first model, such as `['2001-01-01', '2001-02-01']`; by default the last `window` of what is there. */
  readonly firstWindow?: readonly [string, string]
  /** The newest rows: no model learns from them, every candidate is judged on them. `7d` by default. */
  readonly holdout?: Duration
  /** 1 by default; the same seed and rows give the same bytes. */
  readonly seed?: number
  /** 1 by default. */
  readonly threads?: number
}

export interface LoopOptions {
  /** Also the name of its model. Lower-case letters, digits, `-` and `_`. */
  readonly name: string
  /**
   * `wall` (the default): windows, cooldown and schedules go by the clock on the wall. `event`: by the time stamps of requests
   * (`Trueloop-Event-Time`), less the allowed lateness, so that history can be replayed.
   */
  readonly clock?: 'wall' | 'event' | { readonly kind: 'event'; readonly allowedLateness: Duration }
  readonly dataset: SpecInput['dataset']
  readonly target: Target
  /** How long after an event its outcome is known; `0s` by default. */
  readonly labelDelay?: Duration
  /** Input columns, in the order of the model's signature. */
  readonly features: readonly string[]
  readonly training: TrainingOptions
  /** Every check must pass. */
  readonly gate?: readonly GateInput[]
  /** Where it is served: the loop's name and a log of every prediction by default. */
  readonly endpoint?: { readonly name?: string; readonly logShare?: number }
  readonly monitors?: readonly MonitorInput[]
  readonly rollout: RolloutInput
  readonly retrain: SpecInput['retrain']
}

const loopBrand = Symbol.for('trueloop.loop')

/**
 * A whole loop, checked. Export it as the default of a loop file: `export default loop({ … })`.
 * @throws DomainError loop_invalid, naming each wrong field
 */
export function loop(options: LoopOptions): LoopSpec {
  const { clock = 'wall', labelDelay = '0s', gate = [], endpoint = {}, monitors = [], training, ...rest } = options
  const { trainer, firstWindow, holdout = '7d', seed = 1, threads = 1 } = training
  const { name = options.name, logShare = 1 } = endpoint
  const parsed = parseLoopSpec({
    ...rest,
    features: [...options.features],
    clock: clock === 'event' ? { kind: 'event', allowedLateness: '0s' } : clock === 'wall' ? { kind: 'wall' } : clock,
    labelDelay,
    training: {
      trainer: trainer.trainer === 'command' ? trainer : { ...trainer, objective: options.target.task },
      window: training.window,
      firstWindow: firstWindow ? [...firstWindow] : null,
      holdout,
      seed,
      threads,
    },
    gate: combineGate(gate),
    endpoint: { name, logShare },
    // A window of a monitor waits for its outcomes as long as the loop says they take.
    monitors: monitors.map((each) => ({ outcomeDelayMs: delayMs(labelDelay), ...each })),
  })
  const { watchMs = timeToOpenMs(parsed.monitors) } = options.rollout
  const spec: LoopSpec = { ...parsed, rollout: { ...parsed.rollout, watchMs } }
  return Object.defineProperty(spec, loopBrand, { value: true })
}

/** The longest that a monitor of errors or performance takes to open on a version that was promoted at any hour; at least a day. */
function timeToOpenMs(monitors: readonly Monitor[]): number {
  const judging = monitors.filter(({ signal }) => judgesModel(signal.kind))
  const times = judging.map(
    ({ signal, windowDays, openAfter, outcomeDelayMs }) =>
      (windowDays + openAfter) * dayMs + (needsOutcomes(signal) ? outcomeDelayMs : 0),
  )
  return Math.max(dayMs, ...times)
}

/** What is no duration is refused by the schema, under its own name. */
function delayMs(labelDelay: string): number {
  try {
    return durationMs(labelDelay)
  } catch {
    return 0
  }
}
