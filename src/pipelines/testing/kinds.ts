// Step kinds for tests: small, and each with one way to go wrong.
import { spawn } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import { appendEvent, type EventTables } from '../../platform/events.ts'
import { DomainError } from '../../platform/errors.ts'
import { commitKind, processKind, type EngineKind } from '../engine-kind.ts'
import type { StepKind, StepKinds } from '../step.ts'

const anything = z.unknown()
const foreverMs = 3_600_000

function kind<Input, Output>(
  step: Partial<StepKind<Input, Output>> & Pick<StepKind<Input, Output>, 'kind' | 'input' | 'execute'>,
): StepKind {
  return { version: 1, cacheable: false, output: anything as z.ZodType<Output>, ...step } as StepKind
}

const traced = z.strictObject({ trace: z.string(), name: z.string() })
/** Notes each execution in a file, so that a test sees what ran and how often. */
const note = (input: z.infer<typeof traced>): void => appendFileSync(input.trace, `${input.name}\n`)

const testStepKinds: readonly StepKind[] = [
  kind({ kind: 'test.echo', input: anything, execute: async (_, input) => input }),
  kind({
    kind: 'test.traced',
    cacheable: true,
    input: traced.extend({ ms: z.int().default(0), from: anything.optional() }),
    execute: async (_, input) => {
      note(input)
      await wait(input.ms)
      return { name: input.name, pid: process.pid }
    },
  }),
  kind({
    kind: 'test.flaky',
    input: traced.extend({ failures: z.int() }),
    execute: async (_, input) => {
      note(input)
      const runs = readFileSync(input.trace, 'utf8').trim().split('\n').length
      if (runs <= input.failures) throw new Error(`failure ${runs}`)
      return runs
    },
  }),
  kind({
    kind: 'test.refuse',
    input: traced,
    execute: async (_, input) => {
      note(input)
      throw new DomainError('invalid', 'data_invalid', 'these rows are wrong')
    },
  }),
  kind({ kind: 'test.crash', input: anything, execute: async () => process.kill(process.pid, 'SIGKILL') }),
  kind({
    kind: 'test.stubborn',
    input: z.strictObject({ pids: z.string() }),
    execute: async (_, { pids }) => {
      process.on('SIGTERM', () => undefined)
      const child = spawn('sleep', ['1000'])
      appendFileSync(pids, `${process.pid}\n${child.pid}\n`)
      await wait(foreverMs)
    },
  }),
  kind({
    kind: 'test.report',
    input: z.strictObject({ points: z.int() }),
    execute: async (tools, { points }) => {
      process.stdout.write('to stdout\n')
      process.stderr.write('to stderr\n')
      for (let i = 0; i < points; i++) tools.metric('loss', i === 0 ? Number.NaN : 1 / i, i)
      tools.progress(0.5, 'half')
      return existsSync(tools.scratchDirectory)
    },
  }),
]

export const testKinds: StepKinds = new Map(testStepKinds.map((step) => [step.kind, step]))

/** As the engine knows them; `test.event` only commits, `test.committed` has a process and a commit. */
export const testEngineKinds: ReadonlyMap<string, EngineKind<EventTables>> = new Map(
  [
    ...testStepKinds.map((step) => processKind<EventTables, unknown, unknown>(step)),
    commitKind<EventTables, { type: string }>(
      { kind: 'test.event', version: 1, input: z.strictObject({ type: z.string() }), output: anything },
      async (trx, { input, nowMs, stepRun }) => {
        await appendEvent(trx, { type: input.type, subject: stepRun.name, payload: {}, atMs: nowMs })
        if (input.type === 'test.bad') throw new DomainError('conflict', 'commit_refused', 'no')
        return { said: input.type }
      },
    ),
  ].map((step) => [step.kind, step]),
)
