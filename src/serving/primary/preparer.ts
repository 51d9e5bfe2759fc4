// Has each new version loaded and checked by a process of its own before a worker meets it: a worker that serves then loads it in milliseconds.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { preparationName } from '../../models/preparation.ts'
import { messageOf } from '../../platform/errors.ts'
import type { Log } from '../../platform/log.ts'
import { letYieldToAnswers } from '../../platform/processes.ts'
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
  const working = new Map<string, Promise<void>>()
  const failed = new Set<string>()
  /** By key, where it is: it goes with its model when nobody needs that for long. */
  const prepared = new Map<string, string>()
  let last: Promise<void> = Promise.resolve()

  const attempt = async (variant: Variant, key: string): Promise<void> => {
    const { version, digest, signature } = variant
    try {
      stopping.signal.throwIfAborted()
      deps.onLoadTime(digest, await runProcess(deps, variant, stopping.signal))
      prepared.set(key, join(deps.paths.models, preparationName(digest, signature)))
    } catch (error) {
      failed.add(key)
      if (!stopping.signal.aborted)
        deps.log.warn('a version was not prepared; new workers load it', { version, error: messageOf(error) })
    } finally {
      working.delete(key)
    }
  }
  const attemptOf = (variant: Variant, key: string): Promise<void> => {
    const known = working.get(key)
    if (known) return known
    last = last.then(() => attempt(variant, key))
    working.set(key, last)
    return last
  }
  const isDone = (key: string): boolean => failed.has(key) || existsSync(prepared.get(key) ?? '')

  return {
    prepare(config) {
      const wanted = config.endpoints
        .flatMap(({ variants }) => variants)
        .filter((variant) => !variant.quarantined && !isDone(keyOf(variant)))
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
      try {
        const answer = PreparationAnswer.parse(JSON.parse(stdout))
        if ('loadMs' in answer) resolve(answer.loadMs)
        else reject(new Error(answer.reason))
      } catch (unreadable) {
        reject(unreadable as Error)
      }
    })
    letYieldToAnswers(child)
    notePreparation(paths, child.pid)
    child.stdin!.on('error', () => undefined) // It died before it had read all: its exit tells.
    child.stdin!.end(JSON.stringify({ modelDirectory: paths.models, variant }))
  })
}
