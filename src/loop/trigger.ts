// Whether a retrain is due, and whether it must wait: pause, cooldown, budget. Pure.
import { durationText, momentText } from './duration.ts'
import type { LoopState, OpenAlert, PolicySettings, Proposal, Trigger } from './policy-state.ts'
import { nextDueMs, scheduleText } from './schedule.ts'

/** The most deliberate first: what people bring or ask for, a changed definition, then a monitor, a schedule, new rows. */
export function dueTrigger(settings: PolicySettings, state: LoopState): Trigger | undefined {
  return (
    // Before all else: what waits for cooldown or budget does not keep a proposal waiting.
    proposalTrigger(state) ??
    state.requested ??
    monitorTrigger(settings, state) ??
    scheduleTrigger(settings, state) ??
    rowsTrigger(settings, state)
  )
}

/** What a loop without a model acts upon. */
export const firstTrigger = (state: LoopState): Trigger | undefined => state.requested ?? proposalTrigger(state)

function proposalTrigger({ proposals }: LoopState): Trigger | undefined {
  const [proposal] = proposals
  if (!proposal) return undefined
  const { evidence } = proposal
  return { kind: 'proposal', reason: proposalText(proposal), evidence, proposal }
}

/** `ann proposed graph 3fa9c1d2e0b7 (trained on the new tariff)`. */
export const proposalText = ({ actor, onnx, reason }: Omit<Proposal, 'evidence'>): string =>
  `${actor} proposed graph ${graphText(onnx)} (${clause(reason)})`

/** The beginning of a graph's digest, which is enough to know it by. */
export const graphText = (onnx: string): string => onnx.slice(0, 12)

function monitorTrigger({ triggers }: PolicySettings, { openAlerts, champion }: LoopState): Trigger | undefined {
  // What was measured on a version that is champion no longer says nothing of the one that is, and is closed in a moment.
  const isOfChampion = ({ measured }: OpenAlert): boolean => measured === null || measured.version === champion
  const alert = openAlerts.find((each) => triggers.monitors.includes(each.monitor) && isOfChampion(each))
  if (!alert) return undefined
  const { monitor, sentence, evidence } = alert
  return {
    kind: 'monitor',
    reason: `monitor ${monitor} is open (${clause(sentence)})`,
    evidence: { ...evidence, monitor },
  }
}

function scheduleTrigger({ triggers }: PolicySettings, state: LoopState): Trigger | undefined {
  const { nowMs, scheduledFromMs } = state
  if (scheduledFromMs === null) return undefined
  const schedule = triggers.schedules.find((each) => nextDueMs(each, scheduledFromMs) <= nowMs)
  if (!schedule) return undefined
  const dueMs = nextDueMs(schedule, scheduledFromMs)
  return {
    kind: 'schedule',
    reason: `the schedule ${scheduleText(schedule)} was due ${momentText(dueMs)}`,
    evidence: {},
  }
}

function rowsTrigger({ triggers }: PolicySettings, { dataset, rowsUsed }: LoopState): Trigger | undefined {
  if (!dataset || triggers.newRows === null) return undefined
  const came = dataset.rows - rowsUsed
  if (came < triggers.newRows) return undefined
  const reason = `${came} new rows came, ${triggers.newRows} are enough`
  return { kind: 'new_rows', reason, evidence: { datasetVersion: dataset.version } }
}

export interface Hold {
  readonly kind: 'paused' | 'cooldown' | 'budget'
  /** Half a sentence: "the cooldown of 14d ends 2001-05-12". */
  readonly reason: string
}

/**
 * Why a due trigger must wait, or undefined. A person and a changed definition do not wait for the cooldown; no training exceeds the budget.
 * A proposal trains nothing, so it waits for neither, and only for a paused loop.
 */
export function holdOn(settings: PolicySettings, state: LoopState, trigger: Trigger): Hold | undefined {
  if (state.paused) return { kind: 'paused', reason: 'the loop is paused' }
  if (trigger.kind === 'proposal') return undefined
  if (state.phase === 'cooling_down' && trigger.kind !== 'manual' && trigger.kind !== 'definition') {
    const endMs = cooldownEndMs(settings, state)
    return {
      kind: 'cooldown',
      reason: `the cooldown of ${durationText(settings.cooldownMs)} ends ${momentText(endMs)}`,
    }
  }
  const { budget } = settings
  const spent = budget ? withinBudgetPeriod(settings, state) : []
  if (!budget || state.champion === null || spent.length < budget.retrains) return undefined
  const freeMs = Math.min(...spent) + budget.perMs
  const allowed = `${budget.retrains} in ${durationText(budget.perMs)}`
  return { kind: 'budget', reason: `the budget of ${allowed} is spent until ${momentText(freeMs)}` }
}

/** Policy time at which the cooldown of the last attempt is over; the beginning of time without one. */
export function cooldownEndMs(settings: PolicySettings, state: Pick<LoopState, 'lastEndedMs'>): number {
  return state.lastEndedMs === null ? Number.NEGATIVE_INFINITY : state.lastEndedMs + settings.cooldownMs
}

/** Retrains that began within the budget's period before now; without a budget none need be remembered. */
export function withinBudgetPeriod(settings: PolicySettings, state: LoopState): number[] {
  const { budget } = settings
  return budget ? state.retrainsBeganMs.filter((ms) => ms > state.nowMs - budget.perMs) : []
}

/** A sentence as a part of another: without its full stop. */
export const clause = (sentence: string): string => sentence.trim().replace(/[.\s]+$/v, '')
