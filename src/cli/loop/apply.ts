// trueloop apply: makes what runs as the loop file says, after showing what that changes.
import { createInterface } from 'node:readline/promises'
import { z } from 'zod'
import { findRuntime } from '../../app/home.ts'
import { renderPlan } from '../../loop/plan-text.ts'
import { isEmptyPlan, Plan } from '../../loop/plan.ts'
import { DomainError } from '../../platform/errors.ts'
import { connect, type Session } from '../session.ts'
import { wholeNumber } from '../arguments.ts'
import { sendCode } from './code.ts'
import { readLastDecisions } from './loop-view.ts'
import { planFile } from './plan.ts'
import { waitForLoop } from './wait.ts'

export interface ApplyOptions {
  readonly yes?: boolean
  readonly wait?: boolean
  /** Seconds. */
  readonly timeout: string
}

const timeoutSecondsMax = 86_400
const Applied = z.object({ plan: Plan, version: z.int(), retried: z.boolean() })

/** On a terminal it asks; elsewhere nobody could answer, and the command line is the answer. */
export async function apply(session: Session, path: string, options: ApplyOptions): Promise<void> {
  const { terminal } = session
  const { spec, plan, snapshot } = await planFile(session, path)
  terminal.say(renderPlan(plan, { color: terminal.isInteractive }))
  const isAsking = !options.yes && !terminal.json && Boolean(process.stdin.isTTY) && terminal.isInteractive
  if (isAsking && !isEmptyPlan(plan) && !(await confirmed())) {
    throw new DomainError('conflict', 'apply_declined', 'nothing was applied')
  }
  const client = connect(session)
  const timeoutMs = wholeNumber(options.timeout, '--timeout', { min: 1, max: timeoutSecondsMax }) * 1000
  const [before] = plan.fromVersion > 0 ? await readLastDecisions(client, spec.name, 1) : []
  if (!isEmptyPlan(plan)) await sendCode({ client, terminal }, path, snapshot)
  const applied = await client.call({
    method: 'POST',
    path: '/loops/apply',
    body: { spec, code: snapshot.code, fromVersion: plan.fromVersion },
    answer: Applied,
  })
  const { version, retried } = applied
  terminal.say(`Loop ${spec.name} is at version ${version}.${retried ? ' No model serves yet: it tries again.' : ''}`)
  if (options.wait) {
    // The gateway of this home follows this home's control plane, and no other that TRUELOOP_URL names.
    const gatewayUrl = session.config.url ? undefined : findRuntime(session.config.home, 'gateway')?.url
    const sentence = await waitForLoop(
      { client, terminal },
      {
        loop: spec.name,
        endpoint: spec.endpoint.name,
        specVersion: version,
        after: before?.number ?? 0,
        timeoutMs,
        gatewayUrl,
      },
    )
    return terminal.show({ ...applied, sentence }, (value) => value.sentence)
  }
  terminal.show(applied, () => '"trueloop status" shows how it goes.')
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
