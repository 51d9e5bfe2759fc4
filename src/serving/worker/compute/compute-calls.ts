// The orders of a worker to its compute process, answered in their order. When the process ends, only the order it was at fails.
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { DomainError, messageOf } from '../../../platform/errors.ts'
import type { Log } from '../../../platform/log.ts'
import { heartbeatIntervalMs, heartbeatLimitMs, startLimitMs } from '../../contract/gateway-limits.ts'
import type { ComputeOrder, FromCompute, ToCompute } from './compute-messages.ts'

/** The process ended while it worked for a version. `hung`: it was silent for too long; `killed`: by somebody else's SIGKILL. */
export interface ComputeLoss {
  readonly kind: 'hung' | 'died' | 'killed'
  readonly version: string
}

export interface ComputeCallsDeps {
  readonly lost: (loss: ComputeLoss) => void
  /** Is told of the process, so that others can end it when its worker cannot; undefined: it is gone. */
  readonly noteProcess: (pid: number | undefined) => void
  readonly log: Log
  /** Milliseconds of one run after which the process counts as hung; by default as for a worker. */
  readonly limitMs?: number
}

export interface ComputeCalls {
  /** Starts the process when it is not there. @throws DomainError compute_lost: it ended at this order */
  post(version: string, order: ComputeOrder): Promise<FromCompute>
  close(): void
}

/** What a new process must be told before anything else. */
export interface ComputeMemory {
  again(): Iterable<{ readonly version: string; readonly order: ComputeOrder }>
}

interface Call {
  readonly message: ToCompute
  readonly version: string
  readonly done: (answer: FromCompute) => void
  readonly failed: (error: DomainError) => void
  /** Turns of the watch since it is the first: not wall time, so that a suspended machine kills nobody. */
  silentTurns: number
}

const entry = fileURLToPath(
  new URL(`./compute-process${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
)
const restartBaseMs = 100
const restartCapMs = 5_000

export function createComputeCalls(deps: ComputeCallsDeps, memory: ComputeMemory): ComputeCalls {
  let calls: Call[] = []
  let child: ChildProcess | undefined
  let watching: NodeJS.Timeout | undefined
  let lastId = 0
  /** Ends without a single answer in between. */
  let endsInARow = 0
  let isResting = false
  let isHung = false
  let isClosed = false

  const watch = (): void => {
    const [first] = calls
    if (!first || ++first.silentTurns * heartbeatIntervalMs <= limitOf(first, deps.limitMs)) return
    isHung = true
    child?.kill('SIGKILL')
  }
  const onMessage = (answer: FromCompute): void => {
    const call = calls.shift()
    if (calls[0]) calls[0].silentTurns = 0
    endsInARow = 0
    call?.done(answer)
  }
  const onEnd = (signal: NodeJS.Signals | null): void => {
    clearInterval(watching)
    child = undefined
    deps.noteProcess(undefined)
    const first = calls.shift()
    if (first && !isClosed) tell(deps, first, isHung ? 'hung' : signal === 'SIGKILL' ? 'killed' : 'died')
    first?.failed(computeLost(first.version))
    if (isClosed) for (const call of calls.splice(0)) call.failed(computeLost(call.version))
    else rest()
  }
  const rest = (): void => {
    isResting = true
    setTimeout(() => {
      isResting = false
      if (!isClosed) start()
    }, restMsOf(endsInARow++)).unref()
  }
  const start = (): void => {
    isHung = false
    child = spawn({ onMessage, onEnd, log: deps.log })
    deps.noteProcess(child.pid)
    const again: Call[] = []
    for (const { version, order } of memory.again()) {
      const { call, answer } = callOf(++lastId, version, order)
      answer.catch((error: unknown) =>
        deps.log.error('a version is not loaded again', { version, error: messageOf(error) }),
      )
      again.push(call)
    }
    calls = [...again, ...calls]
    for (const { message } of calls) child.send(message)
    watching = setInterval(watch, heartbeatIntervalMs).unref()
  }
  return {
    post(version, order) {
      const { call, answer } = callOf(++lastId, version, order)
      if (isClosed) return Promise.reject(computeLost(version))
      calls.push(call)
      if (child) child.send(call.message)
      else if (!isResting) start()
      return answer
    },
    close() {
      isClosed = true
      if (child?.connected) child.disconnect()
    },
  }
}

function callOf(id: number, version: string, order: ComputeOrder): { call: Call; answer: Promise<FromCompute> } {
  const { promise: answer, resolve: done, reject: failed } = Promise.withResolvers<FromCompute>()
  return { call: { message: { ...order, id }, version, done, failed, silentTurns: 0 }, answer }
}

interface Listeners {
  readonly onMessage: (answer: FromCompute) => void
  readonly onEnd: (signal: NodeJS.Signals | null) => void
  readonly log: Log
}

function spawn({ onMessage, onEnd, log }: Listeners): ChildProcess {
  const child = fork(entry, [], {
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  child.on('message', onMessage)
  child.once('exit', (_, signal) => onEnd(signal))
  child.on('error', (error) => log.warn('the compute process could not be told something', { error: String(error) }))
  return child
}

function tell({ lost, log }: ComputeCallsDeps, { version }: Call, kind: ComputeLoss['kind']): void {
  log.error('the compute process ended at work', { version, kind })
  lost({ kind, version })
}

const restMsOf = (endsInARow: number): number => Math.min(restartCapMs, restartBaseMs * 2 ** Math.min(10, endsInARow))

const limitOf = ({ message }: Call, runLimitMs = heartbeatLimitMs): number =>
  message.kind === 'load' ? startLimitMs : runLimitMs

const computeLost = (version: string): DomainError =>
  new DomainError('unavailable', 'compute_lost', `the process that ran ${version} hung or ended: try again`)
