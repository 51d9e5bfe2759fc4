// One step of the policy machine while it is being made, and how it speaks. Pure.
import type { Decision, LoopCommand, LoopState, PolicySettings } from '../policy-state.ts'
import { clause } from '../trigger.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** One step of the machine while it is being made. */
export interface Draft {
  readonly state: Mutable<LoopState>
  readonly settings: PolicySettings
  readonly decisions: Decision[]
  readonly commands: LoopCommand[]
}

export function tell(
  { state, decisions }: Draft,
  kind: Decision['kind'],
  text: Pick<Decision, 'sentence' | 'evidence'>,
): void {
  decisions.push({ atMs: state.nowMs, kind, ...text })
}

/** Counted within the loop, so that a replay of the same inputs names its commands alike. */
export function command({ state, settings }: Draft, kind: LoopCommand['kind']): string {
  state.commandsIssued += 1
  return `${settings.loop}.${state.commandsIssued}.${kind}`
}

/** `flights/4`, and whose it is where nothing here has trained it. */
export function withProposer({ attempt }: LoopState, modelVersion: string): string {
  const proposal = attempt?.trigger.proposal
  return proposal ? `${modelVersion} (proposed by ${proposal.actor}: ${clause(proposal.reason)})` : modelVersion
}
