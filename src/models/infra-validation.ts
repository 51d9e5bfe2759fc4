// Infra validation: a model version is first loaded, asked and timed in a disposable process, which is killed when it hangs.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { DomainError, messageOf } from '../platform/errors.ts'
import type { Examples } from './examples.ts'
import { InfraResult } from './infra-result.ts'
import type { Signature } from './signature.ts'

export interface InfraRequest {
  /** A local file with the ONNX bytes. */
  readonly path: string
  readonly signature: Signature
  readonly examples: Examples
  /** False skips `checkGraph`; for the test that a hung process is killed. True by default. */
  readonly isChecked?: boolean
  /** Of timing runs of each size; 1500 by default, 0 for a look at the answers alone. */
  readonly measureMs?: number
}

export interface InfraOptions {
  /** After it the process is killed; 20 s by default. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

export const infraTimeoutMs = 20_000
/** Answers are one short line; standard error is kept for the reason of a crash. */
const outputBytesMax = 256 * 1024
const stderrBytesMax = 8 * 1024

// In a published package the file beside this one has been compiled too.
const entry = fileURLToPath(
  new URL(`./infra-validation-process${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
)

/** Never throws for what the model does: that is in the result. */
export async function validateInfra(request: InfraRequest, options: InfraOptions = {}): Promise<InfraResult> {
  const { timeoutMs = infraTimeoutMs, signal } = options
  signal?.throwIfAborted()
  // No environment: a model has no business with our settings and secrets.
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry], {
    env: {},
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let isTimedOut = false
  // Only SIGKILL ends a process that is inside of a run.
  const kill = (): void => void child.kill('SIGKILL')
  const timer = setTimeout(() => {
    isTimedOut = true
    kill()
  }, timeoutMs)
  signal?.addEventListener('abort', kill, { once: true })
  const stdout = collected(child.stdout, outputBytesMax)
  const stderr = collected(child.stderr, stderrBytesMax)
  child.stdin.on('error', () => undefined) // It died before it had read all: its exit tells.
  child.stdin.end(JSON.stringify(request))
  const exit = await new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(messageOf(error)))
    child.on('close', (code, killedBy) => resolve(killedBy ?? `exit code ${code}`))
  })
  clearTimeout(timer)
  signal?.removeEventListener('abort', kill)
  signal?.throwIfAborted()
  if (isTimedOut) {
    return failed(
      'timeout',
      `it did not finish within ${timeoutMs} ms and was killed: the graph hangs or is far too slow`,
    )
  }
  const result = parsed(stdout())
  if (result) return result
  const said = reasonIn(stderr())
  return failed('crashed', `the process that ran it ended with ${exit}${said ? `: ${said}` : ''}`)
}

const failed = (failure: (InfraResult & { passed: false })['failure'], reason: string): InfraResult => ({
  passed: false,
  failure,
  reason,
})

/** @throws DomainError infra_validation_failed, for a caller to which a failed validation is an end */
export function assertInfraPassed(name: string, result: InfraResult): asserts result is InfraResult & { passed: true } {
  if (result.passed) return
  const message = `${name} failed its infra validation (${result.failure}): ${result.reason}`
  throw new DomainError('invalid', 'infra_validation_failed', message, { failure: result.failure })
}

function parsed(text: string): InfraResult | undefined {
  try {
    return InfraResult.parse(JSON.parse(text))
  } catch {
    return undefined // No whole answer: the caller tells how the process ended.
  }
}

/** What Node or the system said of the end, without the stack and the source line. */
function reasonIn(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => !/^(?:\s+at\s.*|\s*\^*\s*|Node\.js\s.*|file:.*)$/v.test(line))
  return lines.slice(-5).join(' | ')
}

/** The last `bytesMax` of a stream as text. */
function collected(stream: NodeJS.ReadableStream, bytesMax: number): () => string {
  const chunks: Buffer[] = []
  let bytes = 0
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    bytes += chunk.length
    while (bytes - chunks[0]!.length >= bytesMax) bytes -= chunks.shift()!.length
  })
  return () => Buffer.concat(chunks).toString()
}
