// Has each new version loaded and checked by a process of its own before a worker meets it: a worker that serves then loads it in milliseconds.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { preparationName } from '../../models/preparation.ts'
import { messageOf } from '../../platform/errors.ts'
import type { Log } from '../../platform/log.ts'
import { letYieldToAnswers, whenIdle } from '../../platform/processes.ts'
import type { Variant } from '../gateway-config.ts'
import { idlePreparationLimitMs, preparationLimitMs } from '../contract/gateway-limits.ts'
import type { GatewayPaths } from '../gateway-worker.ts'
import { PreparationAnswer } from './preparation-answer.ts'
import { notePreparation } from './worker-processes.ts'

export interface Preparer {
  /**
   * One process after the other. What is waited for comes first, and ends what nobody waits for.
   * @returns resolves when each was tried; undefined: nothing is left to try
   */
  prepare(variants: readonly Variant[], how: { readonly isWaitedFor: boolean }): Promise<void> | undefined
  /** Milliseconds that a worker takes to load it by what is on the disk; undefined: it is not prepared. */
  loadMs(variant: Variant): number | undefined
  /** It was tried in vain, and is tried no more. */
  hasFailed(variant: Variant): boolean
  stop(): Promise<void>
}

export interface PreparerDeps {
  readonly paths: GatewayPaths
  readonly log: Log
  /** After it a process is killed; 20 seconds by default. */
  readonly limitMs?: number
}

