// trueloop plan: what applying a loop file would change.
import type { Snapshot } from '../../experiments/take-snapshot.ts'
import { evaluateLoopFile } from '../../loop/evaluate-file.ts'
import { renderPlan } from '../../loop/plan-text.ts'
import { Plan } from '../../loop/plan.ts'
import type { LoopSpec } from '../../loop/spec.ts'
import { connect, type Session } from '../session.ts'
import { takeCode } from './code.ts'

export interface PlannedFile {
  readonly spec: LoopSpec
  readonly plan: Plan
  /** Of the file's folder; nothing of it is stored yet. */
  readonly snapshot: Snapshot
}

/** What a file and its folder describe, and how it differs from what runs. What the file prints goes to standard error. */
export async function planFile(session: Session, path: string): Promise<PlannedFile> {
  const spec = await evaluateLoopFile({ path, print: (output) => void process.stderr.write(output) })
  const snapshot = await takeCode(session, path, spec)
  const body = { spec, code: snapshot.code }
  const plan = await connect(session).call({ method: 'POST', path: '/loops/plan', body, answer: Plan })
  return { spec, plan, snapshot }
}

export async function plan(session: Session, path: string): Promise<void> {
  const { plan: made } = await planFile(session, path)
  session.terminal.show(made, (value) => renderPlan(value, { color: Boolean(process.stdout.isTTY) }))
}
