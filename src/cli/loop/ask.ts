// trueloop loop trigger, pause and resume: asks something of a loop.
import { z } from 'zod'
import { pathOf } from '../../client/http-client.ts'
import type { ReasonOptions } from '../arguments.ts'
import { connect, type Session } from '../session.ts'

export const loopVerbs = ['trigger', 'pause', 'resume'] as const
export type LoopVerb = (typeof loopVerbs)[number]

const Accepted = z.object({ accepted: z.literal(true) })
const done: Readonly<Record<LoopVerb, string>> = {
  trigger: 'was asked for a retrain: it reads its source first',
  pause: 'is paused: it decides nothing by itself until "trueloop loop resume"',
  resume: 'goes on',
}

export async function askLoop(
  session: Session,
  loop: string,
  { verb, reason }: ReasonOptions & { verb: LoopVerb },
): Promise<void> {
  const path = `${pathOf`/loops/${loop}`}/${verb}`
  const answer = await connect(session).call({ method: 'POST', path, body: { reason }, answer: Accepted })
  session.terminal.show(answer, () => `Loop ${loop} ${done[verb]}.`)
}
