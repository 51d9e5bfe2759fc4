// trueloop api: any route of the control plane, for what no command does.
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { DomainError } from '../platform/errors.ts'
import { jsonOf } from './arguments.ts'
import { connect, type Session } from './session.ts'

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
type Method = (typeof methods)[number]

export interface ApiOptions {
  /** JSON. */
  readonly body?: string
}

/** Prints JSON indented, and anything else as it comes. */
export async function api(
  session: Session,
  [verb, path]: readonly [string, string],
  { body }: ApiOptions,
): Promise<void> {
  const method = verb.toUpperCase()
  if (!isMethod(method))
    throw new DomainError('invalid', 'argument_invalid', `there is no method ${verb}: ${methods.join(', ')}`)
  const response = await connect(session).send({
    method,
    path: path.replace(/^(?:\/api)?\/?/v, '/'),
    ...(body === undefined ? {} : { body: jsonOf(body, '--body') }),
  })
  if (response.headers.get('content-type')?.startsWith('application/json')) {
    session.terminal.print(JSON.stringify(await response.json(), null, 2))
  } else if (response.body) await pipeline(Readable.fromWeb(response.body), process.stdout, { end: false })
}

const isMethod = (text: string): text is Method => (methods as readonly string[]).includes(text)
