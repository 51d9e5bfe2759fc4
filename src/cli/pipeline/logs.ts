// trueloop pipeline logs: what a step said, and follows it.
import { pathOf } from '../../client/http-client.ts'
import { LogTail } from '../../pipelines/step-log.ts'
import { sleep } from '../../platform/clock.ts'
import { wholeNumber } from '../arguments.ts'
import { connect, type Session } from '../session.ts'

export interface LogOptions {
  readonly follow?: boolean
  /** Number of the attempt; the last by default. */
  readonly attempt?: string
}

const followEveryMs = 300
const attemptMax = 1_000_000

/** With `--json` one line a piece of text, as the API answers it. */
export async function pipelineLogs(
  session: Session,
  [id, step]: readonly [string, string],
  options: LogOptions,
): Promise<void> {
  const client = connect(session)
  const attempt =
    options.attempt === undefined ? undefined : wholeNumber(options.attempt, '--attempt', { min: 1, max: attemptMax })
  for (let offset = 0; ;) {
    const path = pathOf`/pipeline-runs/${id}/steps/${step}/log`
    const tail = await client.call({ path, query: { offset, attempt }, answer: LogTail })
    if (session.terminal.json) process.stdout.write(`${JSON.stringify(tail)}\n`)
    else process.stdout.write(tail.text)
    const isMore = tail.nextOffset > offset
    offset = tail.nextOffset
    if (tail.isComplete || (!isMore && !options.follow)) return
    if (!isMore) await sleep(followEveryMs)
  }
}
