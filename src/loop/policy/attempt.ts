// An attempt of the policy machine: when it begins, what it trains on or judges, and what its end leaves. Pure.
import { momentText } from '../duration.ts'
import type { LoopState, TimeRange, Trigger } from '../policy-state.ts'
import { coversHoldout, needsIngest, nextTrainingWindow } from '../training-window.ts'
import { clause, cooldownEndMs, dueTrigger, firstTrigger, graphText, holdOn, withinBudgetPeriod } from '../trigger.ts'
import { command, tell, type Draft } from './draft.ts'
import { takeBackIfDue } from './watch.ts'

/** Begins what is due, unless something is under way or must wait. */
export function act(draft: Draft): void {
  const { state, settings } = draft
  if (state.attempt !== null || state.phase === 'taking_back' || state.specVersion === 0) return
  if (takeBackIfDue(draft)) return
  const trigger = state.champion === null ? firstTrigger(state) : dueTrigger(settings, state)
  if (!trigger) {
    state.heldFor = null
    return
  }
  const hold = holdOn(settings, state, trigger)
  if (!hold) return begin(draft, trigger)
  const key = `${trigger.kind}:${trigger.evidence.monitor ?? ''}:${hold.kind}`
  if (state.heldFor === key) return
  state.heldFor = key
  tell(draft, 'retrain_held', {
    sentence: `A ${trigger.proposal ? 'candidate' : 'retrain'} is due (${clause(trigger.reason)}) but waits: ${hold.reason}.`,
    evidence: trigger.evidence,
  })
}

function begin(draft: Draft, trigger: Trigger): void {
  const { state, settings } = draft
  state.attempts += 1
  state.heldFor = null
  if (trigger.proposal) {
    state.proposals = state.proposals.slice(1)
  } else {
    state.requested = null
    if (state.champion !== null) state.retrainsBeganMs = [...withinBudgetPeriod(settings, state), state.nowMs]
    state.scheduledFromMs = state.nowMs
  }
  const base = { number: state.attempts, trigger, beganMs: state.nowMs, window: null, candidate: null }
  if (!needsIngest(settings, state)) {
    state.attempt = { ...base, command: '' }
    return train(draft)
  }
  const id = command(draft, 'start_ingest')
  draft.commands.push({ id, kind: 'start_ingest' })
  state.attempt = { ...base, command: id }
  state.phase = 'ingesting'
  tell(draft, 'ingest_started', {
    sentence: `Attempt ${state.attempts} begins because ${clause(trigger.reason)}: it reads the newest rows first.`,
    evidence: { ...trigger.evidence, command: id },
  })
}

export function train(draft: Draft): void {
  const { state, settings } = draft
  const { attempt, dataset } = state
  if (!attempt) return
  const window = nextTrainingWindow(settings, state)
  if (!dataset || !coversHoldout(state, window)) {
    const has = dataset
      ? `${dataset.version} ends ${momentText(dataset.timeMaxMs ?? 0)}`
      : 'there is no dataset version'
    tell(draft, 'data_awaited', {
      sentence: `Attempt ${attempt.number} lacks rows: it holds out ${rangeText(window.holdout)}, but ${has}.`,
      evidence: dataset ? { datasetVersion: dataset.version } : {},
    })
    return endAttempt(draft)
  }
  const id = command(draft, 'start_training')
  const { trigger } = attempt
  const datasetVersion = dataset.version
  draft.commands.push({ id, kind: 'start_training', datasetVersion, window, champion: state.champion, trigger })
  continueAttempt(draft, { phase: 'training', command: id, window })
  const rows = `${datasetVersion} of ${rangeText(window.training)}, holding out ${rangeText(window.holdout)}`
  const evidence = { ...trigger.evidence, datasetVersion, command: id }
  const { proposal } = trigger
  if (proposal) {
    const what = `graph ${graphText(proposal.onnx)}, proposed by ${proposal.actor} (${clause(proposal.reason)})`
    const sentence = `Attempt ${attempt.number} judges ${what}: it takes a baseline from ${rows}.`
    return tell(draft, 'adoption_started', { sentence, evidence })
  }
  state.rowsUsed = dataset.rows
  const sentence = `Attempt ${attempt.number} trains on ${rows}, because ${clause(trigger.reason)}.`
  tell(draft, 'training_started', { sentence, evidence })
}

export function continueAttempt(
  { state }: Draft,
  { phase, ...change }: Partial<NonNullable<LoopState['attempt']>> & Pick<LoopState, 'phase'>,
): void {
  if (!state.attempt) throw new Error('there is no attempt to continue')
  state.phase = phase
  state.attempt = { ...state.attempt, ...change }
}

/**
 * The cooldown counts from here, save after the first model: it was no retrain. Nor is a proposal: unless it was promoted, a cooldown that
 * it found goes on, and it begins none.
 */
export function endAttempt({ state, settings }: Draft): void {
  const wasFirst = state.phase === 'going_live'
  const trained = state.attempt?.trigger.proposal === undefined || state.champion === state.attempt.candidate
  state.attempt = null
  if (state.champion === null) {
    state.phase = 'waiting_for_data'
    return
  }
  if (trained && !wasFirst && settings.cooldownMs > 0) state.lastEndedMs = state.nowMs
  state.phase = !wasFirst && state.nowMs < cooldownEndMs(settings, state) ? 'cooling_down' : 'watching'
}

export function endCooldown(draft: Draft): void {
  const { state, settings } = draft
  if (state.phase !== 'cooling_down' || state.nowMs < cooldownEndMs(settings, state)) return
  state.phase = 'watching'
  const open = state.openAlerts.length
  tell(draft, 'cooldown_ended', {
    sentence: `The cooldown is over; ${open === 0 ? 'no monitor is' : `${open} monitor${open === 1 ? ' is' : 's are'}`} open.`,
    evidence: {},
  })
}

const rangeText = ({ fromMs, toMs }: TimeRange): string => `[${momentText(fromMs)}, ${momentText(toMs)})`
