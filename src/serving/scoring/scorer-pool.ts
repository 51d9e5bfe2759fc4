// The processes of a batch scoring: each holds the model and takes the next part when it is done with one; one that dies or hangs is replaced.
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { DomainError } from '../../platform/errors.ts'
import { ScorerAnswer, type ScoringPart, type ScoringPlan } from './plan.ts'

export interface PoolOptions {
  readonly processes: number
  /** Silence after which a process is killed: a run cannot be interrupted. 120 seconds by default. */
  readonly silenceMaxMs?: number
  readonly signal?: AbortSignal
  readonly progress?: (rows: number) => void
}

/** Processes that may end over one part; the next is the scoring's end. */
const triesMax = 2
const silenceMs = 120_000
const stderrCharactersMax = 4_000

const entry = fileURLToPath(
  new URL(`./scoring-process${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
)

/**
 * Resolves when every part has its file.
 * @throws DomainError of the first part that fails; scoring_process_ended: a part ended its processes, or they were silent for too long
 */
export async function scoreParts(
  plan: ScoringPlan,
  parts: readonly ScoringPart[],
  options: PoolOptions,
): Promise<void> {
  const waiting = [...parts]
  const tries = new Map<number, number>()
  const stopping = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, stopping.signal]) : stopping.signal
  const next = (): ScoringPart | undefined => (signal.aborted ? undefined : waiting.shift())
  const workOff = async (): Promise<void> => {
    while (waiting.length > 0 && !signal.aborted) {
      const ended = await runProcess(plan, next, { ...options, signal })
      if (!ended) return
      const count = (tries.get(ended.part.part) ?? 0) + 1
      if (count >= triesMax) throw processEnded(plan, ended)
      tries.set(ended.part.part, count)
      waiting.unshift(ended.part)
    }
  }
  const all = Array.from({ length: Math.min(options.processes, parts.length) }, async () => {
    try {
      await workOff()
    } catch (error) {
      stopping.abort(error)
      throw error
    }
  })
  const results = await Promise.allSettled(all)
  options.signal?.throwIfAborted()
  if (stopping.signal.aborted) throw stopping.signal.reason
  const failed = results.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}

/** How a process ended while it had a part. */
interface Ended {
  readonly part: ScoringPart
  readonly reason: string
}

const processEnded = ({ source }: ScoringPlan, { part, reason }: Ended): DomainError => {
  const message = `${source}, rows ${part.from + 1} to ${part.to}: the process that scored them ended ${triesMax} times (${reason})`
  return new DomainError('unavailable', 'scoring_process_ended', message)
}

/** Works parts off until there are none; answers the part that it had when the process ended by itself. @throws DomainError that it told */
function runProcess(
  plan: ScoringPlan,
  next: () => ScoringPart | undefined,
  { signal, progress, silenceMaxMs = silenceMs }: PoolOptions,
): Promise<Ended | undefined> {
  // No environment: a model has no business with our settings and secrets.
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry], {
    env: {},
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let part = next()
  let reason = ''
  let failure: DomainError | undefined
  const kill = (): void => void child.kill('SIGKILL')
  const silence = setTimeout(() => {
    reason = `it was silent for ${silenceMaxMs / 1000} s and was killed`
    kill()
  }, silenceMaxMs)
  signal?.addEventListener('abort', kill, { once: true })
  if (signal?.aborted) kill()
  child.stdin.on('error', () => undefined) // It died before it had read all: its exit tells.
  const tell = (value: object): void => void child.stdin.write(`${JSON.stringify(value)}\n`)
  const advance = (): void => {
    if (part) tell(part)
    else child.stdin.end()
  }
  createInterface({ input: child.stdout }).on('line', (line) => {
    silence.refresh()
    const answer = ScorerAnswer.parse(JSON.parse(line))
    if (answer.kind === 'progress') progress?.(answer.rows)
    if (answer.kind === 'failed') failure = new DomainError(answer.error.kind, answer.error.code, answer.error.message)
    if (answer.kind === 'done') part = next()
    if (answer.kind === 'ready' || answer.kind === 'done') advance()
  })
  const said = tail(child)
  tell(plan)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, killedBy) => {
      clearTimeout(silence)
      signal?.removeEventListener('abort', kill)
      if (failure) reject(failure)
      else if (!part || signal?.aborted) resolve(undefined)
      else resolve({ part, reason: reason || [killedBy ?? `exit code ${code}`, said()].filter(Boolean).join(': ') })
    })
  })
}

/** The end of what a process said on standard error. */
function tail(child: ChildProcess): () => string {
  let text = ''
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-stderrCharactersMax)
  })
  return () => text.trim().split('\n').slice(-5).join(' | ')
}
