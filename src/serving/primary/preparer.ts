// Has each new version loaded and checked by a process of its own before a worker meets it: a worker that serves then loads it in milliseconds.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { messageOf } from '../../platform/errors.ts'
import type { Log } from '../../platform/log.ts'
import type { GatewayConfig, Variant } from '../gateway-config.ts'
import { preparationLimitMs } from '../contract/gateway-limits.ts'
import type { GatewayPaths } from '../gateway-worker.ts'
import { PreparationAnswer } from './preparation-answer.ts'
import { notePreparation } from './worker-processes.ts'

export interface Preparer {
  /** Resolves when what could be prepared is; undefined: nothing is left to try. */
  prepare(config: GatewayConfig): Promise<void> | undefined
  stop(): Promise<void>
}

export interface PreparerDeps {
  readonly paths: GatewayPaths
  /** Is told what a worker takes to load a model, by its digest. */
  readonly onLoadTime: (digest: string, ms: number) => void
  readonly log: Log
  /** After it a process is killed; 20 seconds by default. */
  readonly limitMs?: number
}

// In a published package the file beside this one has been compiled too.
const entry = fileURLToPath(
  new URL(`./preparation-process${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
)
const answerBytesMax = 64 * 1024

const keyOf = ({ digest, signature }: Variant): string => `${digest} ${JSON.stringify(signature)}`

/** Each version once, one after the other. One that cannot be prepared is loaded by new workers, which tell what is wrong with it. */
export function createPreparer(deps: PreparerDeps): Preparer {
  const stopping = new AbortController()
  const tried = new Map<string, Promise<void>>()
  const done = new Set<string>()
  let last: Promise<void> = Promise.resolve()

  const attempt = async (variant: Variant, key: string): Promise<void> => {
    try {
      if (!stopping.signal.aborted) deps.onLoadTime(variant.digest, await runProcess(deps, variant, stopping.signal))
    } catch (error) {
      const { version } = variant
      if (!stopping.signal.aborted)
        deps.log.warn('a version was not prepared; new workers load it', { version, error: messageOf(error) })
    } finally {
      done.add(key)
    }
  }
  const attemptOf = (variant: Variant, key: string): Promise<void> => {
    const known = tried.get(key)
    if (known) return known
    last = last.then(() => attempt(variant, key))
    tried.set(key, last)
    return last
  }

  return {
    prepare(config) {
      const wanted = config.endpoints
        .flatMap(({ variants }) => variants)
        .filter((variant) => !variant.quarantined && !done.has(keyOf(variant)))
      if (wanted.length === 0) return undefined
      return Promise.all(wanted.map((variant) => attemptOf(variant, keyOf(variant)))).then(() => undefined)
    },
    async stop() {
      stopping.abort()
      await last
    },
  }
}

/** Milliseconds of a load. @throws Error what kept it from being prepared */
function runProcess(
  { paths, limitMs = preparationLimitMs }: PreparerDeps,
  variant: Variant,
  signal: AbortSignal,
): Promise<number> {
  return new Promise((resolve, reject) => {
    // No environment: a model has no business with our settings and secrets. Only SIGKILL ends a process that is inside of a run.
    const options = {
      env: {},
      timeout: limitMs,
      killSignal: 'SIGKILL',
      maxBuffer: answerBytesMax,
      signal,
    } as const
    const args = ['--disable-warning=ExperimentalWarning', entry]
    const child = execFile(process.execPath, args, options, (error, stdout) => {
      notePreparation(paths, undefined)
      if (error) return reject(error.killed ? new Error(`it took longer than ${limitMs} ms`) : error)
      const answer = PreparationAnswer.safeParse(JSON.parse(stdout))
      if (answer.success && 'loadMs' in answer.data) resolve(answer.data.loadMs)
      else reject(new Error(answer.success && 'reason' in answer.data ? answer.data.reason : 'its answer is none'))
    })
    notePreparation(paths, child.pid)
    child.stdin!.on('error', () => undefined) // It died before it had read all: its exit tells.
    child.stdin!.end(JSON.stringify({ modelDirectory: paths.models, variant }))
  })
}
