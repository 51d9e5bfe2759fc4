// trueloop apply: makes what runs as the loop file says, after showing what that changes.
import { createInterface } from 'node:readline/promises'
import { z } from 'zod'
import { renderPlan } from '../../loop/plan-text.ts'
import { isEmptyPlan, Plan } from '../../loop/plan.ts'
import { DomainError } from '../../platform/errors.ts'
import { connect, type Session } from '../session.ts'
import { planFile } from './plan.ts'

export interface ApplyOptions {
  readonly yes?: boolean
  readonly wait?: boolean
  /** Seconds. */
  readonly timeout: string
}

const Applied = z.object({ plan: Plan, version: z.int() })

/** On a terminal it asks; elsewhere nobody could answer, and the command line is the answer. */
export async function apply(session: Session, path: string, options: ApplyOptions): Promise<void> {
  const { terminal } = session
  const { spec, plan } = await planFile(session, path)
  terminal.say(renderPlan(plan, { color: terminal.isInteractive }))
  const isAsking = !options.yes && !terminal.json && Boolean(process.stdin.isTTY) && terminal.isInteractive
  if (isAsking && !isEmptyPlan(plan) && !(await confirmed())) {
    throw new DomainError('conflict', 'apply_declined', 'nothing was applied')
  }
  const applied = await connect(session).call({
    method: 'POST',
    path: '/loops/apply',
    body: { spec, fromVersion: plan.fromVersion },
    answer: Applied,
  })
  terminal.show(applied, ({ plan: { loop }, version }) => `Loop ${loop} is at version ${version}.`)
}

async function confirmed(): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await lines.question('\nApply this? Only "yes" does. ')
    return answer.trim().toLowerCase() === 'yes'
  } finally {
    lines.close()
  }
}
