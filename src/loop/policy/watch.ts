// The watch after a promotion: a monitor that speaks against the new champion gives its predecessor the place back. Pure.
import { judgesModel } from '../../monitoring/monitor.ts'
import { momentText } from '../duration.ts'
import type { Evidence, LoopInput, Measured, OpenAlert, Watch } from '../policy-state.ts'
import { clause, cooldownEndMs } from '../trigger.ts'
import { command, tell, type Draft } from './draft.ts'

export function beginWatch(
  { state, settings }: Draft,
  { rollout, former }: { rollout: string; former: string | null },
): void {
  if (former === null || settings.watchMs === 0) return
  state.watch = {
    rollout,
    former,
    promotedMs: state.nowMs,
    untilMs: state.nowMs + settings.watchMs,
    formerAlerts: state.openAlerts.filter(({ measured }) => measured?.version === former),
    command: null,
  }
}

/** Time is over: what opens from here on asks for a retrain only. What is being done already is done. */
export function endWatch({ state }: Draft): void {
  if (state.watch?.command === null && state.nowMs >= state.watch.untilMs) state.watch = null
}

/** There is nothing to go back to any more. */
export function forgetWatch(draft: Draft): void {
  const { state } = draft
  state.watch = null
  if (state.phase === 'taking_back') rest(draft)
}

/** Answers whether it began. A paused loop does nothing by itself. */
export function takeBackIfDue(draft: Draft): boolean {
  const { state } = draft
  const { watch, champion } = state
  const alert = alertAgainst(draft)
  if (!watch || !champion || !alert || state.paused) return false
  const id = command(draft, 'take_back')
  const former = formerMeasured(watch, alert.monitor)
  const worse = former ? `, worse than the ${former.value} of ${watch.former}` : ''
  const sentence = `monitor ${alert.monitor} opened on ${champion}, promoted ${momentText(watch.promotedMs)} (${clause(alert.sentence)}${worse})`
  draft.commands.push({ id, kind: 'take_back', rollout: watch.rollout, modelVersion: champion, sentence })
  state.watch = { ...watch, command: id }
  state.phase = 'taking_back'
  const { rollout } = watch
  tell(draft, 'take_back_started', {
    sentence: `M${sentence.slice(1)}: ${watch.former} gets its place back.`,
    evidence: { ...alert.evidence, rollout, modelVersion: champion, command: id },
  })
  return true
}

type Heard<Kind extends LoopInput['kind']> = Extract<LoopInput, { kind: Kind }>

export function hearTakenBack(draft: Draft, input: Heard<'taken_back'>, evidence: Evidence): void {
  const { command: id, sentence } = input
  if (draft.state.watch?.command === id) goBack(draft, { sentence, evidence: { ...evidence, command: id } })
}

/**
 * The version before serves again, whoever did it: this loop, a person, or the rollout itself when the gateway took the new one out. The
 * cooldown counts from here: its cause is gone, and the monitors begin anew.
 */
export function goBack(draft: Draft, { sentence, evidence }: { sentence: string; evidence: Evidence }): void {
  const { state, settings } = draft
  const { watch, champion } = state
  if (!watch) return
  state.openAlerts = state.openAlerts.filter(({ measured }) => measured?.version !== champion)
  state.champion = watch.former
  state.watch = null
  if (settings.cooldownMs > 0) state.lastEndedMs = state.nowMs
  rest(draft)
  tell(draft, 'taken_back', {
    sentence: `${champion} was taken back and ${watch.former} serves again: ${clause(sentence)}.`,
    evidence: { ...evidence, rollout: watch.rollout, modelVersion: watch.former },
  })
}

/** The version before is gone, or somebody was faster. It is not tried again: from here on the alert asks for a retrain. */
export function hearTakeBackFailure(draft: Draft, input: Heard<'failed'>, evidence: Evidence): void {
  const { state } = draft
  const { watch, champion } = state
  if (watch?.command !== input.command) return
  forgetWatch(draft)
  tell(draft, 'take_back_failed', {
    sentence: `${champion} could not be taken back: ${clause(input.reason)}; it stays.`,
    evidence: { ...evidence, rollout: watch.rollout, command: input.command },
  })
}

/** An open alert that was measured on the new champion alone, on what a model answers for. */
function alertAgainst({ state: { watch, champion, openAlerts } }: Draft): OpenAlert | undefined {
  if (!watch || watch.command !== null) return undefined
  return openAlerts.find(({ monitor, measured }) => {
    if (!measured || measured.version !== champion || !judgesModel(measured.signal)) return false
    const former = formerMeasured(watch, monitor)
    return former ? isWorse(measured, former) : beyond(measured) !== 0
  })
}

const formerMeasured = ({ formerAlerts }: Watch, monitor: string): Measured | null =>
  formerAlerts.find((alert) => alert.monitor === monitor)?.measured ?? null

/** The former champion was in breach too, so only what is worse, beyond the same bound, is a reason to go back to it. */
function isWorse(now: Measured, former: Measured): boolean {
  const side = Math.sign(beyond(now))
  return side !== 0 && side === Math.sign(beyond(former)) && side * now.value! > side * former.value!
}

/** How far the value lies above (or, negative, below) the bound; 0: nothing was measured. */
const beyond = ({ value, threshold }: Measured): number =>
  value === null || threshold === null ? 0 : value - threshold

/** Unless an attempt is under way, which goes on. */
function rest({ state, settings }: Draft): void {
  if (state.attempt !== null) return
  state.phase = state.nowMs < cooldownEndMs(settings, state) ? 'cooling_down' : 'watching'
}
