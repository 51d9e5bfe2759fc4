// What the policy machine remembers, hears, decides and asks for: all of it JSON, so that it can be stored, replayed and shown. Pure.
import { z } from 'zod'
import type { Schedule } from './schedule.ts'

/**
 * waiting_for_data: no model yet; rows or a person must come. ingesting, training (through its gate), going_live, rolling_out: a pipeline, alias
 * move or rollout is under way. watching: the champion serves and triggers are heard. cooling_down: as watching, but none may act yet.
 * taking_back: the champion before a promotion gets its place again.
 */
export const Phase = z.enum([
  'waiting_for_data',
  'ingesting',
  'training',
  'going_live',
  'rolling_out',
  'watching',
  'cooling_down',
  'taking_back',
])
export type Phase = z.infer<typeof Phase>

/** Where the proof of a decision is: an event's sequence number, and the names of what it speaks of. */
export const Evidence = z.strictObject({
  eventSeq: z.int().optional(),
  monitor: z.string().optional(),
  datasetVersion: z.string().optional(),
  pipelineRun: z.string().optional(),
  modelVersion: z.string().optional(),
  gate: z.string().optional(),
  rollout: z.string().optional(),
  command: z.string().optional(),
  actor: z.string().optional(),
})
export type Evidence = Readonly<z.infer<typeof Evidence>>

/** Half-open [fromMs, toMs) of event time. */
export const TimeRange = z.strictObject({ fromMs: z.int(), toMs: z.int() })
export type TimeRange = Readonly<z.infer<typeof TimeRange>>

/** Rows that a training reads: the held-out ones begin where the training ones end, and have labels by policy time. */
export const TrainingWindow = z.strictObject({ training: TimeRange, holdout: TimeRange })
export type TrainingWindow = Readonly<z.infer<typeof TrainingWindow>>

/** A graph that somebody made elsewhere and wants judged and served by this loop. */
export const Proposal = z.strictObject({
  /** Digest of the ONNX file's blob. */
  onnx: z.string(),
  actor: z.string(),
  /** What it is and why it should serve, in the proposer's words. */
  reason: z.string(),
  evidence: Evidence,
})
export type Proposal = Readonly<z.infer<typeof Proposal>>

/** Proposals that may wait behind an attempt that is under way. */
export const proposalsMax = 5

/** Why an attempt began; `kind` first: the model that begins the loop; proposal: a graph made elsewhere, which nothing here trains. */
export const Trigger = z.strictObject({
  kind: z.enum(['first', 'monitor', 'schedule', 'new_rows', 'manual', 'definition', 'proposal']),
  /** Half a sentence: "monitor calibration is open: …". */
  reason: z.string(),
  evidence: Evidence,
  /** Of a proposal only. */
  proposal: Proposal.optional(),
})
export type Trigger = Readonly<z.infer<typeof Trigger>>

/** What a monitor had measured when its alert opened. */
export const Measured = z.strictObject({
  /** Champion that the window was of. */
  version: z.string(),
  /** Kind of the signal, such as `log_loss`. */
  signal: z.string(),
  value: z.number().nullable(),
  /** The bound that the value has crossed. */
  threshold: z.number().nullable(),
  /** Rows that the value is over. */
  n: z.int(),
})
export type Measured = Readonly<z.infer<typeof Measured>>

const OpenAlert = z.strictObject({
  monitor: z.string(),
  sentence: z.string(),
  openedMs: z.int(),
  evidence: Evidence,
  measured: Measured.nullable().default(null),
})
export type OpenAlert = Readonly<z.infer<typeof OpenAlert>>

/** A promotion that may still be taken back. */
const Watch = z.strictObject({
  rollout: z.string(),
  /** Champion before it, which is kept loaded. */
  former: z.string(),
  promotedMs: z.int(),
  untilMs: z.int(),
  /** What was open on the former champion when it was replaced. */
  formerAlerts: z.array(OpenAlert),
  /** The command that takes the promotion back; null: none was given. */
  command: z.string().nullable(),
})
export type Watch = Readonly<z.infer<typeof Watch>>

