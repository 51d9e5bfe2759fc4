// trueloop logs: what the processes of this home said, and follows it.
import { createReadStream, existsSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { logFile } from '../app/supervisor.ts'
import { sleep } from '../platform/clock.ts'
import { DomainError } from '../platform/errors.ts'
import type { Session } from './session.ts'

const names = ['server', 'gateway', 'supervisor'] as const
const tailBytes = 64 * 1024
const followEveryMs = 200

export async function logs({ config }: Session, name: string, options: { follow?: boolean }): Promise<void> {
  if (!(names as readonly string[]).includes(name)) {
    throw new DomainError('invalid', 'log_unknown', `there is no log "${name}": ${names.join(', ')}`)
  }
  const path = logFile(config.home, name)
  if (!existsSync(path))
    throw new DomainError('not_found', 'log_missing', `${path} is not there: "trueloop up --detach" writes it`)
  let at = Math.max(0, statSync(path).size - tailBytes)
  at = await copyFrom(path, at)
  while (options.follow) {
    await sleep(followEveryMs)
    const { size } = statSync(path)
    if (size < at) at = 0 // Somebody cut the file.
    if (size > at) at = await copyFrom(path, at)
  }
}

/** Prints from an offset on, beginning with a whole line; answers the new offset. */
async function copyFrom(path: string, from: number): Promise<number> {
  await using file = await open(path)
  const end = (await file.stat()).size
  if (end <= from) return from
  let isFirst = from > 0
  let at = from
  for await (const chunk of createReadStream(path, { start: from, end: end - 1 }) as AsyncIterable<Buffer>) {
    at += chunk.length
    const begin = isFirst ? chunk.indexOf(10) + 1 : 0
    isFirst = false
    process.stdout.write(chunk.subarray(begin))
  }
  return at
}
