// The policy machine: what the loop does about what it hears. Pure, with the time passed in, so that a backtest runs the same code.
import { momentText } from './duration.ts'
import { act, continueAttempt, endAttempt, endCooldown, train } from './policy/attempt.ts'
import { command, tell, withProposer, type Draft } from './policy/draft.ts'
import { beginWatch, endWatch, forgetWatch, goBack, hearTakeBackFailure, hearTakenBack } from './policy/watch.ts'
import {
  proposalsMax,
  type Decision,
  type Evidence,
  type LoopCommand,
  type LoopInput,
  type LoopState,
  type PolicySettings,
} from './policy-state.ts'
import { clause, graphText, proposalText } from './trigger.ts'

export interface Advance {
  readonly state: LoopState
  readonly decisions: readonly Decision[]
  readonly commands: readonly LoopCommand[]
}

/**
 * Hears one input and answers the next state, the decisions with their sentences, and what must be done.
 * Deterministic. An answer to a command that is not awaited (any more) changes nothing but the time, so inputs may be repeated.
 */
export function advance(state: LoopState, input: LoopInput, settings: PolicySettings): Advance {
  const draft: Draft = { state: { ...state }, settings, decisions: [], commands: [] }
  draft.state.nowMs = Math.max(state.nowMs, input.atMs)
  endCooldown(draft)
  endWatch(draft)
  hear(draft, input)
  act(draft)
  return { state: draft.state, decisions: draft.decisions, commands: draft.commands }
}

function hear(draft: Draft, input: LoopInput): void {
  const evidence = input.eventSeq === undefined ? {} : { eventSeq: input.eventSeq }
  switch (input.kind) {
    case 'tick':
      return
    case 'applied':
      return hearApplied(draft, input)
    case 'alert_opened':
    case 'alert_closed':
      return hearAlert(draft, input, evidence)
    case 'dataset_version':
      return hearDatasetVersion(draft, input, evidence)
    case 'champion_moved':
      return hearChampionMoved(draft, input, evidence)
    case 'proposed':
      return hearProposal(draft, input, evidence)
    case 'manual':
      return hearManual(draft, input)
    case 'paused':
    case 'resumed':
      return hearPause(draft, input)
    case 'taken_back':
      return hearTakenBack(draft, input, evidence)
    case 'ingested':
    case 'gated':
    case 'went_live':
    case 'rolled_out':
    case 'failed':
      if (isAwaited(draft.state, input)) hearAnswer(draft, input, evidence)
      else if (input.kind === 'failed') hearTakeBackFailure(draft, input, evidence)
  }
}

type Heard<Kind extends LoopInput['kind']> = Extract<LoopInput, { kind: Kind }>

function hearApplied(draft: Draft, input: Heard<'applied'>): void {
  const { state } = draft
  const { specVersion, actor, retrainFor } = input
  if (specVersion <= state.specVersion) return
  const isFirst = state.specVersion === 0
  state.specVersion = specVersion
  tell(draft, 'applied', {
    sentence: `Version ${specVersion} of loop ${draft.settings.loop} was applied by ${actor}.`,
    evidence: { actor },
  })
  if (state.champion === null && state.attempt === null) {
    const reason = isFirst ? 'the loop begins' : 'the loop file changed and no model serves yet'
    state.requested = { kind: 'first', reason, evidence: { actor } }
  } else if (retrainFor.length > 0) {
    const reason = `the loop file changed in ${retrainFor.join(', ')}`
    state.requested = { kind: 'definition', reason, evidence: { actor } }
  }
}

function hearAlert(draft: Draft, input: Heard<'alert_opened' | 'alert_closed'>, evidence: Evidence): void {
  const { state } = draft
  const { monitor, sentence, kind } = input
  const measured = (input.kind === 'alert_opened' ? input.measured : undefined) ?? null
  const wasOpen = state.openAlerts.some((alert) => alert.monitor === monitor)
  if (wasOpen === (kind === 'alert_opened')) return
  const proof = { ...evidence, monitor }
  state.openAlerts =
    kind === 'alert_opened'
      ? [...state.openAlerts, { monitor, sentence, openedMs: state.nowMs, evidence: proof, measured }]
      : state.openAlerts.filter((alert) => alert.monitor !== monitor)
  const verb = kind === 'alert_opened' ? 'opened' : 'closed'
  tell(draft, kind, { sentence: `Monitor ${monitor} ${verb}: ${clause(sentence)}.`, evidence: proof })
}