/** One way from a trigger to its end; there is at most one at a time. */
const Attempt = z.strictObject({
  number: z.int().positive(),
  trigger: Trigger,
  beganMs: z.int(),
  /** The command that the attempt waits for. */
  command: z.string(),
  window: TrainingWindow.nullable(),
  candidate: z.string().nullable(),
})
export type Attempt = Readonly<z.infer<typeof Attempt>>

export const LoopState = z.strictObject({
  phase: Phase,
  paused: z.boolean(),
  /** Policy time of the last input; never goes back. */
  nowMs: z.int(),
  /** 0 before the first apply. */
  specVersion: z.int().nonnegative(),
  commandsIssued: z.int().nonnegative(),
  attempts: z.int().nonnegative(),
  dataset: z.strictObject({ version: z.string(), rows: z.int(), timeMaxMs: z.int().nullable() }).nullable(),
  /** `model/version` behind the endpoint; null until the first went live. */
  champion: z.string().nullable(),
  openAlerts: z.array(OpenAlert),
  /** Asked for by a person or by a changed definition, not yet begun. */
  requested: Trigger.nullable(),
  /** Waiting for their turn, the oldest first. */
  proposals: z.array(Proposal).max(proposalsMax).default([]),
  attempt: Attempt.nullable(),
  /** Of the last promotion; null: there was none, its time is over, or the champion before it is not kept any more. */
  watch: Watch.nullable().default(null),
  /** When retrains began, as far back as the budget's period reaches. */
  retrainsBeganMs: z.array(z.int()),
  /** End of the last attempt, or of taking one back: the cooldown counts from here. */
  lastEndedMs: z.int().nullable(),
  /** Schedules count from here: the last attempt's beginning. */
  scheduledFromMs: z.int().nullable(),
  /** Rows of the dataset at the last attempt's beginning. */
  rowsUsed: z.int().nonnegative(),
  /** What is waiting and why, as told already: each hold is told once. */
  heldFor: z.string().nullable(),
})
export type LoopState = Readonly<z.infer<typeof LoopState>>

export const emptyState: LoopState = {
  phase: 'waiting_for_data',
  paused: false,
  nowMs: 0,
  specVersion: 0,
  commandsIssued: 0,
  attempts: 0,
  dataset: null,
  champion: null,
  openAlerts: [],
  requested: null,
  proposals: [],
  attempt: null,
  watch: null,
  retrainsBeganMs: [],
  lastEndedMs: null,
  scheduledFromMs: null,
  rowsUsed: 0,
  heldFor: null,
}

/** What happened. `atMs` is policy time; `eventSeq` names the event that told it, where one did. */
export type LoopInput = { readonly atMs: number; readonly eventSeq?: number } & (
  | { readonly kind: 'tick' }
  | {
      readonly kind: 'applied'
      readonly specVersion: number
      readonly actor: string
      /** What must be trained anew, in words (`training.trainer`); empty: what serves stays as it is. */
      readonly retrainFor: readonly string[]
    }
  | {
      readonly kind: 'alert_opened'
      readonly monitor: string
      readonly sentence: string
      readonly measured?: Measured | undefined
    }
  | { readonly kind: 'alert_closed'; readonly monitor: string; readonly sentence: string }
  | {
      readonly kind: 'dataset_version'
      readonly version: string
      readonly rows: number
      /** Rows that the expectations set aside. */
      readonly quarantinedRows: number
      readonly timeMaxMs: number | null
    }
  | { readonly kind: 'ingested'; readonly command: string }
  | {
      readonly kind: 'gated'
      readonly command: string
      readonly passed: boolean
      readonly modelVersion: string
      readonly gate: string
      readonly pipelineRun: string
      readonly sentence: string
    }
  | { readonly kind: 'went_live'; readonly command: string; readonly modelVersion: string }
  | {
      readonly kind: 'rolled_out'
      readonly command: string
      readonly rollout: string
      readonly outcome: 'promoted' | 'rolled_back' | 'inconclusive'
      readonly sentence: string
    }
  /** The champion before the last promotion serves again; `sentence` says why. */
  | { readonly kind: 'taken_back'; readonly command: string; readonly sentence: string }
  /** A command could not be done, or what it began has failed. */
  | { readonly kind: 'failed'; readonly command: string; readonly reason: string; readonly pipelineRun?: string }
  /** Somebody moved the alias by hand. */
  | { readonly kind: 'champion_moved'; readonly modelVersion: string; readonly reason: string }
  /** Somebody brings a graph of their own; its bytes are in the blob store. */
  | { readonly kind: 'proposed'; readonly actor: string; readonly onnx: string; readonly reason: string }
  | { readonly kind: 'manual'; readonly actor: string; readonly reason: string }
  | { readonly kind: 'paused'; readonly actor: string; readonly reason: string }
  | { readonly kind: 'resumed'; readonly actor: string; readonly reason: string }
)

