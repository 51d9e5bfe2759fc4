// Has the prediction log turned into Parquet every so often, by a process of its own, one at a time.
import { spawn, type ChildProcess } from 'node:child_process'
import type { Log } from '../platform/log.ts'
import { childEnvironment, type Config } from './config.ts'
import { entryFile } from './entries.ts'

const everyMs = 60_000
/** A run that takes longer is ended; what it had converted stays, and the next goes on. */
const timeoutMs = 10 * 60_000

export interface LogKeeper {
  stop(): void
}

export function startLogKeeper(config: Config, log: Log): LogKeeper {
  let running: ChildProcess | undefined
  const turn = (): void => {
    if (running) return
    const child = spawn(process.execPath, [entryFile('prediction-log')], {
      env: childEnvironment(config),
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    })
    running = child
    child.once('error', (error) => log.warn('the prediction log could not be kept', { error: error.message }))
    child.once('close', () => (running = undefined))
  }
  const timer = setInterval(turn, everyMs)
  return {
    stop() {
      clearInterval(timer)
      running?.kill('SIGKILL') // It may be killed at any moment and goes on the next time.
    },
  }
}