function hearDatasetVersion(draft: Draft, input: Heard<'dataset_version'>, evidence: Evidence): void {
  const { state } = draft
  const { version, rows, quarantinedRows, timeMaxMs } = input
  if (state.dataset?.version === version) return
  const came = rows - (state.dataset?.rows ?? 0)
  state.dataset = { version, rows, timeMaxMs }
  const until = timeMaxMs === null ? '' : `, up to ${momentText(timeMaxMs)}`
  const aside = quarantinedRows === 0 ? '' : `; ${quarantinedRows} were set aside`
  const proof = { ...evidence, datasetVersion: version }
  tell(draft, 'data_arrived', {
    sentence: `Dataset version ${version} has ${rows} rows (${came < 0 ? '' : '+'}${came})${until}${aside}.`,
    evidence: proof,
  })
  if (state.champion === null && state.attempt === null && state.specVersion > 0) {
    state.requested ??= { kind: 'first', reason: `dataset version ${version} came`, evidence: proof }
  }
}

function hearChampionMoved(draft: Draft, input: Heard<'champion_moved'>, evidence: Evidence): void {
  const { state } = draft
  const { modelVersion, reason } = input
  // What the loop does itself comes back as its own answer.
  if (state.champion === modelVersion || state.attempt?.candidate === modelVersion) return
  if (state.watch?.former === modelVersion) return goBack(draft, { sentence: reason, evidence })
  const before = state.champion ?? 'nothing'
  state.champion = modelVersion
  forgetWatch(draft)
  if (state.phase === 'waiting_for_data') state.phase = 'watching'
  if (state.requested?.kind === 'first') state.requested = null
  tell(draft, 'champion_moved', {
    sentence: `The champion was moved by hand from ${before} to ${modelVersion}: ${clause(reason)}.`,
    evidence: { ...evidence, modelVersion },
  })
}

function hearManual(draft: Draft, { actor, reason }: Heard<'manual'>): void {
  const { state } = draft
  state.requested = { kind: 'manual', reason: `${actor} asked for it: ${clause(reason)}`, evidence: { actor } }
  const wait = state.attempt ? `; attempt ${state.attempt.number} ends first` : ''
  tell(draft, 'retrain_requested', {
    sentence: `${actor} asked for a retrain: ${clause(reason)}${wait}.`,
    evidence: { actor },
  })
}

function hearProposal(draft: Draft, input: Heard<'proposed'>, evidence: Evidence): void {
  const { state } = draft
  const { actor, onnx, reason } = input
  const proof = { ...evidence, actor }
  const what = proposalText(input)
  if (state.proposals.length >= proposalsMax) {
    const sentence = `${what}, which is refused: ${proposalsMax} proposals wait already.`
    return tell(draft, 'proposal_refused', { sentence, evidence: proof })
  }
  state.proposals = [...state.proposals, { onnx, actor, reason, evidence: proof }]
  const wait = state.attempt ? `; attempt ${state.attempt.number} ends first` : ''
  tell(draft, 'candidate_proposed', { sentence: `${what}${wait}.`, evidence: proof })
}

function hearPause(draft: Draft, { kind, actor, reason }: Heard<'paused' | 'resumed'>): void {
  const paused = kind === 'paused'
  if (draft.state.paused === paused) return
  draft.state.paused = paused
  const effect = paused ? 'no retrain begins until it is resumed' : 'triggers act again'
  tell(draft, kind, {
    sentence: `${actor} ${kind} the loop (${clause(reason)}): ${effect}.`,
    evidence: { actor },
  })
}

/** The phase in which each answer is awaited; a failure is in any. */
const answerPhase = {
  ingested: 'ingesting',
  gated: 'training',
  went_live: 'going_live',
  rolled_out: 'rolling_out',
} as const

/** Whether it answers the one command that the attempt waits for. */
function isAwaited({ attempt, phase }: LoopState, input: Answer): boolean {
  return attempt?.command === input.command && (input.kind === 'failed' || answerPhase[input.kind] === phase)
}

type Answer = Heard<'ingested' | 'gated' | 'went_live' | 'rolled_out' | 'failed'>

