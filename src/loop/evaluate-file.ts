// Evaluating a user's loop file: in a process of its own, with an empty environment and a time limit, into a checked spec. For the CLI only.
import { spawn } from 'node:child_process'
import { access } from 'node:fs/promises'
import { dirname, extname, join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { z } from 'zod'
import { DomainError } from '../platform/errors.ts'
import { parseLoopSpec, type LoopSpec } from './spec.ts'

/** What the process says on descriptor 3. */
const EvaluationReport = z.discriminatedUnion('ok', [
  z.strictObject({ ok: z.literal(true), spec: z.unknown() }),
  z.strictObject({
    ok: z.literal(false),
    problem: z.enum(['syntax', 'threw', 'no_default_export', 'not_a_loop']),
    message: z.string(),
    /** `loop.ts:12:5` */
    place: z.string().optional(),
  }),
])
export type EvaluationReport = Readonly<z.infer<typeof EvaluationReport>>

const timeoutDefaultMs = 10_000
const reportBytesMax = 1024 * 1024
const heapMegabytesMax = 512
/** Of what the file prints, kept for an error that has nothing better to say. */
const outputCharactersKept = 4_000

export interface EvaluateFile {
  readonly path: string
  /** Default 10 s; then the process is killed. */
  readonly timeoutMs?: number
  /** Gets what the file itself prints. */
  readonly print?: (output: string) => void
}

/**
 * The spec that a loop file exports. The file may use any module it can import, and sees no environment variable.
 * @throws DomainError loop_file_not_found, loop_file_syntax, loop_file_failed, loop_file_no_loop, loop_file_timeout, loop_file_too_large, loop_invalid
 */
export async function evaluateLoopFile(input: EvaluateFile): Promise<LoopSpec> {
  const path = resolve(input.path)
  await access(path).catch(() => {
    const next = 'run `trueloop init` to write one, or name yours'
    throw new DomainError('not_found', 'loop_file_not_found', `there is no loop file ${path}: ${next}`)
  })
  const report = await evaluateInProcess({ ...input, path })
  if (report.ok) return withAbsolutePaths(parseLoopSpec(report.spec), dirname(path))
  throw reportedError(path, report)
}

/** Files are named relative to the loop file; the server that reads them runs elsewhere. */
function withAbsolutePaths(spec: LoopSpec, directory: string): LoopSpec {
  const { source } = spec.dataset
  if (source.kind !== 'file') return spec
  const paths = source.paths.map((each) => resolve(directory, each))
  return { ...spec, dataset: { ...spec.dataset, source: { ...source, paths } } }
}

function reportedError(path: string, report: Extract<EvaluationReport, { ok: false }>): DomainError {
  const { message, place, problem } = report
  const where = place ? `${path} (${place})` : path
  const detail = place ? { place } : {}
  const next = 'end the file with `export default loop({ … })`'
  switch (problem) {
    case 'syntax':
      return new DomainError('invalid', 'loop_file_syntax', `${where} is not valid TypeScript: ${message}`, detail)
    case 'threw':
      return new DomainError('invalid', 'loop_file_failed', `${where} failed: ${message}`, detail)
    case 'no_default_export':
    case 'not_a_loop':
      return new DomainError('invalid', 'loop_file_no_loop', `${where} gives no loop: ${message}; ${next}`)
  }
}

async function evaluateInProcess({
  path,
  timeoutMs = timeoutDefaultMs,
  print,
}: EvaluateFile): Promise<EvaluationReport> {
  // From source the child is a .ts file, in the built package a .js file.
  const child = join(import.meta.dirname, `evaluate-file-process${extname(import.meta.filename)}`)
  const args = [`--max-old-space-size=${heapMegabytesMax}`, '--disable-warning=ExperimentalWarning', child, path]
  const evaluation = spawn(process.execPath, args, { env: {}, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] })
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    evaluation.kill('SIGKILL')
  }, timeoutMs)
  let output = ''
  const hear = (chunk: Buffer): void => {
    print?.(chunk.toString())
    output = `${output}${chunk.toString()}`.slice(-outputCharactersKept)
  }
  evaluation.stdout?.on('data', hear)
  evaluation.stderr?.on('data', hear)
  const report = collect(evaluation.stdio[3] as Readable, () => evaluation.kill('SIGKILL'))
  try {
    const ended = await new Promise<string>((settle, reject) => {
      evaluation.once('error', reject)
      evaluation.once('exit', (code, signal) => settle(signal ?? `exit code ${code}`))
    })
    const reported = await report
    if (reported === undefined) throw tooLarge(path)
    if (isLate) throw late(path, timeoutMs)
    if (reported === '') throw silent({ path, ended, output })
    return EvaluationReport.parse(JSON.parse(reported))
  } finally {
    clearTimeout(timer)
    // A process that the file started may still hold these open.
    evaluation.stdio.forEach((stream) => stream?.destroy())
  }
}

/** All that comes, or undefined when it is more than allowed. */
async function collect(stream: Readable, stop: () => void): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes <= reportBytesMax) chunks.push(chunk)
    else stop()
  }
  return bytes > reportBytesMax ? undefined : Buffer.concat(chunks).toString()
}

const tooLarge = (path: string): DomainError =>
  new DomainError(
    'too_large',
    'loop_file_too_large',
    `${path} gives more than ${reportBytesMax} bytes: a loop is a page of text`,
  )

const late = (path: string, timeoutMs: number): DomainError =>
  new DomainError(
    'invalid',
    'loop_file_timeout',
    `${path} was not evaluated within ${timeoutMs} ms and was ended: a loop file only describes, look for an endless loop or a wait in it`,
  )

function silent({ path, ended, output }: { path: string; ended: string; output: string }): DomainError {
  // Node's code for a top-level await that nothing can end.
  const cause =
    ended === 'exit code 13' ? 'a top-level await in it can never end' : `its process ended early (${ended})`
  const said = output.trim().split('\n').at(-1) ?? ''
  return new DomainError('invalid', 'loop_file_failed', `${path} failed: ${cause}${said ? `; it said: ${said}` : ''}`)
}
