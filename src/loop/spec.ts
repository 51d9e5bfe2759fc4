// The loop as data: what a loop file says, checked, and the same in every place that stores or compares it. Pure.
import { z } from 'zod'
import { Expectation } from '../data/expectation.ts'
import { Schema, Source } from '../data/source.ts'
import { GatePolicy } from '../models/gate-policy.ts'
import { Monitor } from '../monitoring/monitor.ts'
import { DomainError } from '../platform/errors.ts'
import { RolloutPolicy } from '../rollouts/rollout.ts'
import { TrainerSpec } from '../training/trainer-spec.ts'
import { CommandTrainer } from './command-trainer.ts'
import { Duration, durationMs } from './duration.ts'
import type { PolicySettings } from './policy-state.ts'
import { Schedule } from './schedule.ts'
import { Target } from './target.ts'

/** Part of ids, addresses and model names. */
const Name = z
  .string()
  .regex(/^[a-z][a-z0-9_\-]{0,63}$/v, 'lower-case letters, digits, - and _, a letter first, at most 64')
const column = z.string().min(1).max(256)

/** `2001-01-31`, or with a time and a zone: `2001-01-31T06:00:00Z`. */
const Moment = z.union(
  [z.iso.date(), z.iso.datetime({ offset: true })],
  'a date such as "2001-01-31", or "2001-01-31T06:00:00Z"',
)

export const LoopClock = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('wall') }),
  /** Policy time is the largest event time seen, less `allowedLateness`. */
  z.strictObject({ kind: z.literal('event'), allowedLateness: Duration }),
])

const LoopDataset = z.strictObject({
  name: Name,
  source: Source,
  /** When the row happened; the loop splits and watches by it. */
  timeColumn: column,
  keyColumns: z.array(column).max(16),
  /** Types and the time zone, where ingest must not guess. */
  schema: Schema,
  expectations: z.array(Expectation).max(1000),
})

const LoopTraining = z.strictObject({
  trainer: z.discriminatedUnion('trainer', [...TrainerSpec.options, CommandTrainer]),
  /** How much history a retrain learns from. */
  window: Duration,
  /** [from, to) of the first model; null: the last `window` of what is there. */
  firstWindow: z.tuple([Moment, Moment]).nullable(),
  /** The newest rows, which no model learns from and every candidate is judged on. Of the first window: its end. */
  holdout: Duration,
  seed: z.int().nonnegative(),
  threads: z.int().min(1).max(256),
})

const LoopEndpoint = z.strictObject({
  name: Name,
  /** Share of predictions that are logged, and so can be joined with outcomes. */
  logShare: z.number().min(0).max(1),
})

const LoopRetrain = z.strictObject({
  on: z.array(
    z.union([
      z.strictObject({ monitor: Monitor.shape.name }),
      Schedule,
      z.strictObject({ newRows: z.int().positive() }),
    ]),
  ),
  cooldown: Duration,
  budget: z.strictObject({ retrains: z.int().positive(), per: Duration }).nullable(),
})

export const LoopSpec = z
  .strictObject({
    name: Name,
    clock: LoopClock,
    dataset: LoopDataset,
    target: Target,
    /** How long after an event its label is known. */
    labelDelay: Duration,
    /** Input columns, in the order of the signature. */
    features: z.array(column).min(1).max(4096),
    training: LoopTraining,
    gate: GatePolicy,
    endpoint: LoopEndpoint,
    monitors: z.array(Monitor).max(100),
    rollout: RolloutPolicy,
    retrain: LoopRetrain,
  })
  .superRefine(checkTogether)
export type LoopSpec = z.infer<typeof LoopSpec>

/** Below it a retrain that fails at once would be tried again at once. */
const cooldownLeastMs = 60_000

type Issues = z.core.$RefinementCtx