function hearAnswer(draft: Draft, input: Answer, evidence: Evidence): void {
  switch (input.kind) {
    case 'ingested':
      return train(draft)
    case 'gated':
      return hearGate(draft, input, evidence)
    case 'went_live':
      return hearWentLive(draft, input, evidence)
    case 'rolled_out':
      return hearRollout(draft, input, evidence)
    case 'failed':
      return hearFailure(draft, input, evidence)
  }
}

function hearGate(draft: Draft, input: Heard<'gated'>, evidence: Evidence): void {
  const { state } = draft
  const { modelVersion, gate, pipelineRun, passed } = input
  // A sentence that begins with the version's name goes on from "it".
  const sentence = clause(input.sentence).replace(new RegExp(`^${RegExp.escape(modelVersion)} `, 'v'), 'it ')
  const proof = { ...evidence, modelVersion, gate, pipelineRun }
  const named = withProposer(state, modelVersion)
  if (!passed) {
    const next = state.champion
      ? `${state.champion} stays`
      : 'no model serves yet; new rows or a changed loop file begin anew'
    tell(draft, 'gate_refused', {
      sentence: `The gate refused ${named}: ${sentence}; ${next}.`,
      evidence: proof,
    })
    return endAttempt(draft)
  }
  tell(draft, 'gate_passed', { sentence: `The gate passed ${named}: ${sentence}.`, evidence: proof })
  if (state.champion === null) {
    const id = command(draft, 'go_live')
    draft.commands.push({ id, kind: 'go_live', modelVersion, sentence })
    continueAttempt(draft, { phase: 'going_live', command: id, candidate: modelVersion })
  } else {
    const id = command(draft, 'start_rollout')
    draft.commands.push({ id, kind: 'start_rollout', champion: state.champion, challenger: modelVersion, sentence })
    continueAttempt(draft, { phase: 'rolling_out', command: id, candidate: modelVersion })
    forgetWatch(draft) // The version before this champion makes room for the challenger.
    tell(draft, 'rollout_started', {
      sentence: `${modelVersion} goes into a rollout against ${state.champion}.`,
      evidence: { ...proof, command: id },
    })
  }
}

function hearWentLive(draft: Draft, { modelVersion }: Heard<'went_live'>, evidence: Evidence): void {
  draft.state.champion = modelVersion
  tell(draft, 'went_live', {
    sentence: `${modelVersion} is live: the first champion has none to be compared with.`,
    evidence: { ...evidence, modelVersion },
  })
  endAttempt(draft)
}

function hearRollout(draft: Draft, input: Heard<'rolled_out'>, evidence: Evidence): void {
  const { state } = draft
  const candidate = state.attempt?.candidate ?? 'the challenger'
  const named = withProposer(state, candidate)
  const before = state.champion ?? 'nothing'
  const { outcome, rollout } = input
  if (outcome === 'promoted') {
    beginWatch(draft, { rollout, former: state.champion })
    state.champion = candidate
  }
  const what = {
    promoted: `${named} was promoted and replaces ${before}`,
    rolled_back: `${named} was rolled back and ${before} stays`,
    inconclusive: `The rollout of ${named} was inconclusive, which is no promotion: ${before} stays`,
  }[outcome]
  tell(draft, outcome, {
    sentence: `${what}: ${clause(input.sentence)}.`,
    evidence: { ...evidence, rollout, modelVersion: candidate },
  })
  endAttempt(draft)
}

function hearFailure(draft: Draft, input: Heard<'failed'>, evidence: Evidence): void {
  const { state } = draft
  const number = state.attempt?.number ?? 0
  const next = state.champion ? `${state.champion} stays` : 'no model serves yet; apply, ingest or trigger to try again'
  const { pipelineRun } = input
  const proposal = state.attempt?.trigger.proposal
  const whose = proposal ? ` with graph ${graphText(proposal.onnx)}, proposed by ${proposal.actor},` : ''
  const doing = proposal && state.phase === 'training' ? 'judging it' : state.phase.replaceAll('_', ' ')
  tell(draft, 'attempt_failed', {
    sentence: `Attempt ${number}${whose} failed while ${doing}: ${clause(input.reason)}; ${next}.`,
    evidence: { ...evidence, command: input.command, ...(pipelineRun ? { pipelineRun } : {}) },
  })
  endAttempt(draft)
}