export const decisionKinds = [
  'applied',
  'ingest_started',
  'data_arrived',
  'data_awaited',
  'alert_opened',
  'alert_closed',
  'training_started',
  'retrain_held',
  'gate_passed',
  'gate_refused',
  'attempt_failed',
  'went_live',
  'rollout_started',
  'promoted',
  'rolled_back',
  'inconclusive',
  'take_back_started',
  'taken_back',
  'take_back_failed',
  'cooldown_ended',
  'champion_moved',
  'retrain_requested',
  'candidate_proposed',
  'proposal_refused',
  'adoption_started',
  'paused',
  'resumed',
] as const
export const DecisionKind = z.enum(decisionKinds)

/** One line of the loop's story. `sentence` stands alone, with its numbers in it. */
export const Decision = z.strictObject({
  atMs: z.int(),
  kind: DecisionKind,
  sentence: z.string(),
  evidence: Evidence,
})
export type Decision = Readonly<z.infer<typeof Decision>>

/** What the engine must do; doing it again under the same id changes nothing. */
export const LoopCommand = z.discriminatedUnion('kind', [
  z.strictObject({ id: z.string(), kind: z.literal('start_ingest') }),
  z.strictObject({
    id: z.string(),
    kind: z.literal('start_training'),
    datasetVersion: z.string(),
    window: TrainingWindow,
    champion: z.string().nullable(),
    trigger: Trigger,
  }),
  z.strictObject({ id: z.string(), kind: z.literal('go_live'), modelVersion: z.string(), sentence: z.string() }),
  z.strictObject({
    id: z.string(),
    kind: z.literal('start_rollout'),
    champion: z.string(),
    challenger: z.string(),
    sentence: z.string(),
  }),
  z.strictObject({
    id: z.string(),
    kind: z.literal('take_back'),
    rollout: z.string(),
    /** What was promoted. */
    modelVersion: z.string(),
    sentence: z.string(),
  }),
])
export type LoopCommand = Readonly<z.infer<typeof LoopCommand>>

/** What the loop file says about when and on what; durations in milliseconds. */
export interface PolicySettings {
  readonly loop: string
  readonly triggers: {
    readonly monitors: readonly string[]
    readonly schedules: readonly Schedule[]
    /** Rows that must have come since the last attempt; null: new rows are no trigger. */
    readonly newRows: number | null
  }
  /** Of the first model; null: as for a retrain. Its holdout lies within it, at its end. */
  readonly firstWindow: TimeRange | null
  readonly windowMs: number
  readonly holdoutMs: number
  readonly labelDelayMs: number
  readonly cooldownMs: number
  /** How long after a promotion a monitor that speaks against the version has it taken back. */
  readonly watchMs: number
  readonly budget: { readonly retrains: number; readonly perMs: number } | null
}
