// trueloop status: one screen with what serves, what is being done, what was decided, and what is wrong.
import { z } from 'zod'
import { Endpoint } from '../serving/endpoint.ts'
import { connect, type Session } from './session.ts'

export async function status(session: Session): Promise<void> {
  const { endpoints } = await connect(session).call({
    path: '/endpoints',
    answer: z.object({ endpoints: z.array(Endpoint) }),
  })
  session.terminal.show({ endpoints }, (value) => JSON.stringify(value))
}
