// Which calls of a plan have a value of another type than MLflow's own descriptors give it: told by the installed release, not by our reader.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { newestVenv } from '../environments.ts'
import type { Call } from './call.ts'

/** One for each call. */
export async function areMistyped(calls: readonly Call[]): Promise<readonly boolean[]> {
  const { python } = await newestVenv()
  const child = spawn(python, [join(import.meta.dirname, '..', 'mistyped.py')], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(JSON.stringify(calls))
  return JSON.parse(await text(child.stdout)) as boolean[]
}