// In a published package the file beside this one has been compiled too.
const entry = fileURLToPath(
  new URL(`./preparation-process${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
)
const answerBytesMax = 64 * 1024

interface Attempt {
  readonly name: string
  readonly variant: Variant
  readonly ended: PromiseWithResolvers<void>
  readonly stopping: AbortController
}

/** One that cannot be prepared is loaded by new workers, which tell what is wrong with it. */
export function createPreparer(deps: PreparerDeps): Preparer {
  const { models } = deps.paths
  /** By the name of what is written. */
  const loadTimesMs = new Map<string, number>()
  const failed = new Set<string>()
  const isPrepared = (name: string): boolean => loadTimesMs.has(name) && existsSync(join(models, name))
  /** Without its bytes there is nothing to be tried yet. */
  const isOpen = (name: string, { digest }: Variant): boolean =>
    !failed.has(name) && !isPrepared(name) && existsSync(join(models, digest))

  const queue = createQueue(async ({ name, variant, stopping }) => {
    try {
      loadTimesMs.set(name, await prepareOne(deps, variant, stopping.signal))
      if (!isPrepared(name)) throw new Error('what was written is gone')
    } catch (error) {
      if (stopping.signal.aborted) return
      failed.add(name)
      const { version } = variant
      deps.log.warn('a version was not prepared; new workers load it', { version, error: messageOf(error) })
    }
  })
  return {
    prepare(variants, { isWaitedFor }) {
      const wanted = new Map(variants.map((variant) => [nameOf(variant), variant]))
      for (const [name, variant] of wanted) if (!isOpen(name, variant)) wanted.delete(name)
      return wanted.size === 0 ? undefined : queue.add(wanted, isWaitedFor)
    },
    loadMs(variant) {
      const name = nameOf(variant)
      return isPrepared(name) ? loadTimesMs.get(name) : undefined
    },
    hasFailed: (variant) => failed.has(nameOf(variant)),
    stop: queue.stop,
  }
}

interface Queue {
  /** Resolves when each of them had its turn, or lost it to what is waited for; undefined: the queue was stopped. */
  readonly add: (wanted: ReadonlyMap<string, Variant>, isWaitedFor: boolean) => Promise<void> | undefined
  readonly stop: () => Promise<void>
}

function createQueue(run: (attempt: Attempt) => Promise<void>): Queue {
  let waiting: Attempt[] = []
  let current: Attempt | undefined
  let working: Promise<void> | undefined
  let isStopped = false

  const work = async (): Promise<void> => {
    for (current = waiting.shift(); current; current = waiting.shift()) {
      await run(current)
      current.ended.resolve()
    }
  }
  const start = (): void => {
    working ??= work().finally(() => {
      working = undefined
      if (waiting.length > 0) start()
    })
  }
  const attemptOf = (name: string, variant: Variant): Attempt => {
    if (current?.name === name && !current.stopping.signal.aborted) return current
    const queued = waiting.find((each) => each.name === name)
    return queued ?? { name, variant, ended: Promise.withResolvers(), stopping: new AbortController() }
  }
  return {
    add(wanted, isWaitedFor) {
      if (isStopped) return undefined
      const attempts = [...wanted].map(([name, variant]) => attemptOf(name, variant))
      const others = waiting.filter((each) => !attempts.includes(each))
      const queued = attempts.filter((each) => each !== current)
      if (isWaitedFor) {
        for (const each of others) each.ended.resolve()
        if (current && !attempts.includes(current)) current.stopping.abort()
      }
      waiting = isWaitedFor ? queued : [...others, ...queued]
      start()
      return Promise.all(attempts.map(({ ended }) => ended.promise)).then(() => undefined)
    },
    async stop() {
      isStopped = true
      for (const each of waiting) each.ended.resolve()
      waiting = []
      current?.stopping.abort()
      await working
    },
  }
}

const nameOf = ({ digest, signature }: Variant): string => preparationName(digest, signature)

interface Started {
  readonly command: string
  readonly args: string[]
  readonly limitMs: number
}

/** Milliseconds of a load. @throws Error what kept it from being prepared */
async function prepareOne(deps: PreparerDeps, variant: Variant, signal: AbortSignal): Promise<number> {
  const { limitMs = preparationLimitMs } = deps
  const plain = { command: process.execPath, args: ['--disable-warning=ExperimentalWarning', entry] }
  const idle = whenIdle(plain.command, plain.args)
  const idleLimitMs = Math.min(limitMs, idlePreparationLimitMs)
  const found = idle && (await runBeside(deps, { variant, signal }, { ...idle, limitMs: idleLimitMs }))
  const answer = found ?? (await runProcess(deps, { variant, signal }, { ...plain, limitMs }))
  if ('loadMs' in answer) return answer.loadMs
  throw new Error(answer.reason)
}

/** Undefined: it gave no answer, for lack of a core that had nothing else to do or for another reason. @throws the signal's reason */
async function runBeside(...started: Parameters<typeof runProcess>): Promise<PreparationAnswer | undefined> {
  const [, { signal }] = started
  try {
    return await runProcess(...started)
  } catch {
    signal.throwIfAborted()
    return undefined
  }
}

/** @throws Error it ended, or was ended, without an answer */
function runProcess(
  { paths, log }: PreparerDeps,
  { variant, signal }: { variant: Variant; signal: AbortSignal },
  { command, args, limitMs }: Started,
): Promise<PreparationAnswer> {
  const note = (pid: number | undefined): void => {
    try {
      notePreparation(paths, pid)
    } catch (error) {
      // It is ended all the same, unless this process is killed meanwhile.
      log.warn('the process that prepares a version was not noted', { error: messageOf(error) })
    }
  }
  return new Promise((resolve, reject) => {
    // No environment: a model has no business with our settings and secrets. Only SIGKILL ends a process that is inside of a run.
    const options = {
      env: {},
      timeout: limitMs,
      killSignal: 'SIGKILL',
      maxBuffer: answerBytesMax,
      signal,
    } as const
    const child = execFile(command, args, options, (error, stdout) => {
      note(undefined)
      if (error) return reject(error.killed ? new Error(`it took longer than ${limitMs} ms`) : error)
      try {
        resolve(PreparationAnswer.parse(JSON.parse(stdout)))
      } catch (unreadable) {
        reject(unreadable as Error)
      }
    })
    letYieldToAnswers(child)
    note(child.pid)
    child.stdin!.on('error', () => undefined) // It died before it had read all: its exit tells.
    child.stdin!.end(JSON.stringify({ modelDirectory: paths.models, variant }))
  })
}
