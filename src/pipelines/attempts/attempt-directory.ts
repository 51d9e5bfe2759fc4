// The directory of an attempt: what the control plane and the step's process say to each other through files, so that either may die.
import { open, readFile, rename, rm, stat, writeFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { ProcessIdentity } from '../../platform/processes.ts'

export const attemptFiles = {
  /** {@link AttemptInput}, written before the process starts. */
  input: 'input.json',
  /** {@link ProcessIdentity} of the process, written by it first of all. */
  process: 'process.json',
  /** Touched every two seconds while the process's event loop turns. */
  heartbeat: 'heartbeat',
  /** {@link AttemptEvent}, one a line. */
  events: 'events.ndjson',
  /** Standard output and error. */
  log: 'log.txt',
  /** {@link AttemptExit}, written last. */
  exit: 'exit.json',
  /** Made by the control plane when it gave the attempt up: a process that starts late must not begin. */
  abandoned: 'abandoned',
  scratch: 'scratch',
} as const

export const AttemptInput = z.strictObject({
  attemptId: z.string(),
  pipelineRunId: z.string(),
  stepRunId: z.string(),
  step: z.string(),
  kind: z.string(),
  input: z.unknown(),
})
export type AttemptInput = Readonly<z.infer<typeof AttemptInput>>

export const AttemptError = z.strictObject({
  code: z.string(),
  message: z.string(),
  /** An `ErrorKind` for an expected failure; absent for any other, which is tried again. */
  kind: z.string().optional(),
  detail: z.record(z.string(), z.unknown()).optional(),
})
export type AttemptError = Readonly<z.infer<typeof AttemptError>>

export const AttemptExit = z.union([
  z.strictObject({ ok: z.literal(true), output: z.unknown() }),
  z.strictObject({ ok: z.literal(false), error: AttemptError }),
])
export type AttemptExit = Readonly<z.infer<typeof AttemptExit>>

/** JSON has no NaN and no infinities: they are written as these words. */
const MetricValue = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity']).transform(Number)])

export const AttemptEvent = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('progress'), fraction: z.number().min(0).max(1), text: z.string(), atMs: z.int() }),
  z.strictObject({ type: z.literal('metric'), key: z.string(), value: MetricValue, step: z.int(), atMs: z.int() }),
])
export type AttemptEvent = Readonly<z.infer<typeof AttemptEvent>>

/** Writes the input into a new, empty directory of the attempt. */
export async function createAttemptDirectory(directory: string, input: AttemptInput): Promise<void> {
  await rm(directory, { recursive: true, force: true })
  await mkdir(join(directory, attemptFiles.scratch), { recursive: true, mode: 0o700 })
  await writeFile(join(directory, attemptFiles.input), JSON.stringify(input))
}

/** Atomic and on disk when it returns: a reader sees all of it or nothing. */
export async function writeDurably(directory: string, { name, json }: { name: string; json: unknown }): Promise<void> {
  const temporary = join(directory, `${name}.new`)
  const file = await open(temporary, 'w')
  try {
    await file.writeFile(JSON.stringify(json))
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, join(directory, name))
  const parent = await open(directory, 'r')
  try {
    await parent.sync()
  } finally {
    await parent.close()
  }
}

/** The file parsed; undefined when it is not there. */
export async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

export const readExit = (directory: string): Promise<AttemptExit | undefined> =>
  readJson(join(directory, attemptFiles.exit), AttemptExit)

export const readIdentity = (directory: string): Promise<ProcessIdentity | undefined> =>
  readJson(join(directory, attemptFiles.process), ProcessIdentity)

export const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
      throw error
    },
  )

/** Bytes of a file from an offset on. */
export interface Tail {
  readonly bytes: Buffer
  /** Where to go on. */
  readonly nextOffset: number
  readonly size: number
}

const emptyTail = (offset: number): Tail => ({ bytes: Buffer.alloc(0), nextOffset: offset, size: 0 })

/** Reads at most `limit` bytes; an absent file is an empty one. */
export async function readTail(path: string, { offset, limit }: { offset: number; limit: number }): Promise<Tail> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  })
  if (!file) return emptyTail(offset)
  try {
    const { size } = await file.stat()
    const length = Math.min(limit, Math.max(0, size - offset))
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset)
    return { bytes: buffer.subarray(0, bytesRead), nextOffset: offset + bytesRead, size }
  } finally {
    await file.close()
  }
}

const eventsReadBytes = 1024 * 1024

/** Whole lines of events from an offset on; a line that is no event is passed over and counted. */
export async function readAttemptEvents(
  directory: string,
  offset: number,
): Promise<{ events: AttemptEvent[]; malformed: number; nextOffset: number }> {
  const { bytes } = await readTail(join(directory, attemptFiles.events), { offset, limit: eventsReadBytes })
  const end = bytes.lastIndexOf(0x0a) + 1
  // A single line larger than a whole read can be no event of ours: step over it instead of waiting for its end for ever.
  if (end === 0) {
    return {
      events: [],
      malformed: 0,
      nextOffset: offset + (bytes.byteLength === eventsReadBytes ? eventsReadBytes : 0),
    }
  }
  const events: AttemptEvent[] = []
  let malformed = 0
  for (const line of bytes.subarray(0, end).toString('utf8').split('\n').slice(0, -1)) {
    const parsed = parseEvent(line)
    if (parsed) events.push(parsed)
    else malformed++
  }
  return { events, malformed, nextOffset: offset + end }
}

function parseEvent(line: string): AttemptEvent | undefined {
  try {
    return AttemptEvent.parse(JSON.parse(line))
  } catch {
    return undefined
  }
}