/** What no single field can say. */
function checkTogether(spec: z.infer<typeof LoopSpec>, context: Issues): void {
  const complain = (path: (string | number)[], message: string): void =>
    context.addIssue({ code: 'custom', path, message })
  const { training, target, retrain, monitors, features } = spec
  const { trainer } = training
  if (trainer.trainer !== 'command' && trainer.objective !== target.task) {
    complain(['training', 'trainer'], `${trainer.trainer} is set to ${trainer.objective}, the target is ${target.task}`)
  }
  if (trainer.trainer === 'command' && trainer.folds === 0) {
    monitors.forEach(({ name, threshold }, index) => {
      if (!('fromTraining' in threshold)) return
      const why = `"${name}" takes its limits from days that a model has not seen, and the command trains none without them`
      complain(['monitors', index], `${why}: give command() \`folds: 5\`, or the monitor a low or high`)
    })
  }
  if (features.includes(target.column)) {
    complain(
      ['features', features.indexOf(target.column)],
      `"${target.column}" is the target: a model that reads it has nothing to predict`,
    )
  }
  if (new Set(features).size < features.length) complain(['features'], 'a column is named twice')
  const names = monitors.map(({ name }) => name)
  if (new Set(names).size < names.length) complain(['monitors'], 'two monitors have one name: give one a `name`')
  retrain.on.forEach((trigger, index) => {
    if ('monitor' in trigger && !names.includes(trigger.monitor)) {
      complain(
        ['retrain', 'on', index],
        `there is no monitor "${trigger.monitor}": ${names.join(', ') || 'none is declared'}`,
      )
    }
  })
  for (const key of ['window', 'holdout'] as const) {
    if (durationMs(training[key]) === 0) complain(['training', key], 'it must be longer than nothing')
  }
  if (durationMs(retrain.cooldown) < cooldownLeastMs) complain(['retrain', 'cooldown'], 'it must be at least "1m"')
  if (training.firstWindow) {
    const [fromMs, toMs] = training.firstWindow.map((moment) => Date.parse(moment)) as [number, number]
    if (toMs - fromMs <= durationMs(training.holdout)) {
      complain(
        ['training', 'firstWindow'],
        `it must be longer than the holdout of ${training.holdout}, which is its end`,
      )
    }
  }
}

/**
 * The checked spec.
 * @throws DomainError loop_invalid, naming each wrong field.
 */
export function parseLoopSpec(value: unknown): LoopSpec {
  const parsed = LoopSpec.safeParse(value)
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.map(({ path, message }) => `${pathText(path)}: ${message}`)
  throw new DomainError('invalid', 'loop_invalid', `the loop is not valid: ${issues.join('; ')}`, { issues })
}

/** `retrain.on[0]` */
const pathText = (path: readonly PropertyKey[]): string =>
  path
    .map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index === 0 ? '' : '.'}${String(key)}`))
    .join('') || 'loop'

/** What the policy machine needs of it, in milliseconds. */
export function policySettings(spec: LoopSpec): PolicySettings {
  const { training, retrain } = spec
  const newRows = retrain.on.flatMap((trigger) => ('newRows' in trigger ? [trigger.newRows] : []))
  const first = training.firstWindow
  return {
    loop: spec.name,
    triggers: {
      monitors: retrain.on.flatMap((trigger) => ('monitor' in trigger ? [trigger.monitor] : [])),
      schedules: retrain.on.flatMap((trigger) => ('every' in trigger || 'cron' in trigger ? [trigger] : [])),
      newRows: newRows.length > 0 ? Math.min(...newRows) : null,
    },
    firstWindow: first && { fromMs: Date.parse(first[0]), toMs: Date.parse(first[1]) },
    windowMs: durationMs(training.window),
    holdoutMs: durationMs(training.holdout),
    labelDelayMs: durationMs(spec.labelDelay),
    cooldownMs: durationMs(retrain.cooldown),
    watchMs: spec.rollout.watchMs,
    budget: retrain.budget && { retrains: retrain.budget.retrains, perMs: durationMs(retrain.budget.per) },
  }
}
