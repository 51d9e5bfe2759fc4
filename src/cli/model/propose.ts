// trueloop model propose: hands a graph that was made elsewhere to a loop, which puts it through its gate and rollout like its own.
import { readFile, stat } from 'node:fs/promises'
import { z } from 'zod'
import { pathOf } from '../../client/http-client.ts'
import { DomainError } from '../../platform/errors.ts'
import type { ReasonOptions } from '../arguments.ts'
import { connect, type Session } from '../session.ts'

export interface ProposeOptions extends ReasonOptions {
  readonly loop: string
}

const Stored = z.object({ digest: z.string(), bytes: z.int() })
const Accepted = z.object({ accepted: z.literal(true) })

export async function proposeModel(session: Session, file: string, { loop, reason }: ProposeOptions): Promise<void> {
  const client = connect(session)
  const bytes = await readGraph(file)
  const { digest } = await client.call({ method: 'POST', path: '/blobs', bytes, answer: Stored })
  await client.call({
    method: 'POST',
    path: pathOf`/loops/${loop}/proposals`,
    body: { digest, reason },
    answer: Accepted,
  })
  session.terminal.show(
    { loop, digest, reason },
    () => `Loop ${loop} has the proposal; "trueloop loop history ${loop} --follow" tells what becomes of it.`,
  )
}

/** @throws DomainError file_not_found */
async function readGraph(file: string): Promise<Uint8Array<ArrayBuffer>> {
  const found = await stat(file).catch(() => undefined)
  if (!found?.isFile())
    throw new DomainError('not_found', 'file_not_found', `there is no file ${file}: name an ONNX file`)
  return readFile(file)
}
