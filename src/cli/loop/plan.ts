// trueloop plan: what applying a loop file would change.
import { evaluateLoopFile } from '../../loop/evaluate-file.ts'
import { renderPlan } from '../../loop/plan-text.ts'
import { Plan } from '../../loop/plan.ts'
import type { LoopSpec } from '../../loop/spec.ts'
import { connect, type Session } from '../session.ts'

/** The spec that a file describes, and how it differs from what runs. What the file prints goes to standard error. */
export async function planFile(session: Session, path: string): Promise<{ spec: LoopSpec; plan: Plan }> {
  const spec = await evaluateLoopFile({ path, print: (output) => void process.stderr.write(output) })
  const plan = await connect(session).call({ method: 'POST', path: '/loops/plan', body: { spec }, answer: Plan })
  return { spec, plan }
}

export async function plan(session: Session, path: string): Promise<void> {
  const { plan: made } = await planFile(session, path)
  session.terminal.show(made, (value) => renderPlan(value, { color: Boolean(process.stdout.isTTY) }))
}
