// The step's side of an attempt: reads its input, runs its kind, streams what it reports, and writes how it ended.
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { monotonicMs, type Clock } from '../platform/clock.ts'
import { DomainError, messageOf } from '../platform/errors.ts'
import { identifyProcess, yieldToAnswers } from '../platform/processes.ts'
import {
  AttemptInput,
  attemptFiles,
  exists,
  readTail,
  writeDurably,
  type AttemptError,
  type AttemptEvent,
  type AttemptExit,
} from './attempts/attempt-directory.ts'
import type { StepKinds, StepTools } from './step.ts'

const heartbeatMs = 2_000
const flushMs = 100
const flushLines = 64
export const outputBytesMax = 16 * 1024 * 1024
const stackCharsMax = 4_000

/** What `app` gives to a step; reporting, scratch directory and signal are filled in here. */
export type StepResources = Pick<StepTools, 'blobs' | 'log' | 'threads' | 'memoryLimitBytes'> & {
  readonly clock: Clock
}

/**
 * Runs the attempt whose directory is given, in this process and once. Answers the exit code; the entry then calls `process.exit`, since
 * native libraries may keep the event loop turning.
 */
export async function runStepProcess(
  directory: string,
  kinds: StepKinds,
  resourcesFor: (input: AttemptInput) => Promise<StepResources>,
): Promise<number> {
  const identity = identifyProcess(process.pid)
  if (!identity) throw new Error('this process cannot be identified')
  await writeDurably(directory, { name: attemptFiles.process, json: identity })
  // Each side writes before it looks, so at least one sees the other.
  if (await exists(join(directory, attemptFiles.abandoned))) return 1
  const heart = setInterval(() => writeFileSync(join(directory, attemptFiles.heartbeat), ''), heartbeatMs)
  heart.unref()
  const stop = new AbortController()
  const onSignal = (): void => stop.abort()
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  const exit = await Promise.race([runAttempt({ directory, kinds, resourcesFor, stop: stop.signal }), crash()])
  clearInterval(heart)
  await writeDurably(directory, { name: attemptFiles.exit, json: exit })
  return exit.ok ? 0 : 1
}

/** Resolves when something is thrown that nobody waits for: the step has failed even if its promise never settles. */
function crash(): Promise<AttemptExit> {
  return new Promise((resolve) => {
    const onCrash = (error: unknown): void => resolve({ ok: false, error: errorOf(error) })
    process.on('uncaughtException', onCrash).on('unhandledRejection', onCrash)
  })
}

interface Attempt {
  readonly directory: string
  readonly kinds: StepKinds
  readonly resourcesFor: (input: AttemptInput) => Promise<StepResources>
  readonly stop: AbortSignal
}

async function runAttempt({ directory, kinds, resourcesFor, stop }: Attempt): Promise<AttemptExit> {
  try {
    const input = AttemptInput.parse(JSON.parse(readFileSync(join(directory, attemptFiles.input), 'utf8')))
    const kind = kinds.get(input.kind)
    if (!kind) throw new DomainError('invalid', 'step_kind_unknown', `this process knows no step kind "${input.kind}"`)
    if (!kind.measuresTime) yieldToAnswers()
    const resources = await resourcesFor(input)
    const scratchDirectory = join(directory, attemptFiles.scratch)
    await mkdir(scratchDirectory, { recursive: true })
    using events = openEvents(join(directory, attemptFiles.events))
    const atMs = resources.clock
    const output = await kind.execute(
      {
        ...resources,
        scratchDirectory,
        signal: stop,
        recentLog: () => recentLog(directory),
        progress: (fraction, text) =>
          events.write({ type: 'progress', fraction: Math.min(1, Math.max(0, fraction)), text, atMs: atMs() }),
        metric: (key, value, step) => events.write({ type: 'metric', key, value, step, atMs: atMs() }),
      },
      kind.input.parse(input.input),
    )
    return { ok: true, output: boundedOutput(kind.output.parse(output), input.kind) }
  } catch (error) {
    return { ok: false, error: errorOf(error) }
  }
}

const recentLogBytes = 16 * 1024

async function recentLog(directory: string): Promise<string> {
  const path = join(directory, attemptFiles.log)
  const { size } = await readTail(path, { offset: 0, limit: 0 })
  const { bytes } = await readTail(path, { offset: Math.max(0, size - recentLogBytes), limit: recentLogBytes })
  return new TextDecoder().decode(bytes)
}

function boundedOutput(output: unknown, kind: string): unknown {
  const bytes = Buffer.byteLength(JSON.stringify(output) ?? '')
  if (bytes <= outputBytesMax) return output
  throw new DomainError(
    'too_large',
    'step_output_too_large',
    `the output of ${kind} has ${bytes} bytes of JSON, more than ${outputBytesMax}: put what is large into a blob`,
  )
}

function errorOf(error: unknown): AttemptError {
  if (error instanceof DomainError) {
    const { code, kind, message, detail } = error
    return { code, kind, message, ...(detail ? { detail } : {}) }
  }
  if (error instanceof z.ZodError) {
    return { code: 'step_input_invalid', kind: 'invalid', message: z.prettifyError(error) }
  }
  const stack = error instanceof Error ? error.stack?.slice(0, stackCharsMax) : undefined
  return { code: 'step_failed', message: messageOf(error), ...(stack ? { detail: { stack } } : {}) }
}

interface EventWriter extends Disposable {
  write(event: AttemptEvent): void
}

/** Appends in small batches and without waiting, because a trainer may not let the event loop turn for minutes. */
function openEvents(path: string): EventWriter {
  const file = openSync(path, 'a')
  let lines: string[] = []
  let flushedAtMs = monotonicMs()
  const flush = (): void => {
    if (lines.length > 0) writeSync(file, lines.join(''))
    lines = []
    flushedAtMs = monotonicMs()
  }
  const timer = setInterval(flush, flushMs)
  timer.unref()
  return {
    write: (event) => {
      const json =
        event.type === 'metric' && !Number.isFinite(event.value) ? { ...event, value: String(event.value) } : event
      lines.push(`${JSON.stringify(json)}\n`)
      if (lines.length >= flushLines || monotonicMs() - flushedAtMs > flushMs) flush()
    },
    [Symbol.dispose]: () => {
      clearInterval(timer)
      flush()
      closeSync(file)
    },
  }
}
